"""The old API's contract: each route, each status, each key and its type; and where it differs from the old one."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest

from controller.web.seed.lookout import Lookout
from tests.unit.web.oldworld import DESKTOP, HEALTH, PASSWORD, REFUSED, SESSION, MakeWorld, OldWorld, types


def test_a_launch_answers_once_the_desktop_is_ready(world: OldWorld) -> None:
    answer = world.browser().post("/sessions", json={"session_id": "alice", "duration_minutes": 45})
    assert answer.status_code == 201
    assert types(answer.json()) == {"success": bool, "session": dict, "message": str}
    assert answer.json()["success"] is True
    session = answer.json()["session"]
    assert types(session) == DESKTOP
    view = world.controller.sessions_there["alice"]
    assert session["session_id"] == "alice"
    assert (session["container_id"], session["container_ip"]) == (view.vmid, view.address)
    assert session["duration_minutes"] == 45
    assert session["status"] == "active"
    assert (session["username"], session["password"]) == ("winux", PASSWORD)
    created, expires = (datetime.fromisoformat(session[key]) for key in ("created_at", "expires_at"))
    assert (expires - created).total_seconds() == 45 * 60
    assert 44 * 60 < session["remaining_seconds"] <= 45 * 60


NOTHING_SPECIAL = [b"", b"{}", b"null", b'{"session_id": null, "duration_minutes": null}', b'{"session_id": ""}']


@pytest.mark.parametrize("body", [*NOTHING_SPECIAL, b'{"color": "blue"}'])
def test_a_launch_that_asks_for_nothing_special_gets_a_name_and_the_usual_time(world: OldWorld, body: bytes) -> None:
    answer = world.browser().post("/sessions", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 201
    assert answer.json()["session"]["session_id"] in world.controller.sessions_there
    assert answer.json()["session"]["duration_minutes"] == 30


@pytest.mark.parametrize("minutes", [1, 1440, 30, 1.5])
def test_minutes_that_may_be_asked_for(world: OldWorld, minutes: float) -> None:
    session = world.browser().post("/sessions", json={"duration_minutes": minutes}).json()["session"]
    assert session["duration_minutes"] == minutes


@pytest.mark.parametrize("phase", ["Pending", "Creating", "Starting", "Held"])
def test_what_takes_longer_than_is_waited_for_is_being_made(make_world: MakeWorld, phase: str) -> None:
    world = make_world(wait=0.2)
    world.controller.leads_through = (phase,)
    browser = world.browser()
    answer = browser.post("/sessions", json={"session_id": "alice", "duration_minutes": 5})
    assert answer.status_code == 202
    assert answer.json()["success"] is True
    session = answer.json()["session"]
    assert session["status"] == "creating"
    assert set(types(session)) == set(SESSION)
    assert (session["duration_minutes"], session["remaining_seconds"]) == (5, 300)
    assert datetime.fromisoformat(session["created_at"]) < datetime.fromisoformat(session["expires_at"])

    world.controller.stands("alice", "Ready")
    world.clock.advance(60)
    found = browser.get("/sessions/alice").json()["session"]
    assert (found["status"], found["password"]) == ("active", PASSWORD), "the cookie of a 202 is a ticket too"


def test_nobody_waits_where_the_settings_say_so(make_world: MakeWorld) -> None:
    answer = make_world(wait=0.0).browser().post("/sessions")
    assert (answer.status_code, answer.json()["session"]["status"]) == (202, "creating")


def test_whoever_comes_when_too_many_wait_is_answered_at_once(make_world: MakeWorld) -> None:
    world = make_world(lookout=Lookout(most=0, every=0.0))
    assert world.browser().post("/sessions").status_code == 202


def test_a_broken_desktop_is_not_reported_as_success(world: OldWorld) -> None:
    world.controller.leads_through = ("Failed",)
    browser = world.browser()
    answer = browser.post("/sessions", json={"session_id": "alice"})
    assert answer.status_code == 500
    assert types(answer.json()) == REFUSED | {"session": dict}
    assert answer.json()["success"] is False
    assert answer.json()["error"] == "session alice could not be made: it is Failed"
    assert answer.json()["session"]["status"] == "failed"
    assert "password" not in answer.json()["session"]
    assert browser.delete("/sessions/alice").status_code == 200, "its ticket was handed over all the same"


@pytest.mark.parametrize("phase", ["Terminating", "Expired"])
def test_a_session_that_is_ended_meanwhile_is_no_success(world: OldWorld, phase: str) -> None:
    world.controller.leads_through = (phase,)
    answer = world.browser().post("/sessions", json={"session_id": "alice"})
    assert (answer.status_code, answer.json()["error"]) == (409, "session alice was ended meanwhile")


def test_a_desktop_that_comes_at_the_second_attempt_is_a_success(world: OldWorld) -> None:
    world.controller.leads_through = ("Creating", "Starting", "Terminating/NeverReady", "Creating", "Starting", "Ready")
    assert world.browser().post("/sessions").status_code == 201


def test_a_desktop_that_is_given_up_is_waited_for_until_that_is_certain(world: OldWorld) -> None:
    world.controller.leads_through = (
        "Starting",
        "Terminating/NeverReady",
        "Terminating/NeverReady",
        "Failed/NeverReady",
    )
    answer = world.browser().post("/sessions")
    assert (answer.status_code, answer.json()["session"]["status"]) == (500, "failed")


def test_one_session_shows_its_owner_how_to_log_in(alice: httpx.Client) -> None:
    answer = alice.get("/sessions/alice")
    assert answer.status_code == 200
    assert types(answer.json()) == {"success": bool, "session": dict}
    assert types(answer.json()["session"]) == DESKTOP
    assert answer.headers["cache-control"] == "no-store"


def test_the_list_has_the_sessions_that_are_not_over_and_no_password(world: OldWorld, alice: httpx.Client) -> None:
    for name, phase in (("bob", "Failed"), ("carol", "Expired"), ("dave", "Terminating")):
        alice.post("/sessions", json={"session_id": name})
        world.controller.stands(name, phase)
    world.clock.advance(60)
    answer = alice.get("/sessions")
    assert answer.status_code == 200
    assert types(answer.json()) == {"success": bool, "sessions": list}
    listed = {session["session_id"]: session["status"] for session in answer.json()["sessions"]}
    assert listed == {"alice": "active", "bob": "failed", "dave": "ending"}
    assert all(set(types(session)) == set(SESSION) for session in answer.json()["sessions"])
    assert PASSWORD not in answer.text


def test_ending_says_what_is_true(world: OldWorld, alice: httpx.Client) -> None:
    answer = alice.delete("/sessions/alice")
    assert answer.status_code == 200
    assert types(answer.json()) == {"success": bool, "message": str, "session": dict}
    assert answer.json()["message"] == "session alice is ending"
    assert answer.json()["session"]["status"] == "ending"
    assert answer.json()["session"]["remaining_seconds"] == 0
    listed = alice.get("/sessions").json()["sessions"]
    assert [session["status"] for session in listed] == ["ending"], "it is not forgotten before it is gone"

    del world.controller.sessions_there["alice"]
    world.clock.advance(60)
    assert alice.get("/sessions").json()["sessions"] == []
    assert alice.get("/sessions/alice").status_code == 404


STATUSES = [
    ("Pending", "creating"),
    ("Creating", "creating"),
    ("Starting", "creating"),
    ("Held", "creating"),
    ("Ready", "active"),
    ("Terminating", "ending"),
    ("Expired", "ended"),
    ("Failed", "failed"),
]


@pytest.mark.parametrize(("phase", "status"), STATUSES)
def test_statuses(make_world: MakeWorld, phase: str, status: str) -> None:
    world = make_world(wait=0.0)
    world.controller.leads_through = (phase,)
    browser = world.browser()
    browser.post("/sessions", json={"session_id": "alice"})
    world.clock.advance(60)
    assert browser.get("/sessions/alice").json()["session"]["status"] == status


def test_a_ready_session_that_something_holds_is_still_usable(world: OldWorld, alice: httpx.Client) -> None:
    world.controller.stands("alice", "Held")
    world.clock.advance(60)
    assert alice.get("/sessions/alice").json()["session"]["status"] == "held"


def test_health(world: OldWorld, alice: httpx.Client) -> None:
    answer = alice.get("/health")
    assert (answer.status_code, types(answer.json())) == (200, HEALTH)
    assert (answer.json()["success"], answer.json()["status"]) == (True, "healthy")
    assert answer.json()["active_sessions"] == 1

    world.controller.answers = False
    answer = alice.get("/health")
    assert answer.status_code == 503
    assert types(answer.json()) == HEALTH | {"active_sessions": type(None)}
    assert (answer.json()["success"], answer.json()["status"]) == (False, "unhealthy")


@pytest.mark.parametrize("path", ["", "/"])
def test_the_index_lists_the_endpoints(world: OldWorld, path: str) -> None:
    answer = world.browser().get(path)
    assert answer.status_code == 200
    assert types(answer.json()) == {"success": bool, "message": str, "endpoints": dict, "timestamp": str}
    names = {"health", "sessions", "create_session", "get_session", "delete_session", "cleanup"}
    assert set(answer.json()["endpoints"]) == names


def test_cleanup_ends_nothing_and_clears_away_what_is_over(world: OldWorld, alice: httpx.Client) -> None:
    for name, phase in (("bob", "Failed"), ("carol", "Expired"), ("dave", "Terminating")):
        alice.post("/sessions", json={"session_id": name})
        world.controller.stands(name, phase)
    world.clock.advance(60)
    answer = alice.post("/cleanup")
    assert answer.status_code == 200
    assert types(answer.json()) == {"success": bool, "cleaned_sessions": list, "message": str}
    assert answer.json()["cleaned_sessions"] == ["bob", "carol"]
    assert answer.json()["message"] == "cleared away 2 sessions of yours that were over"
    assert {name: view.phase for name, view in world.controller.sessions_there.items()} == {
        "alice": "Ready",
        "dave": "Terminating",
    }


@pytest.mark.parametrize("path", ["/winux", "/winux/", "/winux/index.html", "/x/winux/"])
def test_the_old_page_leads_to_the_new_one(world: OldWorld, path: str) -> None:
    answer = world.browser().get(httpx.URL(world.url).join(path))
    if path.startswith("/x"):
        assert answer.status_code == 404
    else:
        assert answer.status_code == 308
        assert httpx.URL(world.url).join(path).join(answer.headers["location"]).path == "/"

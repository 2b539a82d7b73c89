"""What the old API refuses, always in its own form; and what is nobody's but its owner's."""

from __future__ import annotations

import httpx
import pytest

from controller.web.quotas import Quotas
from tests.unit.web.oldworld import REFUSED, SESSION, MakeWorld, OldWorld, types

NO_NAMES = [
    *("../etc/passwd", "a/b", "a.b", ".", "..", "Alice", "álice", "alice\n", "alice bob", "-alice", "alice-", "a_b"),
    *("a" * 64, "<b>x</b>", "alice%00", "\u0000", "💥", "alice;rm", "~root", "c:\\x"),
]


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_cannot_be_a_name_is_told_so(empty: OldWorld, name: str) -> None:
    answer = empty.browser().post("/sessions", json={"session_id": name})
    assert answer.status_code == 400
    assert types(answer.json()) == REFUSED
    assert answer.json()["success"] is False
    assert answer.json()["error"] == answer.json()["message"]
    assert "cannot be the name of a session" in answer.json()["error"]
    assert answer.json()["error"].isascii()
    assert empty.controller.sessions_there == {}


@pytest.mark.parametrize("path", ["a/b", "Alice", "..%2f..%2fetc%2fpasswd", "a.b", "%00", "a%09b", "%f0%9f%92%a5", ""])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_cannot_be_a_name_in_the_path_is_told_so(empty: OldWorld, method: str, path: str) -> None:
    answer = empty.browser().request(method, f"/sessions/{path}")
    assert (answer.status_code, types(answer.json())) == (400, REFUSED)


BODIES = [
    b'{"duration_minutes": 0}',
    b'{"duration_minutes": 0.5}',
    b'{"duration_minutes": -5}',
    b'{"duration_minutes": 1441}',
    b'{"duration_minutes": 1e99}',
    b'{"duration_minutes": NaN}',
    b'{"duration_minutes": "30"}',
    b'{"duration_minutes": true}',
    b'{"duration_minutes": [30]}',
    b'{"duration_minutes": {}}',
    b'{"session_id": 5}',
    b'{"session_id": ["alice"]}',
    b"[]",
    b'"alice"',
    b"{",
    b"\xff\xfe",
    b"[" * 50_000,
    b"session_id=alice",
]


@pytest.mark.parametrize("body", BODIES)
def test_bodies_that_cannot_be_used(empty: OldWorld, body: bytes) -> None:
    answer = empty.browser().post("/sessions", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, types(answer.json())) == (400, REFUSED)
    assert empty.controller.sessions_there == {}


def test_a_duration_that_cannot_be_is_told_in_minutes(empty: OldWorld) -> None:
    answer = empty.browser().post("/sessions", json={"duration_minutes": 2000})
    assert answer.json()["error"] == "duration_minutes cannot be used: choose a number of minutes from 1 to 1440"


def test_a_name_that_is_taken(world: OldWorld, alice: httpx.Client) -> None:
    for browser in (alice, world.browser()):
        answer = browser.post("/sessions", json={"session_id": "alice"})
        assert (answer.status_code, types(answer.json())) == (409, REFUSED)


def test_a_full_house_says_so_and_when_to_come_again(make_world: MakeWorld) -> None:
    world = make_world(quotas=Quotas(total=1))
    assert world.browser().post("/sessions").status_code == 201
    answer = world.browser().post("/sessions")
    assert (answer.status_code, types(answer.json())) == (503, REFUSED)
    assert int(answer.headers["retry-after"]) > 0


def test_too_many_launches_from_one_address(make_world: MakeWorld) -> None:
    world = make_world(launches=3)
    answers = [world.browser().post("/sessions") for _ in range(8)]
    assert {answer.status_code for answer in answers} == {201, 429}
    assert all(int(one.headers["retry-after"]) > 0 for one in answers if one.status_code == 429)


def test_a_controller_that_cannot_answer_is_no_full_success(world: OldWorld, alice: httpx.Client) -> None:
    world.controller.answers = False
    world.clock.advance(60)
    for answer in (alice.post("/sessions"), alice.delete("/sessions/alice"), alice.get("/sessions")):
        assert (answer.status_code, types(answer.json())) == (503, REFUSED)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("name", ["none", "a%0d%0ab"])
def test_what_is_not_there(empty: OldWorld, method: str, name: str) -> None:
    answer = empty.browser().request(method, f"/sessions/{name}")
    assert (answer.status_code, types(answer.json())) == (404, REFUSED)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("PUT", "/sessions", 405),
        ("POST", "/sessions/alice", 405),
        ("GET", "/cleanup", 405),
        ("POST", "/health", 405),
        ("DELETE", "/sessions", 405),
    ],
)
def test_ways_that_lead_nowhere_answer_in_the_same_form(empty: OldWorld, method: str, path: str, status: int) -> None:
    answer = empty.browser().request(method, path)
    assert (answer.status_code, types(answer.json())) == (status, REFUSED)


# -- whose it is -----------------------------------------------------------------------------------------------


def test_the_ticket_is_a_cookie_that_no_script_and_no_other_site_gets(world: OldWorld) -> None:
    cookie = world.browser().post("/sessions").headers["set-cookie"].lower()
    assert cookie.startswith("winux_ticket=wxt_")
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}


def test_all_sessions_of_a_browser_go_by_one_ticket(alice: httpx.Client) -> None:
    before = alice.cookies["winux_ticket"]
    alice.post("/sessions", json={"session_id": "second"})
    assert alice.cookies["winux_ticket"] == before
    assert {one["session_id"] for one in alice.get("/sessions").json()["sessions"]} == {"alice", "second"}


@pytest.mark.usefixtures("alice")
def test_without_the_ticket_a_session_can_be_read_and_not_ended(world: OldWorld) -> None:
    stranger = world.browser()
    found = stranger.get("/sessions/alice").json()["session"]
    assert set(types(found)) == set(SESSION)
    assert (found["status"], found["container_id"], found["container_ip"]) == ("active", None, None)
    assert found["duration_minutes"] == 45

    answer = stranger.delete("/sessions/alice")
    assert (answer.status_code, types(answer.json())) == (403, REFUSED)
    assert "somebody else's" in answer.json()["error"]
    assert world.controller.sessions_there["alice"].phase == "Ready"


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("ticket", ["", "wxt_", "wxt_" + "A" * 43, "null", "wxt_" + "é" * 43])
def test_an_invented_ticket_opens_nothing(world: OldWorld, ticket: str) -> None:
    headers = [(b"cookie", f"winux_ticket={ticket}".encode())]
    stranger = world.browser()
    assert "password" not in stranger.get("/sessions/alice", headers=headers).text
    assert stranger.delete("/sessions/alice", headers=headers).status_code == 403


@pytest.mark.usefixtures("alice")
def test_nobody_lists_or_clears_away_everybodys_sessions(world: OldWorld) -> None:
    world.controller.stands("alice", "Failed")
    world.clock.advance(60)
    stranger = world.browser()
    assert stranger.get("/sessions").json() == {"success": True, "sessions": []}
    answer = stranger.post("/cleanup").json()
    assert answer["cleaned_sessions"] == []
    assert "nothing of yours was left" in answer["message"]
    assert "alice" in world.controller.sessions_there


def test_what_an_administrator_wrote_is_nobodys_business(world: OldWorld, alice: httpx.Client) -> None:
    world.controller.written_by_an_administrator("payroll")
    for browser in (alice, world.browser()):
        assert browser.get("/sessions/payroll").status_code == 404
        assert browser.delete("/sessions/payroll").status_code == 404
        assert browser.post("/sessions", json={"session_id": "payroll"}).status_code == 409
        assert "payroll" not in browser.get("/sessions").text

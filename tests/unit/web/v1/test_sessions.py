"""One session, from the button to the end, by ``/api/v1``."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from controller.web.quotas import Quotas
from tests.unit.web.v1.hotel import ALICE, PASSWORD, Hotel

KEY = "3f0e7c1c-3b1f-4a55-9d5a-6f6f7a9f5f10"
FIELDS = {
    *("name", "phase", "reason", "message", "failing", "template", "mine", "mayControl", "mayLogIn", "owner"),
    *("address", "port", "acceptedAt", "readyAt", "expiresAt", "endedAt", "secondsLeft", "extendableSeconds"),
    *("serverTime", "progress"),
}


# -- the launch ------------------------------------------------------------------------------------------------


def test_a_launch_is_answered_at_once_with_the_session_its_place_and_its_ticket(hotel: Hotel) -> None:
    browser = hotel.browser()
    answer = browser.post("/sessions", json={"template": "default", "durationMinutes": 30, "language": "fr"})
    session = answer.json()
    assert answer.status_code == 201
    assert set(session) == FIELDS | {"ticket"}
    assert (session["phase"], session["progress"]["step"], session["mine"]) == ("Pending", "queued", True)
    assert answer.headers["location"] == f"sessions/{session['name']}"
    assert answer.headers["cache-control"] == "no-store"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert browser.cookies["winux_ticket"] == session["ticket"]


@pytest.mark.parametrize("body", [None, {}, {"template": None, "name": None, "durationMinutes": None}])
def test_all_of_the_order_may_be_left_out(hotel: Hotel, body: dict[str, None] | None) -> None:
    assert hotel.browser().post("/sessions", json=body).status_code == 201


def test_what_was_asked_for_is_what_is_made(hotel: Hotel) -> None:
    hotel.browser(ALICE).post("/sessions", json={"template": "short", "durationMinutes": 0.5, "name": "mine"})
    made = hotel.controller.views["mine"]
    assert (made.template, made.ttl, made.owner) == ("short", "30s", "alice")


@pytest.mark.parametrize(
    ("body", "status", "title"),
    [
        ({"durationMinutes": 0}, 422, "Invalid"),
        ({"durationMinutes": "30"}, 422, "Invalid"),
        ({"durationMinutes": True}, 422, "Invalid"),
        ({"durationMinutes": 121}, 422, "TooLong"),
        ({"template": "short", "durationMinutes": 61}, 422, "TooLong"),
        ({"template": "none"}, 422, "NoSuchTemplate"),
        ({"language": "de"}, 422, "Invalid"),
        ({"name": "../etc"}, 400, "BadName"),
        ({"name": "<b>x</b>"}, 400, "BadName"),
        ({"name": "x" * 64}, 422, "Invalid"),
        ({"surprise": 1}, 422, "Invalid"),
        ([], 422, "Invalid"),
        ("text", 422, "Invalid"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused_and_leaves_nothing(
    hotel: Hotel, body: object, status: int, title: str
) -> None:
    answer = hotel.browser().post("/sessions", json=body)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert hotel.controller.views == {}


def test_infinity_and_nan_are_no_durations(hotel: Hotel) -> None:
    for text in ("Infinity", "NaN", "1e999"):
        answer = hotel.browser().post(
            "/sessions", content=f'{{"durationMinutes": {text}}}', headers={"content-type": "application/json"}
        )
        assert answer.status_code in {400, 422}, text


def test_a_name_that_is_taken_is_refused(hotel: Hotel) -> None:
    assert hotel.browser().post("/sessions", json={"name": "one"}).status_code == 201
    answer = hotel.browser().post("/sessions", json={"name": "one"})
    assert (answer.status_code, answer.json()["title"]) == (409, "Exists")


def test_a_full_house_says_so_and_when_to_come_again() -> None:
    hotel = Hotel(quotas=Quotas(total=1))
    hotel.browser().post("/sessions")
    answer = hotel.browser().post("/sessions")
    assert (answer.status_code, answer.json()["title"]) == (503, "Full")
    assert int(answer.headers["retry-after"]) >= 1


def test_too_many_launches_are_refused_for_a_while() -> None:
    hotel = Hotel(launches=2)
    statuses = [hotel.browser().post("/sessions").status_code for _ in range(4)]
    assert statuses == [201, 201, 429, 429]


def test_a_guest_of_a_house_with_logins_launches_nothing(club: Hotel) -> None:
    answer = club.browser().post("/sessions")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


# -- the same launch again -------------------------------------------------------------------------------------


def test_the_same_key_gives_the_same_session_and_the_same_ticket(hotel: Hotel) -> None:
    first = hotel.browser().post("/sessions", json={"durationMinutes": 20}, headers={"idempotency-key": KEY})
    again = hotel.browser().post("/sessions", json={"durationMinutes": 20}, headers={"idempotency-key": KEY})
    assert (first.status_code, again.status_code) == (201, 200)
    assert [again.json()[key] for key in ("name", "ticket", "mine")] == [
        first.json()["name"],
        first.json()["ticket"],
        True,
    ]
    assert len(hotel.controller.views) == 1


@pytest.mark.parametrize(
    "other", [{"durationMinutes": 21}, {"template": "short"}, {"language": "en"}, {"name": "else"}]
)
def test_the_same_key_with_another_body_is_refused(hotel: Hotel, other: dict[str, object]) -> None:
    body = {"durationMinutes": 20, "template": "default", "language": "fr"}
    browser = hotel.browser()
    browser.post("/sessions", json=body, headers={"idempotency-key": KEY})
    answer = browser.post("/sessions", json=body | other, headers={"idempotency-key": KEY})
    assert (answer.status_code, answer.json()["title"]) == (422, "IdempotencyKeyReused")
    assert len(hotel.controller.views) == 1


def test_another_person_with_the_same_key_gets_another_session(club: Hotel) -> None:
    names = {
        club.browser({"x-test-name": name, "x-test-role": "user"})
        .post("/sessions", headers={"idempotency-key": KEY})
        .json()["name"]
        for name in ("alice", "bob")
    }
    assert len(names) == 2


@pytest.mark.parametrize("key", ["short", "x" * 201, "has a blank in it somewhere"])
def test_a_key_without_enough_chance_is_refused(hotel: Hotel, key: str) -> None:
    assert hotel.browser().post("/sessions", headers={"idempotency-key": key}).status_code == 422


# -- looking at it ---------------------------------------------------------------------------------------------


def test_progress_is_told_with_an_estimate_from_the_last_sessions(hotel: Hotel) -> None:
    browser = hotel.browser()
    name = browser.post("/sessions").json()["name"]
    hotel.controller.stands(name, "Creating")
    hotel.clock.advance(4)
    progress = browser.get(f"/sessions/{name}").json()["progress"]
    assert progress["step"] == "creating"
    assert progress["estimateSeconds"] + progress["elapsedSeconds"] == pytest.approx(10)
    assert not progress["late"]
    hotel.clock.advance(10)
    progress = browser.get(f"/sessions/{name}").json()["progress"]
    assert (progress["late"], progress["estimateSeconds"]) == (True, None)


def test_the_time_that_is_left_counts_down_by_the_clock_of_the_server(hotel: Hotel) -> None:
    browser, name = _ready(hotel)
    before = browser.get(f"/sessions/{name}").json()
    hotel.clock.advance(60)
    after = browser.get(f"/sessions/{name}").json()
    assert before["expiresAt"] == after["expiresAt"]
    assert 60 <= before["secondsLeft"] - after["secondsLeft"] < 63
    assert before["serverTime"] < after["serverTime"] < after["expiresAt"]


def test_an_entity_tag_stays_while_only_time_passes_and_changes_with_what_happens(hotel: Hotel) -> None:
    browser, name = _ready(hotel)
    tag = browser.get(f"/sessions/{name}").headers["etag"]
    hotel.clock.advance(60)
    same = browser.get(f"/sessions/{name}", headers={"if-none-match": f'"other", W/{tag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    hotel.controller.stands(name, "Terminating")
    hotel.clock.advance(5)
    assert browser.get(f"/sessions/{name}", headers={"if-none-match": tag}).status_code == 200


# -- orders ----------------------------------------------------------------------------------------------------


def test_extending_moves_the_end_and_takes_from_what_is_left_to_give(hotel: Hotel) -> None:
    browser, name = _ready(hotel)
    before = browser.get(f"/sessions/{name}").json()
    after = browser.post(f"/sessions/{name}/extend", json={"minutes": 15}).json()
    assert after["expiresAt"] > before["expiresAt"]
    assert before["extendableSeconds"] - after["extendableSeconds"] == 900
    assert before["extendableSeconds"] == 7200 - 1800


def test_what_can_be_given_can_be_given_and_no_more(hotel: Hotel) -> None:
    browser, name = _ready(hotel)
    room = browser.get(f"/sessions/{name}").json()["extendableSeconds"] / 60
    assert browser.post(f"/sessions/{name}/extend", json={"minutes": room + 1}).status_code == 409
    all_of_it = browser.post(f"/sessions/{name}/extend", json={"minutes": room})
    assert (all_of_it.status_code, all_of_it.json()["extendableSeconds"]) == (200, 0)
    assert browser.post(f"/sessions/{name}/extend", json={"minutes": 1}).status_code == 409


@pytest.mark.parametrize("body", [{}, {"minutes": 0}, {"minutes": -5}, {"minutes": "15"}, {"minutes": 1, "x": 1}, None])
def test_an_extension_has_to_be_a_number_of_minutes(hotel: Hotel, body: object) -> None:
    browser, name = _ready(hotel)
    assert browser.post(f"/sessions/{name}/extend", json=body).status_code == 422


def test_nothing_can_be_extended_before_its_time_counts(hotel: Hotel) -> None:
    browser = hotel.browser()
    name = browser.post("/sessions").json()["name"]
    assert browser.get(f"/sessions/{name}").json()["extendableSeconds"] == 0
    assert browser.post(f"/sessions/{name}/extend", json={"minutes": 5}).status_code == 409


def test_ending_is_accepted_and_shown(hotel: Hotel) -> None:
    browser, name = _ready(hotel)
    answer = browser.delete(f"/sessions/{name}")
    assert (answer.status_code, answer.json()["phase"], answer.json()["progress"]["step"]) == (
        202,
        "Terminating",
        "ending",
    )
    assert answer.json()["extendableSeconds"] == 0


@pytest.mark.parametrize(("method", "path"), [("POST", "/extend"), ("DELETE", "")])
def test_an_order_for_another_state_is_not_carried_out(hotel: Hotel, method: str, path: str) -> None:
    browser, name = _ready(hotel)
    body = {"minutes": 5} if method == "POST" else None
    before = dict(hotel.controller.views)
    refused = browser.request(method, f"/sessions/{name}{path}", json=body, headers={"if-match": '"another"'})
    assert (refused.status_code, refused.json()["title"]) == (412, "Changed")
    assert hotel.controller.views == before
    tag = browser.get(f"/sessions/{name}").headers["etag"]
    assert browser.request(method, f"/sessions/{name}{path}", json=body, headers={"if-match": tag}).is_success


# -- logging in ------------------------------------------------------------------------------------------------


def test_the_credential_is_for_logging_in_and_kept_nowhere(hotel: Hotel) -> None:
    browser, name = _ready(hotel)
    answer = browser.get(f"/sessions/{name}/credential")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "username": "winux",
        "password": PASSWORD,
        "nextPassword": None,
        "credentials": "password",
        "address": "10.0.0.7",
        "port": 3389,
        "fingerprint": "aa:bb",
    }


def test_the_file_for_clients_has_everything_but_the_password(hotel: Hotel) -> None:
    browser, name = _ready(hotel)
    answer = browser.get(f"/sessions/{name}/rdp")
    assert answer.headers["content-type"] == "application/x-rdp"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.rdp"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.splitlines()[:2] == ["full address:s:10.0.0.7", "username:s:winux"]
    assert PASSWORD not in answer.text


@pytest.mark.parametrize("what", ["credential", "rdp"])
def test_there_is_nothing_to_log_in_to_before_there_is(hotel: Hotel, what: str) -> None:
    browser = hotel.browser()
    name = browser.post("/sessions").json()["name"]
    assert browser.get(f"/sessions/{name}/{what}").status_code == 409


def _ready(hotel: Hotel) -> tuple[TestClient, str]:
    browser = hotel.browser()
    name = browser.post("/sessions").json()["name"]
    hotel.controller.stands(name, "Ready")
    hotel.clock.advance(1)
    return browser, name

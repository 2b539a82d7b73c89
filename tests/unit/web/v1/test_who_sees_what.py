"""What of one session each person may see and do, in the open mode and where people log in."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.unit.web.v1.hotel import ADMIN, ALICE, BOB, OPERATOR, PASSWORD, Hotel

NOBODY: dict[str, str] = {}
# mode, who asks, then the statuses of: look, credential, rdp, events, extend, end
RIGHTS = {
    "open: who launched it": ("open", "creator", (200, 200, 200, 200, 200, 202)),
    "open: anybody else": ("open", NOBODY, (200, 403, 403, 403, 403, 403)),
    "open: an operator": ("open", OPERATOR, (200, 403, 403, 200, 200, 202)),
    "open: an administrator": ("open", ADMIN, (200, 200, 200, 200, 200, 202)),
    "logins: who launched it": ("token", "creator", (200, 200, 200, 200, 200, 202)),
    "logins: its owner from another browser": ("token", ALICE, (200, 200, 200, 200, 200, 202)),
    "logins: another user": ("token", BOB, (404, 404, 404, 404, 404, 404)),
    "logins: a guest": ("token", NOBODY, (404, 404, 404, 404, 404, 404)),
    "logins: an operator": ("token", OPERATOR, (200, 403, 403, 200, 200, 202)),
    "logins: an administrator": ("token", ADMIN, (200, 200, 200, 200, 200, 202)),
}
CALLS: tuple[tuple[str, str, dict[str, int] | None], ...] = (
    ("GET", "", None),
    ("GET", "/credential", None),
    ("GET", "/rdp", None),
    ("GET", "/events", None),
    ("POST", "/extend", {"minutes": 1}),
    ("DELETE", "", None),
)


@pytest.mark.parametrize(("mode", "who", "statuses"), RIGHTS.values(), ids=RIGHTS.keys())
def test_rights(mode: str, who: str | dict[str, str], statuses: tuple[int, ...]) -> None:
    hotel = Hotel(mode=mode)
    creator, name = _ready(hotel, ALICE if mode == "token" else None)
    browser = creator if isinstance(who, str) else hotel.browser(who)
    found = tuple(
        browser.request(method, f"/sessions/{name}{path}", json=body).status_code for method, path, body in CALLS
    )
    assert found == statuses


def test_of_others_sessions_there_are_name_phase_and_times_only(hotel: Hotel) -> None:
    _, name = _ready(hotel)
    hotel.controller.stands(name, "Ready", owner="somebody", node="pve7", vmid=30_001)
    hotel.clock.advance(1)
    shown = hotel.browser().get(f"/sessions/{name}").json()
    told = {key: value for key, value in shown.items() if value not in (None, "", False, 0)}
    assert set(told) == {
        *("name", "phase", "acceptedAt", "readyAt", "expiresAt", "secondsLeft", "serverTime", "progress"),
    }


def test_a_ticket_in_the_header_is_as_good_as_the_cookie(hotel: Hotel) -> None:
    ticket = hotel.browser().post("/sessions", json={"name": "one"}).json()["ticket"]
    program = hotel.browser({"authorization": f"Bearer {ticket}"})
    assert program.get("/sessions/one").json()["mine"] is True
    guess = hotel.browser({"authorization": f"Bearer {ticket[:-1]}{'A' if ticket[-1] != 'A' else 'B'}"})
    assert guess.get("/sessions/one").json()["mine"] is False


def test_lists_have_ones_own_and_everybodys_for_operators_only(club: Hotel) -> None:
    for person, name in ((ALICE, "a-1"), (ALICE, "a-2"), (BOB, "b-1")):
        club.browser(person).post("/sessions", json={"name": name})
    assert _names(club.browser(ALICE)) == ["a-1", "a-2"]
    assert _names(club.browser(BOB)) == ["b-1"]
    assert _names(club.browser(OPERATOR)) == []
    assert _names(club.browser(OPERATOR), "all") == ["a-1", "a-2", "b-1"]
    assert club.browser(ALICE).get("/sessions?scope=all").status_code == 403
    assert club.browser().get("/sessions?scope=all").status_code == 401


def test_no_list_event_or_description_has_a_password_or_a_ticket(hotel: Hotel) -> None:
    creator, name = _ready(hotel)
    ticket = creator.cookies["winux_ticket"]
    operator = hotel.browser(OPERATOR)
    answers = [
        creator.get("/sessions"),
        creator.get(f"/sessions/{name}"),
        creator.get(f"/sessions/{name}/events"),
        operator.get("/sessions?scope=all"),
        operator.get("/events"),
        operator.get("/status"),
        operator.get("/templates"),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert PASSWORD not in answer.text
        assert ticket not in answer.text
        assert "winux.dev/" not in answer.text  # the marks in its manifest


def _names(browser: TestClient, scope: str = "mine") -> list[str]:
    return [one["name"] for one in browser.get(f"/sessions?scope={scope}").json()["items"]]


def _ready(hotel: Hotel, headers: dict[str, str] | None = None) -> tuple[TestClient, str]:
    browser = hotel.browser(headers)
    name = browser.post("/sessions").json()["name"]
    hotel.controller.stands(name, "Ready")
    hotel.clock.advance(1)
    return browser, name

"""Every refusal of ``/api/v1`` is a problem document, wherever it comes from."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from controller.web.v1.problems import MEDIA_TYPE, PROBLEM_SCHEMA, refusals
from tests.unit.web.v1.hotel import BOB, Hotel

REFUSED: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "a path that leads nowhere": ("GET", "/nothing", {}, 404, "NoSuchPath"),
    "a session that is not there": ("GET", "/sessions/nobody", {}, 404, "NotFound"),
    "a name that is none": ("GET", "/sessions/No_Name", {}, 400, "BadName"),
    "a name with a path in it": ("GET", "/sessions/..%2f..%2fstatus", {}, 404, "NoSuchPath"),
    "a name with HTML in it": ("GET", "/sessions/<script>", {}, 400, "BadName"),
    "a method that is not there": ("PUT", "/sessions", {}, 405, "MethodNotAllowed"),
    "no JSON": (
        "POST",
        "/sessions",
        {"content": "{", "headers": {"content-type": "application/json"}},
        400,
        "Malformed",
    ),
    "a form": ("POST", "/sessions", {"data": {"name": "x"}}, 422, "Invalid"),
    "a body that is too large": ("POST", "/sessions", {"json": {"name": "x" * 70_000}}, 413, "TooLarge"),
    "a page of another site": (
        "POST",
        "/sessions",
        {"headers": {"origin": "https://evil.example"}},
        403,
        "ForeignPage",
    ),
    "a limit that is none": ("GET", "/sessions?limit=201", {}, 422, "Invalid"),
    "a scope that is none": ("GET", "/sessions?scope=theirs", {}, 422, "Invalid"),
    "a token that is none": ("GET", "/sessions?continue=xyz", {}, 400, "BadToken"),
    "what only operators may": ("GET", "/events", {}, 401, "Forbidden"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_a_refusal(hotel: Hotel, case: tuple[str, str, dict[str, Any], int, str]) -> None:
    method, path, more, status, title = case
    answer = hotel.browser().request(method, path, **more)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["title"]) == (status, status, title)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["cache-control"] == "no-store"
    assert problem["instance"].startswith("/api/v1/")
    jsonschema.validate(problem, dict(PROBLEM_SCHEMA))


def test_every_mistake_is_named_by_its_field_and_nothing_that_was_sent_is_repeated(hotel: Hotel) -> None:
    body = {"durationMinutes": "secret-1", "language": "secret-2", "captcha": 7}
    answer = hotel.browser().post("/sessions", json=body)
    assert [error["field"] for error in answer.json()["errors"]] == ["durationMinutes", "language", "captcha"]
    assert "secret" not in answer.text


def test_a_controller_that_cannot_answer_is_said_to_be_away_for_a_while(hotel: Hotel) -> None:
    hotel.controller.answers = False
    answer = hotel.browser().get("/status")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1


def test_what_can_be_done_is_said_where_something_else_was_tried(hotel: Hotel) -> None:
    browser = hotel.browser()
    allowed = {
        path: set(browser.patch(path).headers["allow"].split(", "))
        for path in ("/sessions", "/sessions/x", "/sessions/x/extend", "/me")
    }
    assert allowed == {
        "/sessions": {"GET", "POST"},
        "/sessions/x": {"GET", "DELETE"},
        "/sessions/x/extend": {"POST"},
        "/me": {"GET"},
    }


def test_whether_a_name_is_anothers_or_nobodys_cannot_be_told_apart(club: Hotel) -> None:
    club.browser({"x-test-name": "alice", "x-test-role": "user"}).post("/sessions", json={"name": "taken"})
    bob = club.browser(BOB)
    for path in ("", "/credential", "/rdp", "/events", "/stream"):
        taken, free = bob.get(f"/sessions/taken{path}"), bob.get(f"/sessions/nobody{path}")
        assert taken.status_code == free.status_code == 404
        assert taken.text.replace("taken", "nobody") == free.text


def test_what_a_route_may_refuse_is_described_with_its_form() -> None:
    described = refusals(404)
    assert {400, 401, 403, 404, 422, 429, 500, 503} <= set(described)
    assert all(set(one["content"]) == {MEDIA_TYPE} for one in described.values())
    for one in described.values():
        jsonschema.validate(one["content"][MEDIA_TYPE]["example"], dict(PROBLEM_SCHEMA))

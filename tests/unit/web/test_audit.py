"""Refusals that are about rights stand in the log, and one address cannot fill it."""

from __future__ import annotations

import pytest
from fastapi import Request
from structlog.testing import capture_logs

from controller.engine.clock import VirtualClock
from controller.web.audit import RATE, Audit, remember
from controller.web.people import Person, Role
from controller.web.refusals import Refused


def _request(client: str = "203.0.113.9", path: str = "/api/v1/sessions/x") -> Request:
    scope = {"type": "http", "method": "DELETE", "path": path, "query_string": b"a=secret", "headers": []}
    return Request({**scope, "winux.client": client})


@pytest.mark.parametrize(("status", "told"), [(401, True), (403, True), (421, True), (404, False), (429, False)])
def test_what_is_about_rights_is_told(status: int, told: bool) -> None:
    with capture_logs() as log:
        Audit(clock=VirtualClock()).refused(_request(), Refused(status, "Title", "a sentence"))
    assert bool(log) is told


def test_it_says_who_tried_what_from_where_and_nothing_secret() -> None:
    request = _request(path="/" + "x" * 1_000)
    remember(request, Person(client="203.0.113.9", name="mallory", role=Role.USER, ticket="wxt_secret"))
    with capture_logs() as log:
        Audit(clock=VirtualClock()).refused(request, Refused(403, "NotYours", "a sentence"))
    (line,) = log
    assert (line["by"], line["client"], line["method"], line["title"]) == (
        "mallory",
        "203.0.113.9",
        "DELETE",
        "NotYours",
    )
    assert len(str(line["path"])) == 200
    assert "secret" not in str(log)


def test_one_address_has_so_many_lines_in_a_minute() -> None:
    clock = VirtualClock()
    audit, refused = Audit(clock=clock), Refused(403, "NotYours", "a sentence")
    with capture_logs() as log:
        for _ in range(RATE.times * 3):
            audit.refused(_request(), refused)
        audit.refused(_request("198.51.100.7"), refused)
        clock.advance(RATE.per)
        audit.refused(_request(), refused)
    assert len(log) == RATE.times + 2

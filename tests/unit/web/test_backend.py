"""Refusals of the controller as the web says them."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from controller.admin.client import NoDaemon
from controller.admin.client import Refused as RefusedByDaemon
from controller.admin.models import ProblemDetails
from controller.admin.refusals import Exists, Impossible, NotWritable, NotYet, Unknown
from controller.web.backend import AGAIN_IN, asking, for_people
from controller.web.refusals import Refused

UNAVAILABLE = (503, "ControllerUnavailable", AGAIN_IN)
TABLE: list[tuple[Exception, tuple[int, str, float | None]]] = [
    (Unknown("there is none"), (404, "NotFound", None)),
    (Impossible("not now"), (409, "Conflict", None)),
    (Exists("it is there"), (409, "Exists", None)),
    (RefusedByDaemon(ProblemDetails(title="Exists", status=409, detail="it is there")), (409, "Exists", None)),
    (NotYet("not scanned"), UNAVAILABLE),
    (NotWritable("/srv/manifests cannot be written"), UNAVAILABLE),
    (NoDaemon("no daemon answers at /run/winux/admin.sock"), UNAVAILABLE),
    (OperationalError("INSERT", {}, Exception("disk full at /var")), UNAVAILABLE),
]


@pytest.mark.parametrize(("error", "expected"), TABLE, ids=[type(error).__name__ for error, _ in TABLE])
def test_what_the_controller_refuses_is_refused_here(error: Exception, expected: tuple[int, str, float | None]) -> None:
    with capture_logs() as logs, pytest.raises(Refused) as caught, asking():
        raise error
    refused = caught.value
    assert (refused.status, refused.title, refused.retry_after) == expected
    assert "/" not in str(refused), "no file and no socket is named to strangers"
    assert bool(logs) is (expected == UNAVAILABLE)


def test_a_bug_stays_a_bug() -> None:
    with pytest.raises(RuntimeError), asking():
        raise RuntimeError("a bug")


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("session a has no address yet: `winux get sessions a -w` shows when it has", "session a has no address yet"),
        ("session a has ended: there is nothing to log in to", "session a has ended: there is nothing to log in to"),
    ],
)
def test_advice_for_a_terminal_is_left_out(sentence: str, said: str) -> None:
    assert for_people(sentence) == said

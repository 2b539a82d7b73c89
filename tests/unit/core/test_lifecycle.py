"""How long a life lasts: from Ready, or to a fixed end, and never past the cap."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.incarnation import Incarnation
from controller.core.lifecycle import (
    backoff,
    cap,
    deadline,
    extended,
    readiness_deadline,
    retry_at,
    statistics_count,
)
from tests.unit.core.given import ACCEPTED_AT, CAP, NOW, READY_AT, accepted, created, ready, spec
from tests.unit.core.strategies import LIVES


@pytest.mark.parametrize(
    ("life", "end"),
    [
        (accepted(), CAP),
        (created(), CAP),
        (ready(), READY_AT + 1800),
        (ready(extension=600.0), READY_AT + 2400),
        (ready(spec=spec(ttl=1e9)), CAP),
        (ready(extension=1e9), CAP),
        (accepted(spec=spec(expires_at=NOW + 7)), NOW + 7),
        (ready(spec=spec(expires_at=NOW + 7)), NOW + 7),
        (ready(spec=spec(expires_at=NOW + 7), extension=60.0), NOW + 67),
        (ready(spec=spec(expires_at=CAP + 7)), CAP),
        (ready(spec=spec(expires_at=NOW - 7)), NOW - 7),
        (accepted(ready_at=READY_AT), READY_AT + 1800),
    ],
    ids=[
        "accepted: the cap",
        "not ready: the cap",
        "its time to live, from Ready",
        "with what was granted on top",
        "a time to live beyond the cap",
        "an extension beyond the cap",
        "a fixed end, before it is ready",
        "a fixed end instead of the time to live",
        "a fixed end, extended",
        "a fixed end beyond the cap",
        "a fixed end in the past",
        "its container was lost: the time that is left",
    ],
)
def test_when_a_life_ends(life: Incarnation, end: float) -> None:
    assert deadline(life) == end


def test_the_cap_counts_from_acceptance() -> None:
    assert cap(ready(spec=spec(max_ttl=3600.0))) == ACCEPTED_AT + 3600


@pytest.mark.parametrize(("start_at", "counts_from"), [(None, ACCEPTED_AT), (NOW - 600, ACCEPTED_AT), (NOW, NOW)])
def test_the_cap_of_a_life_that_waits_for_its_start_counts_from_there(
    start_at: float | None, counts_from: float
) -> None:
    assert cap(accepted(spec=spec(max_ttl=3600.0, start_at=start_at))) == counts_from + 3600


@given(LIVES)
def test_no_life_outlasts_its_cap(life: Incarnation) -> None:
    assert deadline(life) <= cap(life)


@given(LIVES, st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_granted_never_ends_earlier(life: Incarnation, less: float, more: float) -> None:
    less, more = sorted((less, more))
    assert deadline(replace(life, extension=less)) <= deadline(replace(life, extension=more))


@given(LIVES, st.floats(0.001, 1e6))
def test_an_extension_is_granted_whole_or_refused(life: Incarnation, seconds: float) -> None:
    before = deadline(life)
    try:
        after = deadline(replace(life, extension=extended(life, seconds)))
    except ValueError:
        assert before + seconds > cap(life)
    else:
        assert after == pytest.approx(before + seconds, abs=1e-5)


def test_the_last_second_can_be_granted_but_no_more() -> None:
    life = ready(spec=spec(max_ttl=3600.0))
    room = ACCEPTED_AT + 3600 - (READY_AT + 1800)
    assert deadline(replace(life, extension=extended(life, room))) == cap(life)
    with pytest.raises(ValueError, match=r"session alice can be extended by 1760 s at most: .* allows 3600 s in all"):
        extended(life, room + 1)


@pytest.mark.parametrize(
    ("life", "by"),
    [(accepted(), None), (created(started_at=NOW - 10), NOW + 290), (created(started_at=None), None)],
    ids=["no container", "from its last start", "not started"],
)
def test_when_a_container_counts_as_never_ready(life: Incarnation, by: float | None) -> None:
    assert readiness_deadline(life) == by


@pytest.mark.parametrize(("failures", "seconds"), [(0, 2), (1, 4), (2, 8), (4, 32), (5, 60), (6, 60), (10_000, 60)])
def test_failures_wait_twice_as_long_each_up_to_a_minute(failures: int, seconds: float) -> None:
    assert backoff(accepted(failures=failures)) == seconds


@pytest.mark.parametrize(
    ("life", "at"),
    [
        (accepted(failures=1), None),
        (accepted(failures=0, settled_at=NOW), None),
        (accepted(failures=1, settled_at=NOW - 1.5), NOW + 0.5),
        (accepted(failures=1, settled_at=NOW - 2), None),
        (accepted(failures=3, settled_at=NOW), NOW + 8),
        (accepted(failures=10_000, settled_at=NOW), NOW + 60),
        (accepted(failures=3, settled_at=NOW + 1), None),
    ],
    ids=["never settled", "went well", "once", "its time has come", "three times", "ever again", "clock set back"],
)
def test_when_what_failed_is_due_again(life: Incarnation, at: float | None) -> None:
    assert retry_at(life, now=NOW) == at


@pytest.mark.parametrize(
    ("settled_at", "observed_at", "counts"),
    [(None, NOW, True), (NOW, NOW, False), (NOW, NOW + 14.9, False), (NOW, NOW + 15, True), (NOW, NOW - 1, False)],
    ids=["we never did anything", "at once", "within the lag", "after the lag", "before our operation"],
)
def test_which_statistics_are_about_the_container_as_it_is(
    settled_at: float | None, observed_at: float, counts: bool
) -> None:
    assert statistics_count(ready(settled_at=settled_at), observed_at, now=NOW) is counts

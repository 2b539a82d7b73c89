"""How a session came to its desktop, and what the wait for it was made of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from controller.core.incarnation import Incarnation
from controller.core.launch import launch_of, ready_after, ready_parts, wanted_since
from controller.core.model import ArchiveSource, Source
from controller.telemetry.families import LAUNCHES, PARTS
from tests.unit.core.given import (
    ACCEPTED_AT,
    CLONE,
    PLACEMENT,
    READY_AT,
    STARTED_AT,
    accepted,
    created,
    ready,
    spec,
)
from tests.unit.core.strategies import LIVES

WAITING, MAKING, STARTING = 10.0, 10.0, 20.0


@pytest.mark.parametrize(("source", "launch"), [(ArchiveSource(volume="local:vztmpl/a"), "archive"), (CLONE, "clone")])
def test_the_launch_is_what_the_container_is_made_from(source: Source, launch: str) -> None:
    assert launch_of(spec(source=source)) == launch
    assert launch in LAUNCHES


@pytest.mark.parametrize(
    ("life", "parts", "seconds"),
    [
        (accepted(), {}, None),
        (created(started_at=None), {"waiting": WAITING}, None),
        (created(started_at=STARTED_AT), {"waiting": WAITING, "making": MAKING}, None),
        (
            ready(started_at=STARTED_AT),
            {"waiting": WAITING, "making": MAKING, "starting": STARTING},
            READY_AT - ACCEPTED_AT,
        ),
        (
            ready(started_at=STARTED_AT, spec=spec(start_at=ACCEPTED_AT + 4)),
            {"waiting": WAITING - 4, "making": MAKING, "starting": STARTING},
            READY_AT - ACCEPTED_AT - 4,
        ),
        (
            ready(started_at=STARTED_AT, spec=spec(start_at=ACCEPTED_AT - 4)),
            {"waiting": WAITING, "making": MAKING, "starting": STARTING},
            READY_AT - ACCEPTED_AT,
        ),
        (
            ready(started_at=PLACEMENT.intended_at - 3, ready_at=ACCEPTED_AT - 1),
            {"waiting": WAITING, "making": 0.0, "starting": 0.0},
            0.0,
        ),
    ],
    ids=[
        "accepted: nothing is over",
        "asked for",
        "asked to start",
        "ready",
        "a later startAt: nobody waited before it",
        "a startAt in the past",
        "the clock was set back: never negative",
    ],
)
def test_the_parts_of_the_wait(life: Incarnation, parts: dict[str, float], seconds: float | None) -> None:
    assert ready_parts(life) == parts
    assert ready_after(life) == seconds


@given(life=LIVES)
def test_parts_are_known_ones_and_never_negative(life: Incarnation) -> None:
    parts = ready_parts(life)
    assert parts.keys() <= set(PARTS)
    assert all(seconds >= 0 for seconds in parts.values())


def test_the_parts_together_are_the_whole_wait() -> None:
    life = ready(started_at=STARTED_AT)
    assert sum(ready_parts(life).values()) == ready_after(life) == READY_AT - wanted_since(life)


def test_of_several_containers_the_last_counts() -> None:
    life = ready(started_at=STARTED_AT)
    later = replace(life, placement=replace(PLACEMENT, intended_at=STARTED_AT - 1))
    assert ready_parts(later) == {"waiting": STARTED_AT - 1 - ACCEPTED_AT, "making": 1.0, "starting": STARTING}

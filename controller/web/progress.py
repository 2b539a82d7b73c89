"""How far a session has come, for people who wait for it, with an honest estimate. Pure: the time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from controller.admin.models import SessionView
from controller.core.model import Phase, Timestamp


class Step(StrEnum):
    QUEUED = "queued"
    """Nothing is made yet."""
    CREATING = "creating"
    STARTING = "starting"
    """There is a container, and its desktop does not answer yet."""
    READY = "ready"
    HELD = "held"
    """Something has to be waited for that nobody knows the end of."""
    ENDING = "ending"
    ENDED = "ended"
    FAILED = "failed"


WAITING = frozenset({Step.QUEUED, Step.CREATING, Step.STARTING})
OVER = frozenset({Step.ENDED, Step.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """How long the last sessions took from acceptance to Ready."""

    median: float | None = None
    """Seconds; None where there were none."""
    counted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    step: Step
    waited: float | None = None
    """Seconds since it was accepted, as long as it is not ready; None before that, and after."""
    estimate: float | None = None
    """Seconds until it is probably ready; None where nobody can know, or it takes longer than the others did."""
    based_on: int = 0
    """On how many recent sessions the estimate rests."""
    fraction: float | None = None
    """How much of the time that others took is over, 0 to 1; None without an estimate."""
    late: bool = False
    """It takes longer than the recent ones did."""


_STEPS = {
    Phase.PENDING: Step.QUEUED,
    Phase.CREATING: Step.CREATING,
    Phase.STARTING: Step.STARTING,
    Phase.READY: Step.READY,
    Phase.TERMINATING: Step.ENDING,
    Phase.EXPIRED: Step.ENDED,
    Phase.FAILED: Step.FAILED,
    Phase.HELD: Step.HELD,
}


def step_of(view: SessionView) -> Step:
    """Phases that a newer controller knows and this does not are for waiting."""
    if view.phase not in set(Phase):
        return Step.HELD
    return _STEPS[Phase(view.phase)]


def progress_of(view: SessionView, *, recent: Recent, now: Timestamp) -> Progress:
    step = step_of(view)
    if step not in WAITING or view.accepted_at is None or view.ready_at is not None:
        return Progress(step=step)
    waited = max(0.0, now - view.accepted_at.timestamp())
    if recent.median is None or recent.median <= 0 or view.failing or view.last_failure is not None:
        return Progress(step=step, waited=waited)  # others did well: that says nothing about this one
    if waited > recent.median:
        return Progress(step=step, waited=waited, based_on=recent.counted, late=True)
    return Progress(
        step=step,
        waited=waited,
        estimate=recent.median - waited,
        based_on=recent.counted,
        fraction=waited / recent.median,
    )

"""From a phase to how far a session has come, with an honest estimate."""

from __future__ import annotations

import pytest

from controller.admin.models import SessionView, moment
from controller.core.model import Phase
from controller.web.progress import Progress, Recent, Step, progress_of

NOW = 1_800_000_000.0
RECENT = Recent(median=20.0, counted=7)


def view(phase: str, *, accepted: float | None = None, ready: float | None = None, failing: bool = False,
         last_failure: str | None = None) -> SessionView:  # fmt: skip
    return SessionView(
        name="alice",
        phase=phase,
        reason="",
        message="",
        failing=failing,
        accepted_at=moment(NOW - accepted) if accepted is not None else None,
        ready_at=moment(NOW - ready) if ready is not None else None,
        last_failure=last_failure,
    )


STEPS = {
    Phase.PENDING: Step.QUEUED,
    Phase.CREATING: Step.CREATING,
    Phase.STARTING: Step.STARTING,
    Phase.READY: Step.READY,
    Phase.TERMINATING: Step.ENDING,
    Phase.EXPIRED: Step.ENDED,
    Phase.FAILED: Step.FAILED,
    Phase.HELD: Step.HELD,
}


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_is_a_step(phase: Phase) -> None:
    assert progress_of(view(phase), recent=RECENT, now=NOW).step is STEPS[phase]


def test_a_phase_of_a_newer_controller_is_for_waiting() -> None:
    assert progress_of(view("Migrating"), recent=RECENT, now=NOW) == Progress(step=Step.HELD)


def test_an_estimate_is_what_is_left_of_the_time_that_others_took() -> None:
    found = progress_of(view(Phase.STARTING, accepted=5.0), recent=RECENT, now=NOW)
    assert found == Progress(step=Step.STARTING, waited=5.0, estimate=15.0, based_on=7, fraction=0.25)


def test_what_takes_longer_than_the_others_is_late_and_has_no_estimate() -> None:
    found = progress_of(view(Phase.STARTING, accepted=25.0), recent=RECENT, now=NOW)
    assert found == Progress(step=Step.STARTING, waited=25.0, based_on=7, late=True)


@pytest.mark.parametrize(
    ("one", "recent"),
    [
        (view(Phase.STARTING, accepted=5.0), Recent()),
        (view(Phase.STARTING, accepted=5.0, failing=True), RECENT),
        (view(Phase.CREATING, accepted=5.0, last_failure="no answer"), RECENT),
    ],
    ids=["nobody was ready yet", "it fails", "a container was given up"],
)
def test_where_nobody_can_know_there_is_none(one: SessionView, recent: Recent) -> None:
    found = progress_of(one, recent=recent, now=NOW)
    assert (found.waited, found.estimate, found.fraction, found.based_on) == (5.0, None, None, 0)


@pytest.mark.parametrize(
    "one",
    [view(Phase.PENDING), view(Phase.READY, accepted=9.0, ready=1.0), view(Phase.HELD, accepted=9.0),
     view(Phase.STARTING, accepted=900.0, ready=800.0)],
    ids=["not accepted", "ready", "held", "was ready before"],
)  # fmt: skip
def test_what_does_not_wait_for_its_first_desktop_has_none(one: SessionView) -> None:
    assert progress_of(one, recent=RECENT, now=NOW).estimate is None

"""What is said of a life that goes on: its phase follows from its stage, and it is looked at again when it is due."""

from __future__ import annotations

from controller.core.incarnation import Incarnation, Stage
from controller.core.lifecycle import deadline
from controller.core.model import Phase
from controller.core.steps import Decision, Step
from controller.core.view import View

LOOK_AGAIN = 5.0
"""Seconds until a container that cannot be helped now is looked at again."""


def ongoing(
    view: View, life: Incarnation, step: Step, reason: str, message: str, *, again_at: float | None = None
) -> Decision:
    """A decision whose phase follows from the stage; it is always looked at again when the life is due."""
    phase = {Stage.ACCEPTED: Phase.PENDING, Stage.CREATING: Phase.CREATING, Stage.CREATED: Phase.STARTING}.get(
        life.stage, Phase.READY
    )
    grace_ends = view.missing.confirmed_at(view.grace) if view.missing is not None else None
    times = [time for time in (again_at, deadline(life), grace_ends) if time is not None and time > view.now]
    return Decision(step=step, phase=phase, reason=reason, message=message, again_at=min(times, default=None))

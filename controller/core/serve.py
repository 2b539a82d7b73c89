"""What a life that goes on needs next: a container, a start, readiness, and a configuration that follows the spec.

The fourth rung of ``controller.core.decide``; pure as it.
"""

from __future__ import annotations

from dataclasses import replace

from controller.core.edits import followed
from controller.core.errands import attended
from controller.core.incarnation import Incarnation, Stage
from controller.core.keep import keep
from controller.core.model import Phase
from controller.core.ongoing import LOOK_AGAIN, ongoing
from controller.core.steps import (
    Create,
    Decision,
    Displaced,
    FinishTask,
    Place,
    RecordCreated,
    Resolve,
    Rest,
    Revise,
)
from controller.core.view import Presence, TaskState, View


def serve(view: View, life: Incarnation) -> Decision:
    """The next step of a life that is neither over nor due."""
    if held := _held(view, life):
        # What became of an operation that was in flight is found out all the same: its place is wanted by others.
        unfinished = (life.stage is Stage.CREATING or life.task is not None) and not view.brakes.paused
        decision = _by_stage(view, life) if unfinished else held
        return decision if isinstance(decision.step, FinishTask | RecordCreated | Resolve | Displaced) else held
    return revised(view, life) or attended(view, life, _by_stage(view, life))


def _by_stage(view: View, life: Incarnation) -> Decision:
    match life.stage:
        case Stage.ACCEPTED:
            return _place(view, life)
        case Stage.CREATING:
            return _creating(view, life)
        case _:
            return keep(view, life)


def _held(view: View, life: Incarnation) -> Decision | None:
    spec_paused = view.desired is not None and view.desired.spec.paused
    if view.brakes.paused:
        reason, message = "Paused", view.brakes.paused
    elif life.paused:
        reason, message = "Paused", f"an administrator paused it: `winux resume {life.session}` goes on"
    elif spec_paused:
        reason, message = "PausedByManifest", "spec.paused is true: it is left as it is until its time is up"
    else:
        return None
    return replace(ongoing(view, life, Rest(), reason, message), phase=Phase.HELD)


# -- an edited manifest ----------------------------------------------------------------------------------------


def revised(view: View, life: Incarnation) -> Decision | None:
    """Take an edited spec over, if there is one."""
    desired = view.desired
    if desired is None:
        return None
    # Without a container an edited template applies too: it may be what makes the next attempt succeed.
    fresh = life.stage is Stage.ACCEPTED and desired.spec != life.spec
    if desired.generation == life.generation and not fresh:
        return None
    spec, refused = followed(life, desired, now=view.now)
    message = f"the edited spec of {desired.origin} applies"
    if refused:
        message = (
            f"{', '.join(refused)} cannot change while it lives: the rest of {desired.origin} applies; "
            f"a new spec.revision asks for a new life"
        )
    return ongoing(
        view, life, Revise(spec, desired.generation, refused), "NeedsNewLife" if refused else "Revised", message
    )


# -- towards a container ---------------------------------------------------------------------------------------


def _place(view: View, life: Incarnation) -> Decision:
    start_at = life.spec.start_at
    decision = _make(view, life, Place(), "Placing", "a container is about to be made")
    if isinstance(decision.step, Rest) or life.ready_at is not None or start_at is None or view.now >= start_at:
        return decision
    # Moved since it was accepted. One that was ready has begun, and its time runs.
    return ongoing(view, life, Rest(), "Scheduled", "waits for spec.startAt", again_at=start_at)


def _make(view: View, life: Incarnation, step: Place | Create, reason: str, message: str) -> Decision:
    """Ask for a container, where nothing holds that."""
    if brake := view.brakes.against_creation():
        return replace(ongoing(view, life, Rest(), brake[0], brake[1]), phase=Phase.HELD)
    if view.desired is None:
        return ongoing(view, life, Rest(), "ManifestMissing", "its manifest is missing: no container is made now")
    return ongoing(view, life, step, reason, message)


def _creating(view: View, life: Incarnation) -> Decision:
    placement = life.placement
    assert placement is not None  # noqa: S101 - the stage says so
    where = f"container {placement.vmid} on {placement.node}"
    if placement.refused:
        return ongoing(view, life, Displaced(), "VmidTaken", f"VMID {placement.vmid} is taken: another is chosen")
    if life.task is not None and (view.task is None or view.task.state is TaskState.RUNNING):
        return ongoing(view, life, Rest(), "Creating", f"{where} is being made")
    if life.task is not None and view.task is not None and view.task.state is TaskState.OK:
        return ongoing(view, life, RecordCreated(), "Created", f"{where} was made")
    if view.live is None:
        return ongoing(view, life, Resolve(), "Resolving", f"finding out what became of {where}")
    match view.live.presence:
        case Presence.OURS if view.live.lock is None:
            return ongoing(view, life, RecordCreated(), "Created", f"{where} was made")
        case Presence.ABSENT if life.task is not None:
            error = view.task.exit_status if view.task is not None else ""
            return ongoing(view, life, FinishTask(error or "it vanished"), "CreateFailed", f"making {where} failed")
        case Presence.ABSENT:
            return _make(view, life, Create(), "CreatingAgain", f"{where} was never made: asked for again")
        case Presence.FOREIGN:
            return ongoing(view, life, Displaced(), "VmidTaken", f"VMID {placement.vmid} is somebody else's")
        case _:
            unclear = ongoing(
                view,
                life,
                Rest(),
                "CreateUnclear",
                f"VMID {placement.vmid} on {placement.node} is taken by a create that is not over, or was "
                f"killed; if it stays so, an administrator runs `pct unlock {placement.vmid}` and removes it",
                again_at=view.now + LOOK_AGAIN,
            )
            return replace(unclear, phase=Phase.HELD)

"""decide(): from everything known about one session to the one next step, its reason, and when to look again.

Pure: no I/O, no clock. The ladder, first match wins:

1. no life yet          -> accept one, if a manifest asks for it and nothing brakes
2. a tombstone          -> leave it, unless the spec asks for a new life or the manifest is gone as well
3. a life being ended   -> destroy its container until that was seen to be gone, then bury it
4. a life that goes on  -> end it (time up, manifest gone), else follow its spec (``controller.core.serve``)
"""

from __future__ import annotations

from dataclasses import replace

from controller.core.incarnation import EndReason, Incarnation, Placement, Stage
from controller.core.lifecycle import STRAGGLING, deadline, straggles_until
from controller.core.model import DesiredSession, Phase
from controller.core.serve import revised, serve
from controller.core.steps import (
    Accept,
    Adopt,
    Bury,
    Decision,
    Destroy,
    End,
    FinishTask,
    Look,
    RecordGone,
    Release,
    Resolve,
    Rest,
    Step,
)
from controller.core.view import Presence, TaskState, View

WITH_A_NEXT_LIFE = frozenset({EndReason.MANIFEST_REMOVED, EndReason.UNKNOWN_ORPHAN, EndReason.REPLACED})
"""Ends after which any manifest asks for a new life: it came back since, or it is why there had to be an end."""
LOOK_AGAIN = 5.0
"""Seconds until a container that nobody may touch now is looked at again."""


def decide(view: View) -> Decision:
    """The next step for one session."""
    life = view.incarnation
    if life is None:
        return _begin(view) if view.desired is not None else _nothing()
    if life.ended:
        return _after_the_end(view, life)
    if life.ending is not None or life.discard is not None:
        return _wind_up(view, life)
    return _end_if_due(view, life) or serve(view, life)


def _nothing() -> Decision:
    return Decision(step=Rest(), phase=Phase.PENDING, reason="NotWanted", message="no manifest asks for this session")


# -- no life yet -----------------------------------------------------------------------------------------------


def _begin(view: View) -> Decision:
    desired = view.desired
    assert desired is not None  # noqa: S101 - the caller looked
    if brake := view.brakes.against_creation():
        return Decision(step=Rest(), phase=Phase.HELD, reason=brake[0], message=brake[1])
    if view.claimed is not None:
        return Decision(
            step=Adopt(
                desired=desired,
                node=view.claimed.node,
                vmid=view.claimed.vmid,
                uid=view.claimed.uid,
                accepted_at=view.claimed.accepted_at,
                address=view.claimed.address,
            ),
            phase=Phase.PENDING,
            reason="Adopted",
            message=f"container {view.claimed.vmid} on {view.claimed.node} carries this session's marker: taken over",
        )
    if desired.spec.paused:
        return Decision(
            step=Rest(),
            phase=Phase.HELD,
            reason="PausedByManifest",
            message="spec.paused is true: nothing is created until it is false",
        )
    if desired.spec.start_at is not None and view.now < desired.spec.start_at:
        return Decision(
            step=Rest(),
            phase=Phase.PENDING,
            reason="Scheduled",
            message="waits for spec.startAt",
            again_at=desired.spec.start_at,
        )
    return Decision(
        step=Accept(desired), phase=Phase.PENDING, reason="Accepted", message=f"asked for by {desired.origin}"
    )


# -- a tombstone -----------------------------------------------------------------------------------------------


def _after_the_end(view: View, life: Incarnation) -> Decision:
    assert life.ending is not None  # noqa: S101 - only an ending makes a tombstone
    phase = Phase.FAILED if life.ending.reason is EndReason.NEVER_READY else Phase.EXPIRED
    if view.desired is None:
        if view.missing is None or view.undecided or view.brakes.against_orphan(life.uid):
            return Decision(step=Rest(), phase=phase, reason=life.ending.reason, message=life.ending.message)
        if not view.missing.confirmed(now=view.now, grace=view.grace):
            grace_ends = view.missing.confirmed_at(view.grace)
            return Decision(
                step=Rest(),
                phase=phase,
                reason=life.ending.reason,
                message=life.ending.message,
                again_at=grace_ends if grace_ends > view.now else None,  # else the next scan brings it back
            )
        return Decision(
            step=Release(), phase=phase, reason="Forgotten", message="its manifest is gone too: the name is free again"
        )
    if _asks_for_new_life(view.desired, life):
        return _begin(view)
    return Decision(step=Rest(), phase=phase, reason=life.ending.reason, message=life.ending.message)


def _asks_for_new_life(desired: DesiredSession, life: Incarnation) -> bool:
    assert life.ending is not None  # noqa: S101 - only an ending makes a tombstone
    if life.ending.reason in WITH_A_NEXT_LIFE:
        return True
    # A new revision may have been heard of, and its generation taken over, while nothing could be replaced.
    return desired.generation != life.generation or desired.revision != life.revision


# -- a life being ended, or a container being given up ---------------------------------------------------------


def _wind_up(view: View, life: Incarnation) -> Decision:
    why = life.ending.message if life.ending is not None else life.discard or ""
    reason = str(life.ending.reason) if life.ending is not None else "NeverReady"

    def terminating(step: Step, message: str = why, *, again_at: float | None = None) -> Decision:
        return Decision(
            step=step,
            phase=Phase.TERMINATING,
            reason=reason,
            message=message,
            again_at=again_at,
        )

    if view.brakes.paused:
        return Decision(step=Rest(), phase=Phase.HELD, reason="Paused", message=view.brakes.paused)
    if life.placement is None or life.placement.refused or life.stage is Stage.ACCEPTED:
        return terminating(_gone(life))
    if life.task is not None:
        if view.task is None or view.task.state is TaskState.RUNNING:
            return terminating(Rest())
        failed = view.task.state is TaskState.FAILED
        return terminating(FinishTask(view.task.exit_status if failed else None))
    if life.stage is Stage.CREATING and view.live is None:
        return terminating(Resolve(), "finding out whether its container was made, to destroy it")
    if view.live is None:
        return terminating(Look())
    if view.live.presence is Presence.OURS:
        if view.live.lock is None:
            return terminating(Destroy())
        message = (
            f"container {life.placement.vmid} is locked ({view.live.lock}): destroyed as soon as the lock goes; if it "
            f"stays, an administrator runs `pct unlock {life.placement.vmid}`"
        )
        return terminating(Rest(), message, again_at=view.now + LOOK_AGAIN)
    if view.live.presence in {Presence.HIDDEN, Presence.STUB}:
        unread = terminating(Rest(), _unread(view, life.placement), again_at=view.now + LOOK_AGAIN)
        return replace(unread, phase=Phase.HELD, reason="Hidden")
    until = straggles_until(life, now=view.now) if view.live.presence is Presence.ABSENT else None
    if until is not None:
        return terminating(Rest(), STRAGGLING.format(vmid=life.placement.vmid), again_at=until)
    return terminating(_gone(life))


def _unread(view: View, placement: Placement) -> str:
    where = f"VMID {placement.vmid} on {placement.node} is taken but cannot be read, so it is not forgotten"
    if view.brakes.blind:
        return f"{where}: {view.brakes.blind}"
    return (
        f"{where}: run `winux check`; if a killed create left it locked, an administrator runs "
        f"`pct unlock {placement.vmid}` and removes it"
    )


def _gone(life: Incarnation) -> Bury | RecordGone:
    return Bury() if life.ending is not None else RecordGone(life.discard or "")


# -- a life that goes on ---------------------------------------------------------------------------------------


def _end_if_due(view: View, life: Incarnation) -> Decision | None:
    if view.now >= deadline(life):
        if brake := view.brakes.against_expiry():
            again_at = view.now + LOOK_AGAIN
            return Decision(step=Rest(), phase=Phase.HELD, reason=brake[0], message=brake[1], again_at=again_at)
        if view.desired is not None and view.desired.generation != life.generation:
            # The end may have been moved while nobody was here to see it.
            return revised(view, life)
        return Decision(
            step=End(EndReason.EXPIRED, "its time was up"),
            phase=Phase.TERMINATING,
            reason="Expired",
            message="its time is up",
        )
    if view.desired is not None:
        if view.desired.revision != life.revision:
            return _replace(view, life, view.desired)
        return None
    if view.missing is None or view.undecided or not view.missing.confirmed(now=view.now, grace=view.grace):
        return None
    if brake := view.brakes.against_orphan(life.uid):
        return Decision(step=Rest(), phase=Phase.HELD, reason=brake[0], message=brake[1], again_at=deadline(life))
    reason, message = EndReason.MANIFEST_REMOVED, f"its manifest was removed from {life.origin_file}"
    if not life.origin_file:
        reason, message = EndReason.UNKNOWN_ORPHAN, "no manifest asks for it"
    return Decision(step=End(reason, message), phase=Phase.TERMINATING, reason=str(reason), message=message)


def _replace(view: View, life: Incarnation, desired: DesiredSession) -> Decision | None:
    if view.brakes.against_creation() or life.paused or desired.spec.paused:
        return None
    return Decision(
        step=End(EndReason.REPLACED, f"spec.revision {desired.revision or '(none)'} asks for a new life"),
        phase=Phase.TERMINATING,
        reason="Replaced",
        message=f"spec.revision {desired.revision or '(none)'} asks for a new life",
    )

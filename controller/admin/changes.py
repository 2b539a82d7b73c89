"""From a decision to a line of a plan: what would happen to a session, in one word and one sentence. Pure."""

from __future__ import annotations

from controller.admin.models import Action, Change
from controller.core import steps
from controller.core.decide import decide
from controller.core.incarnation import EndReason, Incarnation
from controller.core.model import Phase
from controller.core.steps import Decision
from controller.core.view import View
from controller.reconcile.reconciler import Status

_BY_STEP: dict[type[object], Action] = {
    steps.Accept: Action.CREATE,
    steps.Place: Action.CREATE,
    steps.Create: Action.CREATE,
    steps.Resolve: Action.CREATE,
    steps.Displaced: Action.CREATE,
    steps.RecordCreated: Action.CREATE,
    steps.RecordGone: Action.CREATE,
    steps.Start: Action.START,
    steps.Probe: Action.START,
    steps.Adopt: Action.CHANGE,
    steps.Revise: Action.CHANGE,
    steps.Configure: Action.CHANGE,
    steps.Grow: Action.CHANGE,
    steps.Conformed: Action.CHANGE,
    steps.Follow: Action.CHANGE,
    steps.Look: Action.CHANGE,
    steps.End: Action.DESTROY,
    steps.GiveUpContainer: Action.DESTROY,
    steps.Destroy: Action.DESTROY,
    steps.Bury: Action.DESTROY,
    steps.Release: Action.ENDED,
}
_BY_PHASE = {
    Phase.PENDING: Action.CREATE,
    Phase.CREATING: Action.CREATE,
    Phase.STARTING: Action.START,
    Phase.READY: Action.KEEP,
    Phase.TERMINATING: Action.DESTROY,
    Phase.EXPIRED: Action.ENDED,
    Phase.FAILED: Action.ENDED,
    Phase.HELD: Action.HOLD,
}


def change(view: View, *, failing: Status | None = None) -> Change | None:
    """What is pending for one session as of ``view``; None for a name that nobody asks for.

    ``failing``: how the last attempt at just that failed, which then is what there is to say.
    """
    decision = decide(view)
    if decision.reason == "NotWanted":
        return None
    if isinstance(decision.step, steps.Rest):
        failing = None  # nothing is tried now: what was is over, or a brake is on
    action, said = _action(view, decision), failing if failing is not None else decision
    if failing is not None and failing.phase is Phase.HELD:
        action = Action.HOLD
    return Change(
        action=action,
        session=view.name,
        reason=said.reason,
        message=said.message,
        origin=_origin(view),
        container=_container(view.incarnation),
    )


def _action(view: View, decision: Decision) -> Action:
    if decision.phase is Phase.TERMINATING:
        return Action.REPLACE if decision.reason == EndReason.REPLACED and view.desired else Action.DESTROY
    if decision.phase is Phase.HELD:
        return Action.HOLD
    if isinstance(decision.step, steps.Rest | steps.FinishTask):
        # Missing and not yet for long enough: unless the manifest comes back, it goes.
        leaves = decision.reason == "ManifestMissing" and view.missing is not None
        return Action.DESTROY if leaves else _BY_PHASE[decision.phase]
    if isinstance(decision.step, steps.Look) and (decision.phase is Phase.STARTING or decision.reason == "Stopped"):
        return Action.START
    return _BY_STEP[type(decision.step)]


def _origin(view: View) -> str | None:
    if view.desired is not None:
        return str(view.desired.origin)
    return view.incarnation.origin_file or None if view.incarnation is not None else None


def _container(life: Incarnation | None) -> str | None:
    if life is None or life.placement is None:
        return None
    return f"{life.placement.vmid} on {life.placement.node}"

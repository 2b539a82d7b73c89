"""The reconciler: read the picture, decide, act, record, until there is nothing to do for a session now.

One call of ``reconcile`` is one pass over one key. Production runs it from worker threads, simulations call it step by
step; it never waits and keeps nothing but the status that people are shown.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from structlog.typing import FilteringBoundLogger

from controller.core import steps
from controller.core.decide import decide
from controller.core.incarnation import Incarnation, Stage
from controller.core.lifecycle import backoff
from controller.core.model import Phase, Timestamp
from controller.core.steps import Decision
from controller.core.view import Live, TaskState, View
from controller.ledger.ledger import Note, Superseded
from controller.proxmox.port import Locked, NoQuorum, ProxmoxError
from controller.reconcile.attendance import Attendance
from controller.reconcile.correlation import about
from controller.reconcile.creation import Creation
from controller.reconcile.destruction import Destruction
from controller.reconcile.filtering import Filtering
from controller.reconcile.lives import Lives
from controller.reconcile.look import look
from controller.reconcile.picture import Picture
from controller.reconcile.tools import Next, Outcome, Tools, Waits, key_of
from controller.reconcile.upkeep import Upkeep

MOST_STEPS = 25
"""Steps in one pass; a life needs about ten from acceptance to Ready. More means that two steps undo each other."""
TURNS = frozenset({"WaitingForSlot", "WaitingForTemplate"})
WHOLE_PICTURE = frozenset({"NotSynced", "NotObserved", "MassDelete", "ClockJumped", "Paused"})
QUIET = (
    frozenset({"Ready", "Creating", "Working", "Probing", "StartFailed", "NotWanted", "GuestUnreachable"})
    | TURNS
    | WHOLE_PICTURE
)
"""Reasons to rest that are no news about this session; those about the whole picture are noted once, for all."""
GOING_WRONG = frozenset({"CreateFailed", "StartFailed", "TaskFailed", "DestroyUnclear", "NoRoom"})
"""Reasons to wait that a session should not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a session stands and why, for people; rebuilt by the first pass after a start."""

    phase: Phase
    reason: str
    message: str
    since: Timestamp
    failing: bool = False
    """What was done last went wrong; it is tried again."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a pass ended. ``again_in`` seconds later the next is due, unless something happens before."""

    outcome: str
    """``settled``, ``waiting``, ``error`` or ``requeued``: a label of metrics."""
    again_in: float | None = None
    failed: bool = False


class Reconciler:
    """Safe to use from several threads as long as no session is in two of them at once (the queue sees to that)."""

    def __init__(self, tools: Tools, picture: Picture, *, log: FilteringBoundLogger) -> None:
        self._tools = tools
        self._picture = picture
        self._log = log
        self._lives = Lives(tools)
        self._creation = Creation(tools)
        self._destruction = Destruction(tools)
        self._upkeep = Upkeep(tools)
        self._filtering = Filtering(tools)
        self._attendance = Attendance(tools)
        self._lock = threading.Lock()
        self._statuses: dict[str, Status] = {}

    def resume(self) -> None:
        """After a start: take up the operations that were in flight, so that they count and are followed."""
        now = self._tools.clock.now()
        for life in self._tools.ledger.lives():
            key, placement = key_of(life.session), life.placement
            if life.ended or placement is None:
                continue
            if life.stage is Stage.CREATED and life.started_at is not None:
                # Nobody asked the desktop while the daemon was down: that time is not held against it.
                self._tools.ledger.change(life, lambda current: replace(current, started_at=now))
            if life.task is not None:
                self._tools.board.watch(life.task.upid, node=life.task.node, key=key, begun_at=life.task.begun_at)
            if life.task is not None or life.stage is Stage.CREATING:
                self._tools.slots.adopt(placement.node, key)
                if placement.template is not None and life.stage is Stage.CREATING:
                    self._tools.clone_turns.adopt(str(placement.template), key)

    def status(self, session: str) -> Status | None:
        with self._lock:
            return self._statuses.get(session)

    def statuses(self) -> dict[str, Status]:
        with self._lock:
            return dict(self._statuses)

    def reconcile(self, session: str) -> Result:
        """One pass."""
        live: Live | None = None
        for _ in range(MOST_STEPS):
            view = replace(self._picture.view(session, live=live), unready=self._upkeep.unready(session))
            about(view.incarnation)
            decision = decide(view)
            if isinstance(decision.step, steps.Rest):
                return self._rest(view, decision)
            try:
                outcome = self._act(view, decision)
            except Superseded:
                return Result("requeued", again_in=0.0)
            except ProxmoxError as error:
                return self._error(view, decision, error)
            if isinstance(outcome, Waits):
                return self._wait(view, decision, outcome)
            live = outcome.live
        self._log.error("reconcile.does-not-settle", session=session)
        return Result("error", failed=True)

    # -- acting ------------------------------------------------------------------------------------------------

    def _act(self, view: View, decision: Decision) -> Outcome:  # noqa: C901, PLR0912 - one arm per step
        step, life = decision.step, view.incarnation
        match step:
            case steps.Accept():
                return self._lives.accept(step.desired)
            case steps.Adopt():
                return self._lives.adopt(step)
        assert life is not None  # noqa: S101 - every other step is about a life
        match step:
            case steps.Revise():
                return self._lives.revise(life, step)
            case steps.Place():
                self._show(view, decision)
                return self._creation.place(life)
            case steps.Create():
                return self._creation.create_again(life)
            case steps.Resolve():
                return self._creation.resolve(life, view)
            case steps.Displaced():
                return self._creation.displaced(life)
            case steps.RecordCreated():
                return self._creation.record_created(life)
            case steps.RecordGone():
                self._upkeep.forget(life)
                return self._destruction.record_gone(life, step.message)
            case steps.FinishTask():
                return self._finish_task(view, life, step)
            case steps.Look():
                return Next(self._look(view, life, status_too=step.status_too))
            case steps.Configure() if view.live is not None:
                return self._upkeep.configure(life, view.live, step)
            case steps.Grow() if view.live is not None:
                return self._upkeep.grow(life, view.live, step)
            case steps.Conformed():
                return self._upkeep.conformed(life)
            case steps.SetFirewall() if view.live is not None:
                return self._filtering.set_firewall(life, view.live)
            case steps.Start():
                return self._upkeep.start(life, view.live)
            case steps.Probe():
                self._show(view, decision)
                return self._upkeep.probe(life)
            case steps.Attend():
                return self._attendance.attend(view, life, decision, step)
            case steps.Follow():
                return self._upkeep.follow(life, step.node)
            case steps.End():
                return self._lives.end(life, step)
            case steps.GiveUpContainer():
                return self._lives.give_up_container(life, step.message)
            case steps.Destroy() if view.live is not None:
                self._show(view, decision)
                return self._destruction.destroy(life, view.live)
            case steps.Bury():
                self._upkeep.forget(life)
                return self._destruction.bury(life)
            case steps.Release():
                return self._lives.release(life)
        raise AssertionError(f"no action for {step}")

    def _finish_task(self, view: View, life: Incarnation, step: steps.FinishTask) -> Outcome:
        making = life.task is not None and life.task.kind in {"vzcreate", "vzclone"}
        if not making or (view.task is not None and view.task.state is TaskState.OK):
            return self._upkeep.finish_task(life, step)
        if view.live is None and life.stage is Stage.CREATING:
            # Winding up: whether anything was made is what the next step finds out.
            return self._upkeep.finish_task(life, step)
        self._creation.failed(life, step.error or "unknown")
        return Waits("CreateFailed", f"making its container failed: {step.error}", after=backoff(life))

    def _look(self, view: View, life: Incarnation, *, status_too: bool) -> Live:
        placement = life.placement
        assert placement is not None  # noqa: S101 - only what was placed is looked at
        return look(
            self._tools.port,
            controller=self._tools.policy.controller,
            uid=life.uid,
            node=view.listed.node if view.listed is not None else placement.node,
            vmid=placement.vmid,
            status_too=status_too,
        )

    def _tidy(self, session: str, *, idle: bool = False) -> None:
        """A session without an operation in flight holds no slot and waits for none; ``idle``: it is known so."""
        life, key = self._tools.ledger.life(session), key_of(session)
        if not idle and life is not None and (life.task is not None or life.stage is Stage.CREATING):
            return
        self._tools.slots.cancel(key)
        self._tools.clone_turns.cancel(key)
        for turns in (self._tools.slots, self._tools.clone_turns):
            for name in turns.in_use_by_node():
                turns.release(name, key)

    # -- ending a pass -----------------------------------------------------------------------------------------

    def _rest(self, view: View, decision: Decision) -> Result:
        if decision.reason == "NotWanted":
            with self._lock:
                self._statuses.pop(view.name, None)
        else:
            failing = decision.reason in GOING_WRONG
            news = self._show(view, decision, failing=failing)
            if news and failing:
                self._log.warning("session.waits", session=view.name, reason=decision.reason, message=decision.message)
            if news and decision.reason not in QUIET and (view.incarnation is None or not view.incarnation.ended):
                uid = view.incarnation.uid if view.incarnation is not None else ""
                warning = decision.phase is Phase.HELD
                self._tools.ledger.note(view.name, uid, Note(decision.reason, decision.message, warning=warning))
        if decision.reason in {"Paused", "PausedByManifest"} and view.incarnation is not None:
            self._upkeep.hold(view.incarnation)
        # Whoever rests after a look at the container has nothing running: what a killed create left may stay for days.
        self._tidy(view.name, idle=view.live is not None)
        self._picture.quorum(view.name, lost=False)
        again_in = max(0.0, decision.again_at - view.now) if decision.again_at is not None else None
        return Result("settled", again_in=again_in)

    def _wait(self, view: View, decision: Decision, waits: Waits) -> Result:
        self._picture.quorum(view.name, lost=False)
        phase = Phase.HELD if waits.reason == "NoRoom" else decision.phase
        failing = waits.reason in GOING_WRONG
        self._show(view, replace(decision, phase=phase), reason=waits.reason, message=waits.message, failing=failing)
        if failing:
            self._log.warning("session.waits", session=view.name, reason=waits.reason, message=waits.message)
        if waits.reason not in TURNS:
            self._tidy(view.name)
        after = waits.after
        if decision.again_at is not None:
            left = max(0.0, decision.again_at - view.now)
            after = left if after is None else min(after, left)
        return Result("waiting", again_in=after)

    def _error(self, view: View, decision: Decision, error: ProxmoxError) -> Result:
        self._tidy(view.name)
        self._picture.quorum(view.name, lost=isinstance(error, NoQuorum))
        if isinstance(error, Locked):
            self._tools.measures.lock_wait()
        self._show(view, decision, reason=error.reason, message=f"{error}: tried again", failing=True)
        uid = view.incarnation.uid if view.incarnation is not None else ""
        self._tools.ledger.note(view.name, uid, Note(error.reason, str(error), warning=True))
        self._log.warning("session.error", session=view.name, reason=error.reason, error=str(error))
        return Result("error", failed=True)

    def _show(
        self, view: View, decision: Decision, *, reason: str = "", message: str = "", failing: bool = False
    ) -> bool:
        """Set the status that people are shown; True when its reason or phase is new."""
        reason, message = reason or decision.reason, message or decision.message
        with self._lock:
            before = self._statuses.get(view.name)
            same = before is not None and (before.phase, before.reason) == (decision.phase, reason)
            self._statuses[view.name] = Status(
                phase=decision.phase,
                reason=reason,
                message=message,
                since=before.since if before is not None and same else view.now,
                failing=failing,
            )
        if before is not None and before.phase is not decision.phase:
            self._log.info("session.status", session=view.name, phase=str(decision.phase), reason=reason)
        return not same

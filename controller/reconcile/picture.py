"""The picture that decisions are made from: desired and observed, what is missing, and which brakes are on.

Scans and observations are put in here by their threads; each put returns the sessions to look at again. The picture
builds the ``View`` of one session and does nothing else: no calls, no writes but events about brakes and the file that
each manifest lies in.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial

from controller.core.absence import Missing, note
from controller.core.guards import Brakes, ClockJump, MassDelete
from controller.core.incarnation import Incarnation
from controller.core.model import DesiredSnapshot
from controller.core.view import Listed, Live, TaskOutcome, TaskState, View
from controller.ledger.ledger import Note, Superseded
from controller.proxmox.inventory import Change
from controller.proxmox.port import ProxmoxError, ResourceRow
from controller.reconcile.foundlings import Foundlings
from controller.reconcile.tools import Tools

PAUSED = "paused"
"""The ledger's setting that an administrator holds the whole controller."""
NTP_STEP = 0.5
"""Seconds by which the wall clock may step before the timers are set anew."""


class Picture:
    """Safe to use from several threads."""

    def __init__(self, tools: Tools, *, mass_delete: MassDelete, clock_jump: ClockJump, pools: frozenset[str]) -> None:
        """``pools``: those that are the controller's own whether or not it has a container there."""
        self._tools = tools
        self._lock = threading.RLock()
        self._pools = pools
        self._desired: DesiredSnapshot | None = None
        self._missing: dict[str, Missing] = {}
        self._mass_delete = mass_delete
        self._clock_jump = self._clock_since_last_time(clock_jump)
        self._ever_scanned = False
        self._ever_observed = False
        self._paused = tools.ledger.setting(PAUSED)
        self._without_quorum: set[str] = set()
        """Sessions whose last operation Proxmox refused for the want of one."""
        self.foundlings = Foundlings(tools)

    # -- what is put in ----------------------------------------------------------------------------------------

    def scanned(self, snapshot: DesiredSnapshot) -> set[str]:
        """A scan of the manifests; returns the sessions concerned."""
        with self._lock:
            before, self._desired = self._desired, snapshot
            self._note_completeness(before, snapshot)
            first_complete = snapshot.complete and not self._ever_scanned
            self._ever_scanned = self._ever_scanned or snapshot.complete
            self._follow_files(snapshot)
            lives = {life.session: life.origin_file for life in self._tools.ledger.lives()}
            missing_before, self._missing = self._missing, note(self._missing, snapshot, lives)
            braked = self._weigh()
            if first_complete or before is None or braked:
                return set(lives) | set(snapshot.sessions)
            changed = set(self._missing) | set(missing_before)
            if before.sessions is not snapshot.sessions:
                changed |= _differing(before, snapshot)
            if before.complete != snapshot.complete:
                changed |= set(lives)
            return changed

    def _note_completeness(self, before: DesiredSnapshot | None, snapshot: DesiredSnapshot) -> None:
        because = before.incomplete_because if before is not None else None
        if snapshot.incomplete_because == because:
            return
        self._tools.ledger.note(
            "",
            "",
            Note("ManifestsIncomplete", snapshot.incomplete_because, warning=True)
            if snapshot.incomplete_because
            else Note("ManifestsComplete", "all manifests are seen again"),
        )

    def _follow_files(self, snapshot: DesiredSnapshot) -> None:
        """Write down where manifests moved to: after a restart a file that cannot be read is known by that alone.

        Also for tombstones and for what is paused: they are to stay as they are, and that hangs on their manifest.
        """
        for life in self._tools.ledger.lives():
            desired = snapshot.sessions.get(life.session)
            if desired is None or desired.origin.file == life.origin_file:
                continue
            file = desired.origin.file
            note_ = Note("ManifestMoved", f"its manifest lies in {file} now, no longer in {life.origin_file}")
            with suppress(Superseded):  # another life has begun meanwhile: its turn is at the next scan
                self._tools.ledger.change(life, partial(replace, origin_file=file), note_)

    def observed(self, change: Change) -> set[str]:
        """A look at Proxmox; returns the sessions concerned."""
        tools = self._tools
        sessions = {s for vmid in change.vmids if (s := tools.ledger.session_at(vmid)) is not None}
        sessions |= self._account()
        with self._lock:
            seen_before = self._ever_observed
            newly = not self._ever_observed and tools.inventory.problem is None and not self._unread()
            self._ever_observed = self._ever_observed or newly
            if self._ever_observed:
                self.foundlings.all_accounted()
            braked = self._weigh()
            stepped = self._watch_clock()
        if change.problem_changed and (seen_before or tools.inventory.problem):
            problem = tools.inventory.problem
            note_ = (
                Note("NotObserved", problem, warning=True)
                if problem
                else Note("Observed", "Proxmox is seen whole again")
            )
            tools.ledger.note("", "", note_)
        if newly or braked or stepped or change.problem_changed:
            sessions |= self.all_sessions()
        return sessions

    def quorum(self, session: str, *, lost: bool) -> None:
        """A pass over this session ended, with a refusal for the want of a quorum or otherwise."""
        with self._lock:
            if lost:
                self._without_quorum.add(session)
            else:
                self._without_quorum.discard(session)

    def confirm(self, *, by: str = "an administrator") -> list[str]:
        """An administrator says that the picture is right; returns what was released, one sentence each."""
        with self._lock:
            released = []
            if self._mass_delete.engaged:
                released.append(f"{len(self._mass_delete.orphans)} orphans may be destroyed")
                self._mass_delete = self._mass_delete.confirm()
            if self._clock_jump.sentence:
                released.append("the clock is believed")
                clock = self._tools.clock
                self._clock_jump = self._clock_jump.confirm(now=clock.now(), monotonic=clock.monotonic())
        for sentence in released:
            self._tools.ledger.note("", "", Note("Confirmed", f"{by} confirmed: {sentence}"))
        return released

    def pause(self, paused: bool, *, by: str = "an administrator") -> None:
        """Hold the whole controller, or let it go on; survives restarts."""
        sentence = f"{by} paused the controller: `winux resume` goes on" if paused else None
        note_ = Note("Paused", sentence) if sentence else Note("Resumed", "the controller goes on")
        self._tools.ledger.set_setting(PAUSED, sentence, note_)
        with self._lock:
            self._paused = sentence

    def set_limits(self, *, minimum: int, percent: float, tolerance: float) -> None:
        """New limits of the guards, from reloaded settings."""
        with self._lock:
            self._mass_delete = replace(self._mass_delete, minimum=minimum, percent=percent)
            self._clock_jump = replace(self._clock_jump, tolerance=tolerance)

    # -- what is taken out -------------------------------------------------------------------------------------

    @property
    def desired(self) -> DesiredSnapshot | None:
        return self._desired

    def missing(self) -> dict[str, Missing]:
        with self._lock:
            return dict(self._missing)

    def pools(self) -> frozenset[str]:
        """The pools where containers of ours may be: the settings', and those of templates that were used."""
        lives = self._tools.ledger.lives()
        return self._pools | {life.spec.pool for life in lives if life.placement is not None and not life.ended}

    def all_sessions(self) -> set[str]:
        names = {life.session for life in self._tools.ledger.lives()}
        return names | (set(self._desired.sessions) if self._desired is not None else set())

    def brakes(self) -> Brakes:
        clock = self._tools.clock
        with self._lock:
            # The clocks are compared now: what is decided right after a jump may not believe in it either.
            jump = self._clock_jump.observe(now=clock.now(), monotonic=clock.monotonic())
            return Brakes(
                unsynced=self._unsynced(),
                unscanned=not self._ever_scanned,
                blind=self._tools.inventory.problem,
                mass_delete=self._mass_delete,
                clock=jump.sentence,
                paused=self._paused,
            )

    def sentences(self) -> dict[str, str]:
        """All that is wrong with the picture now, by reason code, for people."""
        brakes, desired = self.brakes(), self._desired
        directory = desired.incomplete_because if desired is not None and not desired.complete else None
        found = {
            "Paused": brakes.paused,
            "NotObserved": brakes.blind,
            "ManifestsIncomplete": directory,
            "MassDelete": brakes.mass_delete.sentence,
            "ClockJumped": brakes.clock,
        }
        if trouble := self._tools.ledger.trouble:
            found["LedgerFailing"] = (
                f"the ledger cannot be written ({trouble}): nothing is made, changed or ended until it can be; "
                f"look after its disk and its permissions"
            )
        if waiting := len(self._without_quorum):
            found["NoQuorum"] = (
                f"the Proxmox cluster has no quorum: {waiting} {'session waits' if waiting == 1 else 'sessions wait'} "
                f"to be made, changed or ended until it has one again"
            )
        if not brakes.blind and not directory:
            found["NotSynced"] = brakes.unsynced
        return {reason: sentence for reason, sentence in found.items() if sentence}

    def view(self, session: str, *, live: Live | None = None) -> View:
        """Everything known about one session, as of now."""
        tools = self._tools
        life = tools.ledger.life(session)
        desired = self._desired
        observation = tools.inventory.observation
        row = None
        if observation is not None and life is not None and life.placement is not None:
            row = observation.rows.get(life.placement.vmid)
        with self._lock:
            missing = self._missing.get(session)
        return View(
            now=tools.clock.now(),
            name=session,
            desired=desired.sessions.get(session) if desired is not None else None,
            incarnation=life,
            missing=missing,
            undecided=desired is None or desired.may_hold(session, life.origin_file if life is not None else None),
            grace=tools.policy.grace,
            observed_at=observation.asked_at if observation is not None else None,
            listed=_listed(row) if row is not None and row.kind == "lxc" else None,
            live=live,
            task=self._task(life),
            claimed=self.foundlings.claimed(session) if life is None else None,
            attempts=tools.policy.attempts,
            guest_access=tools.guests.public_key is not None,
            brakes=self.brakes(),
        )

    # -- inside ------------------------------------------------------------------------------------------------

    def _task(self, life: Incarnation | None) -> TaskOutcome | None:
        if life is None or life.task is None:
            return None
        return self._tools.board.outcome(life.task.upid) or TaskOutcome(TaskState.RUNNING)

    def _unsynced(self) -> str | None:
        if not self._ever_scanned:
            why = self._desired.incomplete_because if self._desired is not None else "no scan has ended yet"
            return f"the manifests were not seen whole since the start: {why}"
        if not self._ever_observed:
            unread = ", ".join(f"{row.vmid} on {row.node}" for row in self._unread())
            why = self._tools.inventory.problem or (f"container {unread} could not be read" if unread else "not yet")
            return f"Proxmox was not seen whole since the start: {why}"
        return None

    def _unaccounted(self) -> list[ResourceRow]:
        observation = self._tools.inventory.observation
        return self.foundlings.unaccounted(observation.rows, self.pools()) if observation is not None else []

    def _unread(self) -> list[ResourceRow]:
        """Those of the unaccounted that were never looked at: what they are is needed before anything is made."""
        return [row for row in self._unaccounted() if not self.foundlings.told_nothing(row.vmid)]

    def _account(self) -> set[str]:
        """Look at containers in our pools that nobody accounts for."""
        concerned: set[str] = set()
        if not self._ever_scanned:
            return concerned  # whether a manifest asks for them is not known yet
        for row in self._unaccounted():
            try:
                session = self.foundlings.look_at(row, self._desired)
            except (ProxmoxError, Superseded):
                continue  # the next observation tries again
            if session is not None:
                concerned.add(session)
        return concerned

    def _weigh(self) -> bool:
        """Let the mass-delete guard see the orphans; True when it engaged or released."""
        lives = [
            life
            for life in self._tools.ledger.lives()
            if life.placement is not None and not life.ended and life.ending is None
        ]
        orphans = frozenset(life.uid for life in lives if life.session in self._missing)
        before = self._mass_delete
        self._mass_delete = before.observe(orphans=orphans, ours=len(lives))
        if self._mass_delete.engaged == before.engaged:
            return False
        sentence = self._mass_delete.sentence
        self._tools.ledger.note(
            "",
            "",
            Note("MassDelete", sentence, warning=True)
            if sentence
            else Note("MassDeleteReleased", "the manifests are back or were confirmed as gone: orphans are destroyed"),
        )
        return True

    def _clock_since_last_time(self, guard: ClockJump) -> ClockJump:
        """A wall clock that is behind the ledger's last event was set back while nobody watched."""
        clock, newest = self._tools.clock, self._tools.ledger.newest()
        if newest is None or clock.now() >= newest - guard.tolerance:
            return guard
        return guard.observe(now=newest, monotonic=clock.monotonic())

    def _watch_clock(self) -> bool:
        """Let the clock guard see the clocks; True when timers have to be set anew."""
        clock, before = self._tools.clock, self._clock_jump
        self._clock_jump = before.observe(now=clock.now(), monotonic=clock.monotonic())
        if (before.sentence is None) != (self._clock_jump.sentence is None):
            sentence = self._clock_jump.sentence
            self._tools.ledger.note(
                "",
                "",
                Note("ClockJumped", sentence, warning=True)
                if sentence
                else Note("ClockRight", "the clock is right again"),
            )
            return True
        moved = (self._clock_jump.offset or 0.0) - (before.offset or 0.0)
        return before.offset is not None and abs(moved) > NTP_STEP


def _listed(row: ResourceRow) -> Listed:
    return Listed(
        node=row.node, status=row.status, lock=row.lock, cores=row.maxcpu, memory_mib=row.maxmem_mib, name=row.name
    )


def _differing(before: DesiredSnapshot, after: DesiredSnapshot) -> set[str]:
    names = before.sessions.keys() | after.sessions.keys()
    return {name for name in names if before.sessions.get(name) != after.sessions.get(name)}

"""Caring for a container that exists: its settings, its disk, its power, its readiness."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from controller.core import errands
from controller.core.certificate import another_certificate, showing
from controller.core.incarnation import Incarnation, Stage, Task
from controller.core.lifecycle import backoff, deadline
from controller.core.model import CloneSource, ConditionStatus, Resources, Timestamp
from controller.core.model import Probe as ProbeKind
from controller.core.steps import Configure, FinishTask, Grow
from controller.core.view import Live
from controller.engine.failpoints import Failpoint, hit
from controller.guest.rdp import Negotiated
from controller.ledger.ledger import Note
from controller.proxmox.port import AlreadyRunning, Conflict, Locked
from controller.reconcile.tools import Next, Outcome, Tools, Waits, interface, key_of, node_of

FIRST_PROBE, SLOWEST_PROBE, PROBE_GROWTH = 0.1, 2.0, 1.2
"""Seconds until a guest that is not ready is asked again: at first, at most, and the factor between."""
ADDRESS_LASTS = 8
"""Probes for which an address by DHCP is believed: reading it costs Proxmox 80 ms, asking the desktop 1 ms."""


@dataclass(slots=True)
class _Probing:
    """What is known about a guest that is not ready yet."""

    failed: int = 0
    address: str | None = None
    found: str | None = None
    """What came of the last question, as a sentence; None before the first answer."""


class Upkeep:
    """The steps Configure, Grow, Conformed, Start, FinishTask, Follow and Probe."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._lock = threading.Lock()
        self._probing: dict[str, _Probing] = {}
        """By session: two lives have one uid where a container came back out of a backup."""

    def configure(self, life: Incarnation, live: Live, step: Configure) -> Outcome:
        """Set options under the digest that was read. A clone also gets its own network here."""
        placement = life.placement
        assert placement is not None  # noqa: S101 - it was just read
        changes = dict(step.changes)
        if not life.configured and isinstance(life.spec.source, CloneSource):
            changes["net0"] = interface(life.spec.network, placement.address)
            if life.spec.network.nameservers:
                changes["nameserver"] = " ".join(life.spec.network.nameservers)
        try:
            self._tools.port.update(live.node, placement.vmid, changes, digest=live.digest)
        except Conflict as error:
            return Waits("ChangedMeanwhile", f"{error}: it is looked at again", after=0.5)
        said = ", ".join(f"{key}={value}" for key, value in changes.items())
        now = self._tools.clock.now()
        self._tools.ledger.change(
            life,
            lambda current: replace(current, configured=True, settled_at=now, applied=_applied(current, live)),
            Note("Configured", f"set on container {placement.vmid}: {said}"),
        )
        return Next()

    def grow(self, life: Incarnation, live: Live, step: Grow) -> Outcome:
        placement = life.placement
        assert placement is not None  # noqa: S101 - it was just read
        if not self._tools.slots.try_acquire(live.node, key_of(life.session)):
            return Waits("WaitingForSlot", "other operations run on the node: it waits for its turn")
        try:
            upid = self._tools.port.resize(live.node, placement.vmid, step.disk_gib, digest=live.digest)
        except Conflict as error:
            return Waits("ChangedMeanwhile", f"{error}: it is looked at again", after=0.5)
        self._begin_task(life, upid, "resize", live.node, Note("Growing", f"the disk grows to {step.disk_gib} GiB"))
        return Next()

    def conformed(self, life: Incarnation) -> Outcome:
        self._tools.ledger.change(life, lambda current: replace(current, applied=current.spec.resources))
        return Next()

    def start(self, life: Incarnation, live: Live | None) -> Outcome:
        """Start it; a session that was ready has to be found ready again."""
        tools, placement = self._tools, life.placement
        assert placement is not None  # noqa: S101 - only containers are started
        node, now = node_of(life, live), tools.clock.now()
        if not tools.slots.try_acquire(node, key_of(life.session)):
            return Waits("WaitingForSlot", "other operations run on the node: it waits for its turn")
        again = life.stage is Stage.READY
        with self._lock:
            self._probing.pop(life.session, None)  # it may come up with another address
        if again:
            # Before the call: who dies after it must not take the desktop for the one that was found ready.
            life = tools.ledger.change(
                life,
                lambda current: replace(current, stage=Stage.CREATED, started_at=None, filtered=False).not_ready(
                    reason="Stopped", message="it was stopped and is started again", now=now
                ),
            )
        if life.unfiltered:
            return Next(live)  # its firewall is looked at again before it runs
        try:
            upid = tools.port.start(node, placement.vmid)
        except AlreadyRunning:
            tools.ledger.change(
                life,
                lambda current: replace(
                    current, stage=Stage.CREATED, started_at=current.started_at or now, failures=0
                ).started(now=now),
            )
            return Next()
        except Locked:
            tools.slots.lock_wait(node)
            tools.measures.lock_wait()
            raise
        hit(Failpoint.START_CALLED)
        message = f"container {placement.vmid} is started" + (" again: it was stopped" if again else "")
        # Between two failures it would keep them from being counted as one event.
        notes = () if life.start_failure is not None else (Note("Started", message),)
        self._begin_task(life, upid, "vzstart", node, *notes, started_at=now)
        hit(Failpoint.START_TASK_RECORDED)
        return Next()

    def finish_task(self, life: Incarnation, step: FinishTask) -> Outcome:
        """An operation on a container that exists ended; a failed one is tried again after a while."""
        task = life.task
        assert task is not None  # noqa: S101 - the step says so
        tools, now = self._tools, self._tools.clock.now()
        tools.board.forget(task.upid)
        if task.kind == "vzdestroy":
            hit(Failpoint.DESTROY_TASK_DONE)
        if step.error is None:
            tools.slots.success(task.node)
            tools.ledger.change(life, lambda current: _done(current, task.kind, now=now))
            return Next()
        if "got timeout" in step.error or "is locked" in step.error:
            tools.slots.lock_wait(task.node)
            tools.measures.lock_wait()
        if task.kind == "vzstart":
            return self._start_failed(life, step.error)
        message = f"{task.kind} failed: {step.error}"
        tools.ledger.change(
            life,
            lambda current: replace(current, task=None, settled_at=now, failures=current.failures + 1),
            Note("TaskFailed", message, warning=True),
        )
        return Waits("TaskFailed", message, after=backoff(life))

    def _start_failed(self, life: Incarnation, error: str) -> Outcome:
        """When it is tried again is decided by what is known then: its end may have come meanwhile."""
        now, placement = self._tools.clock.now(), life.placement
        assert placement is not None  # noqa: S101 - only containers are started
        message = f"container {placement.vmid} cannot be started: {error}"
        self._tools.ledger.change(
            life,
            lambda current: replace(
                current, task=None, settled_at=now, failures=current.failures + 1, started_at=None
            ).with_condition("Started", ConditionStatus.FALSE, reason="StartFailed", message=message, now=now),
            Note("StartFailed", message, warning=True),
        )
        return Next()

    def hold(self, life: Incarnation) -> None:
        """It is paused: nobody asks the desktop now, and that time is not held against it."""

        def unasked(current: Incarnation) -> Incarnation:
            asked = current.stage is Stage.CREATED and current.task is None and current.ending is None
            return replace(current, started_at=None) if asked else current

        self._tools.ledger.change(life, unasked)

    def follow(self, life: Incarnation, node: str) -> Outcome:
        self._tools.ledger.change(
            life,
            lambda current: replace(
                current, placement=replace(current.placement, node=node) if current.placement else None
            ),
            Note("Migrated", f"its container moved to {node}"),
        )
        return Next()

    def probe(self, life: Incarnation) -> Outcome:
        """Ask for the address, then ask the desktop; Ready is recorded when it answers."""
        tools, placement = self._tools, life.placement
        assert placement is not None  # noqa: S101 - only containers are probed
        with self._lock:
            known = self._probing.setdefault(life.session, _Probing())
        known.address = placement.address or known.address or self._read_address(life)
        if known.address is None:
            return self._not_yet(life, "NoAddress", "the guest has no address")
        address, answer = known.address, None
        if life.spec.readiness.probe is ProbeKind.RDP:
            result = tools.prober.check(key_of(life.session), address, life.spec.readiness.port)
            if result is None:
                return Waits("Probing", f"the desktop at {address} is asked")
            if not isinstance(result, Negotiated):
                return self._not_yet(life, "NotAnswering", result.message)
            answer = result
        with self._lock:
            self._probing.pop(life.session, None)
        if errands.before_ready(life) is not None:
            return self._answering(life, address)
        return self._ready(life, address, answer)

    def _answering(self, life: Incarnation, address: str) -> Outcome:
        """The desktop answers, and something is to be set up inside before anybody may log in."""
        self._tools.ledger.change(
            life, lambda current: replace(current, guest=replace(current.guest, answering=address))
        )
        return Next()

    def unready(self, session: str) -> str | None:
        """What was found when the desktop was last asked, until it is ready; forgotten with the process."""
        with self._lock:
            known = self._probing.get(session)
        return known.found if known is not None else None

    def forget(self, life: Incarnation) -> None:
        """Its container is gone: what was learnt about it does not hold for the next."""
        with self._lock:
            self._probing.pop(life.session, None)
        self._tools.prober.forget(key_of(life.session))
        self._tools.guests.forget(key_of(life.session))

    def _read_address(self, life: Incarnation) -> str | None:
        assert life.placement is not None  # noqa: S101 - only containers are probed
        return next(iter(self._tools.port.addresses(life.placement.node, life.placement.vmid)), None)

    def _ready(self, life: Incarnation, address: str, answer: Negotiated | None) -> Outcome:
        """``answer`` is None where no RDP server was asked."""
        hit(Failpoint.READY_BEFORE_RECORD)
        tools, now = self._tools, self._tools.clock.now()
        first = life.ready_at is None

        def ready(current: Incarnation) -> Incarnation:
            after = replace(
                current,
                stage=Stage.READY,
                address=address,
                ready_at=now if current.ready_at is None else current.ready_at,
                attempts=0,
                last_failure=None,
            ).with_condition(
                "Ready", ConditionStatus.TRUE, reason="Ready", message=f"the desktop answers at {address}", now=now
            )
            return after if answer is None else showing(after, answer.fingerprint, now=now)

        notes = [Note("Ready", f"the desktop is ready at {address}")]
        if answer is not None and (said := another_certificate(life, answer.fingerprint)) is not None:
            notes.append(Note("CertificateChanged", said, warning=True))
        life = tools.ledger.change(life, ready, *notes)
        if first:
            tools.measures.ready(life)
        hit(Failpoint.READY_RECORDED)
        return Next()

    def _not_yet(self, life: Incarnation, reason: str, message: str) -> Waits:
        with self._lock:
            known = self._probing.setdefault(life.session, _Probing())
            known.failed += 1
            known.found = message
            if known.failed % ADDRESS_LASTS == 0:
                known.address = None
        # Some desktops never answer: the power of a large number of probes is no number any more.
        pause = min(FIRST_PROBE * PROBE_GROWTH ** min(known.failed - 1, 64), SLOWEST_PROBE)
        return Waits(
            reason, f"not ready yet: {message}", after=min(pause, max(0.05, deadline(life) - self._tools.clock.now()))
        )

    def _begin_task(
        self, life: Incarnation, upid: str, kind: str, node: str, *notes: Note, started_at: float | None = None
    ) -> None:
        task = Task(upid=upid, kind=kind, node=node, begun_at=self._tools.clock.now())
        self._tools.ledger.change(
            life, lambda current: replace(current, task=task, started_at=current.started_at or started_at), *notes
        )
        self._tools.board.watch(upid, node=node, key=key_of(life.session))


def _done(life: Incarnation, kind: str, *, now: Timestamp) -> Incarnation:
    """After an operation that succeeded."""
    stage = Stage.CREATED if life.stage is Stage.CREATING else life.stage
    after = replace(life, task=None, settled_at=now, failures=0, stage=stage)
    return after.started(now=now) if kind == "vzstart" else after


def _applied(life: Incarnation, live: Live) -> Resources:
    """What the container has after its cores and memory were set: the disk is as it was."""
    wanted = life.spec.resources
    return replace(wanted, disk_gib=live.disk_gib if live.disk_gib is not None else wanted.disk_gib)

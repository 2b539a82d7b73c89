"""What happened, counted where it happens, and the registry that Prometheus reads.

The names, labels and buckets are declared in ``families``; the state that is read at a scrape comes from a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable

import prometheus_client
from prometheus_client import CollectorRegistry, ProcessCollector

from controller.core.incarnation import EndReason, Incarnation
from controller.core.launch import launch_of, ready_after, ready_parts
from controller.ledger.events import Event
from controller.telemetry import families
from controller.telemetry.bounds import Bounds
from controller.telemetry.collector import Counted, StateCollector
from controller.telemetry.counted import Tally, Timing
from controller.telemetry.families import OTHER, REASON, Family, ReconcileResult
from controller.telemetry.snapshot import TelemetrySnapshot


class Metrics:
    """Counters, histograms and the state collector in a registry of their own. Safe to use from several threads.

    It is also the observer of the workqueue (``queued``, ``worked``).
    """

    def __init__(self, *, version: str, snapshot: Callable[[], TelemetrySnapshot]) -> None:
        # The time a counter was created doubles the lines of a scrape and is of no use here.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._version = version
        self._snapshot = snapshot
        self._bounds = Bounds()
        self._counted: dict[str, Counted] = {}
        self._accepted = self._tally(families.SESSIONS_ACCEPTED)
        self._ended = self._tally(families.SESSIONS_ENDED)
        self._given_up = self._tally(families.GIVEN_UP)
        self._ready_seconds = self._timing(families.READY_SECONDS)
        self._ready_parts = self._timing(families.READY_PART_SECONDS)
        self._expiry_lag = self._timing(families.EXPIRY_LAG)
        self._reconciles = self._tally(families.RECONCILES)
        self._reconcile_seconds = self._timing(families.RECONCILE_SECONDS)
        self._queue_seconds = self._timing(families.QUEUE_SECONDS)
        self._work_seconds = self._timing(families.WORK_SECONDS)
        self._calls = self._tally(families.CALLS)
        self._call_seconds = self._timing(families.CALL_SECONDS)
        self._task_seconds = self._timing(families.TASK_SECONDS)
        self._lock_waits = self._tally(families.LOCK_WAITS)
        self._scan_seconds = self._timing(families.SCAN_SECONDS)
        self._ledger_seconds = self._timing(families.LEDGER_SECONDS)
        self._events = self._tally(families.EVENTS)
        self._deliveries = self._tally(families.DELIVERIES)
        self._dropped = self._tally(families.DROPPED)
        self.registry = CollectorRegistry()
        self.registry.register(StateCollector(self._now, counted=self._counted, bounds=self._bounds))
        ProcessCollector(registry=self.registry)

    # -- sessions ----------------------------------------------------------------------------------------------

    def observe_accepted(self, life: Incarnation) -> None:
        """A life began."""
        self._accepted.add(life.spec.template, launch_of(life.spec))

    def observe_ready(self, life: Incarnation) -> None:
        """A life as it was recorded when it became Ready; its uid is the id of its trace."""
        launch, seconds = launch_of(life.spec), ready_after(life)
        if seconds is None:
            raise ValueError(f"session {life.session} is not ready")
        self._ready_seconds.observe(seconds, launch, life.spec.template, trace_id=life.uid)
        for part, took in ready_parts(life).items():
            self._ready_parts.observe(took, launch, part, trace_id=life.uid)

    def observe_ended(self, reason: EndReason) -> None:
        self._ended.add(reason)

    def observe_given_up(self) -> None:
        """A container that never became ready is to be replaced."""
        self._given_up.add()

    def observe_expiry_lag(self, seconds: float) -> None:
        self._expiry_lag.observe(max(0.0, seconds))

    # -- work --------------------------------------------------------------------------------------------------

    def observe_reconcile(self, result: ReconcileResult, seconds: float) -> None:
        self._reconciles.add(result)
        self._reconcile_seconds.observe(seconds)

    def queued(self, seconds: float) -> None:
        self._queue_seconds.observe(seconds)

    def worked(self, seconds: float) -> None:
        self._work_seconds.observe(seconds)

    # -- Proxmox -----------------------------------------------------------------------------------------------

    def observe_call(self, operation: str, outcome: str, seconds: float) -> None:
        """``outcome`` is ``OK`` or an error's reason."""
        self._calls.add(operation, outcome)
        self._call_seconds.observe(seconds, operation)

    def observe_task(self, kind: str, exit_: str, seconds: float) -> None:
        """A task of ours that ended: ``exit_`` as in ``TASK_EXITS``."""
        self._task_seconds.observe(max(0.0, seconds), kind, exit_)

    def observe_lock_wait(self) -> None:
        """An operation failed, or took long, because another one held a lock."""
        self._lock_waits.add()

    # -- manifests, ledger, events -----------------------------------------------------------------------------

    def observe_scan(self, seconds: float) -> None:
        self._scan_seconds.observe(seconds)

    def observe_write(self, seconds: float) -> None:
        """A write to the ledger, whether or not it succeeded."""
        self._ledger_seconds.observe(seconds)

    def observe_event(self, event: Event) -> None:
        """One more event; one that only counts on is one too."""
        self._events.add(event.type, event.reason)

    def observe_delivery(self, sink: str, ok: bool) -> None:
        """An attempt to send events on."""
        self._deliveries.add(sink, "ok" if ok else "failed")

    def observe_dropped(self, sink: str, count: int) -> None:
        """Events that retention removed before they were sent on."""
        self._dropped.add(sink, by=count)

    # -- inside ------------------------------------------------------------------------------------------------

    def _tally(self, family: Family) -> Tally:
        tally = self._counted[family.name] = Tally(family, self._bounds)
        return tally

    def _timing(self, family: Family) -> Timing:
        timing = self._counted[family.name] = Timing(family, self._bounds)
        return timing

    def _now(self) -> TelemetrySnapshot:
        now = self._snapshot()
        now.put(families.BUILD_INFO, 1, self._version)
        now.names.setdefault(REASON, (OTHER,))
        return now

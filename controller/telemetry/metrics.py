"""What happened, counted where it happens, and the registry that Prometheus reads.

Names follow the conventions: ``winux_`` in front, base units, ``_total`` on counters. Label values are bounded and
there from the start; never a session's name.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from controller.proxmox.port import Proxmox, ProxmoxError
from controller.telemetry.collector import StateCollector
from controller.telemetry.snapshot import TelemetrySnapshot

OK = "OK"
OTHER = "Other"
OPERATIONS = tuple(sorted(name for name in vars(Proxmox) if not name.startswith("_")))
"""The calls of the port, by name."""


def _reasons(error: type[ProxmoxError]) -> set[str]:
    return {error.reason}.union(*(_reasons(kind) for kind in error.__subclasses__()))


OUTCOMES = (OK, *sorted(_reasons(ProxmoxError)), OTHER)
"""How a call may end: the reasons of the port's errors, or ``OK``."""

_CALL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 35)
"""A call takes 2 ms to 120 ms; a config lock makes it wait 10 s; the client gives up after 35 s."""
_WORK_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_READY_BUCKETS = (1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300, 600)
_LAG_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600)


class ReconcileResult(StrEnum):
    """How one look at a key ended."""

    DONE = "done"
    """Nothing is left to do until something changes."""
    AGAIN = "again"
    """It is to be looked at again at a known time."""
    ERROR = "error"
    """A call failed; it is retried after a backoff."""
    PANIC = "panic"
    """The controller itself raised what it should not have; retried as well."""


class Launch(StrEnum):
    """How a session came to its container."""

    COLD = "cold"


class Metrics:
    """Counters, histograms and the state collector in a registry of their own. Safe to use from several threads.

    It is also the observer of the workqueue (``queued``, ``worked``).
    """

    def __init__(self, *, version: str, snapshot: Callable[[], TelemetrySnapshot]) -> None:
        # The time a counter was created doubles the lines of a scrape and is of no use here.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        registry = self.registry
        Gauge("winux_build_info", "The running version.", ["version"], registry=registry).labels(version).set(1)
        self._reconciles = Counter("winux_reconcile_total", "Looks at a key, by result.", ["result"], registry=registry)
        self._reconcile_seconds = Histogram(
            "winux_reconcile_duration_seconds", "Duration of one look.", buckets=_WORK_BUCKETS, registry=registry
        )
        self._panics = Counter("winux_reconcile_panics_total", "Looks that raised unforeseen.", registry=registry)
        self._queue_seconds = Histogram(
            "winux_workqueue_queue_duration_seconds",
            "Time from a key being due to being taken.",
            buckets=_WORK_BUCKETS,
            registry=registry,
        )
        self._work_seconds = Histogram(
            "winux_workqueue_work_duration_seconds",
            "Time a key was worked on.",
            buckets=_WORK_BUCKETS,
            registry=registry,
        )
        self._calls = Counter(
            "winux_proxmox_requests_total", "Calls by outcome.", ["operation", "outcome"], registry=registry
        )
        self._call_seconds = Histogram(
            "winux_proxmox_request_duration_seconds",
            "Duration of calls, those that failed included.",
            ["operation"],
            buckets=_CALL_BUCKETS,
            registry=registry,
        )
        self._lock_waits = Counter(
            "winux_proxmox_lock_waits_total", "Operations that another one kept waiting.", registry=registry
        )
        self._ready_seconds = Histogram(
            "winux_session_ready_seconds",
            "Time from acceptance to Ready.",
            ["launch"],
            buckets=_READY_BUCKETS,
            registry=registry,
        )
        self._expiry_lag = Histogram(
            "winux_session_expiry_lag_seconds",
            "Time from a session's end to the call that destroys it.",
            buckets=_LAG_BUCKETS,
            registry=registry,
        )
        self._begin_at_zero()
        ProcessCollector(registry=registry)
        registry.register(StateCollector(snapshot))

    def observe_reconcile(self, result: ReconcileResult, seconds: float) -> None:
        self._reconciles.labels(result.value).inc()
        self._reconcile_seconds.observe(seconds)
        if result is ReconcileResult.PANIC:
            self._panics.inc()

    def observe_call(self, operation: str, outcome: str, seconds: float) -> None:
        """``operation`` as in ``OPERATIONS``; ``outcome`` is ``OK`` or an error's reason. Others count as ``Other``."""
        operation = operation if operation in OPERATIONS else OTHER
        self._calls.labels(operation, outcome if outcome in OUTCOMES else OTHER).inc()
        self._call_seconds.labels(operation).observe(seconds)

    def observe_lock_wait(self) -> None:
        """An operation failed, or took long, because another one held a lock."""
        self._lock_waits.inc()

    def observe_ready(self, seconds: float, launch: Launch = Launch.COLD) -> None:
        self._ready_seconds.labels(launch.value).observe(seconds)

    def observe_expiry_lag(self, seconds: float) -> None:
        self._expiry_lag.observe(max(0.0, seconds))

    def queued(self, seconds: float) -> None:
        self._queue_seconds.observe(seconds)

    def worked(self, seconds: float) -> None:
        self._work_seconds.observe(seconds)

    def _begin_at_zero(self) -> None:
        for result in ReconcileResult:
            self._reconciles.labels(result.value)
        for launch in Launch:
            self._ready_seconds.labels(launch.value)
        for operation in OPERATIONS:
            self._call_seconds.labels(operation)
            for outcome in OUTCOMES:
                self._calls.labels(operation, outcome)

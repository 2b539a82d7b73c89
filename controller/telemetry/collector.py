"""Turns a snapshot into samples when Prometheus asks: state is counted at the scrape, never kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from controller.core.model import Phase
from controller.telemetry.snapshot import GUARDS, HELD_REASONS, TelemetrySnapshot


class StateCollector(Collector):
    """Every label value that can be foreseen is there from the first scrape on, at 0."""

    def __init__(self, snapshot: Callable[[], TelemetrySnapshot]) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        now = self._snapshot()
        yield from _sessions(now)
        yield from _queue(now)
        yield from _proxmox(now)
        yield from _manifests(now)


def _sessions(now: TelemetrySnapshot) -> Iterator[Metric]:
    phases = {phase.value: now.sessions.get(phase, 0) for phase in Phase}
    yield _gauge("winux_sessions", "Sessions by phase.", label="phase", values=phases)
    yield _gauge("winux_sessions_held", "Sessions that wait, by reason.", label="reason", values=_held(now))
    yield _gauge("winux_sessions_orphaned", "Containers of ours that no manifest wants.", now.sessions_orphaned)
    yield _gauge("winux_destroys_failing", "Sessions whose last destroy failed.", now.destroys_failing)
    guards = dict.fromkeys(GUARDS, 0) | {name: int(engaged) for name, engaged in now.guards.items()}
    yield _gauge("winux_guard_engaged", "1 while a brake stops destruction.", label="guard", values=guards)


def _queue(now: TelemetrySnapshot) -> Iterator[Metric]:
    queue = now.queue
    yield _gauge("winux_workqueue_depth", "Keys that are due and not taken.", queue.depth)
    yield _gauge("winux_workqueue_delayed", "Keys that wait for a moment.", queue.delayed)
    yield _counter("winux_workqueue_adds", "Keys that became due.", queue.adds_total)
    yield _counter("winux_workqueue_retries", "Keys that failed and wait for their backoff.", queue.retries_total)
    longest = queue.longest_running_seconds
    yield _gauge("winux_workqueue_longest_running_seconds", "Age of the oldest work in progress.", longest)


def _proxmox(now: TelemetrySnapshot) -> Iterator[Metric]:
    flights = now.operations_in_flight
    yield _gauge("winux_proxmox_operations_in_flight", "Operations by node.", label="node", values=flights)
    yield _gauge(
        "winux_proxmox_last_observation_timestamp_seconds",
        "When all containers were last seen, in Unix seconds.",
        now.last_observation,
    )


def _manifests(now: TelemetrySnapshot) -> Iterator[Metric]:
    yield _gauge(
        "winux_manifests_last_good_scan_timestamp_seconds",
        "When all manifests were last read, in Unix seconds.",
        now.last_good_scan,
    )
    yield _gauge("winux_manifest_files", "Manifest files at the last scan.", now.manifest_files)
    yield _gauge("winux_manifest_problems", "Mistakes in manifests at the last scan.", now.manifest_problems)
    yield _counter("winux_watcher_restarts", "Times the directory watch was set up again.", now.watcher_restarts)


def _held(now: TelemetrySnapshot) -> dict[str, int]:
    counts = dict.fromkeys((*HELD_REASONS, "Other"), 0)
    for reason, count in now.sessions_held.items():
        counts[reason if reason in counts else "Other"] += count
    return counts


def _gauge(
    name: str,
    text: str,
    value: float | None = None,
    *,
    label: str | None = None,
    values: Mapping[str, float] | None = None,
) -> Metric:
    if label is None:
        return GaugeMetricFamily(name, text, value=value)
    family = GaugeMetricFamily(name, text, labels=[label])
    for label_value, number in sorted((values or {}).items()):
        family.add_metric([label_value], number)
    return family


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)

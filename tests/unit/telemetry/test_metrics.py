"""What Prometheus sees: names by the conventions, bounded labels, everything there from the first scrape on."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from controller.core.model import Phase
from controller.engine.backoff import Backoff
from controller.engine.clock import VirtualClock
from controller.engine.workqueue import QueueStats, WorkQueue
from controller.proxmox.port import Locked, Proxmox
from controller.telemetry.metrics import OPERATIONS, OUTCOMES, Launch, Metrics, ReconcileResult
from controller.telemetry.snapshot import GUARDS, HELD_REASONS, TelemetrySnapshot

FAMILIES = {
    "winux_build_info": "gauge",
    "winux_destroys_failing": "gauge",
    "winux_guard_engaged": "gauge",
    "winux_manifest_files": "gauge",
    "winux_manifest_problems": "gauge",
    "winux_manifests_last_good_scan_timestamp_seconds": "gauge",
    "winux_proxmox_last_observation_timestamp_seconds": "gauge",
    "winux_proxmox_lock_waits": "counter",
    "winux_proxmox_operations_in_flight": "gauge",
    "winux_proxmox_request_duration_seconds": "histogram",
    "winux_proxmox_requests": "counter",
    "winux_reconcile": "counter",
    "winux_reconcile_duration_seconds": "histogram",
    "winux_reconcile_panics": "counter",
    "winux_session_expiry_lag_seconds": "histogram",
    "winux_session_ready_seconds": "histogram",
    "winux_sessions": "gauge",
    "winux_sessions_held": "gauge",
    "winux_sessions_orphaned": "gauge",
    "winux_watcher_restarts": "counter",
    "winux_workqueue_adds": "counter",
    "winux_workqueue_delayed": "gauge",
    "winux_workqueue_depth": "gauge",
    "winux_workqueue_longest_running_seconds": "gauge",
    "winux_workqueue_queue_duration_seconds": "histogram",
    "winux_workqueue_retries": "counter",
    "winux_workqueue_work_duration_seconds": "histogram",
}


class State:
    """What the daemon would count."""

    def __init__(self) -> None:
        self.snapshot = TelemetrySnapshot()

    def __call__(self) -> TelemetrySnapshot:
        return self.snapshot


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def metrics(state: State) -> Metrics:
    return Metrics(version="1.2.3", snapshot=state)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def scrape(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def test_every_family_is_there_before_anything_happened(metrics: Metrics) -> None:
    families = {family.name: family.type for family in text_string_to_metric_families(scrape(metrics))}
    ours = {name: kind for name, kind in families.items() if name.startswith("winux_")}
    assert ours == FAMILIES
    assert "process_resident_memory_bytes" in families
    assert not any("_created" in line for line in scrape(metrics).splitlines())


def test_every_family_says_what_it_is(metrics: Metrics) -> None:
    helps = re.findall(r"^# HELP (winux_\S+) (.+)$", scrape(metrics), re.MULTILINE)
    assert all(text.endswith(".") or "Unix seconds" in text for _, text in helps)
    assert len(helps) == len(FAMILIES)


def test_foreseeable_labels_start_at_zero(metrics: Metrics) -> None:
    for phase in Phase:
        assert value(metrics, "winux_sessions", phase=phase) == 0
    for reason in (*HELD_REASONS, "Other"):
        assert value(metrics, "winux_sessions_held", reason=reason) == 0
    for guard in GUARDS:
        assert value(metrics, "winux_guard_engaged", guard=guard) == 0
    for result in ReconcileResult:
        assert value(metrics, "winux_reconcile_total", result=result) == 0
    for operation in OPERATIONS:
        assert value(metrics, "winux_proxmox_request_duration_seconds_count", operation=operation) == 0
        for outcome in OUTCOMES:
            assert value(metrics, "winux_proxmox_requests_total", operation=operation, outcome=outcome) == 0
    assert value(metrics, "winux_session_ready_seconds_count", launch=Launch.COLD) == 0
    assert value(metrics, "winux_build_info", version="1.2.3") == 1


def test_operations_and_outcomes_are_those_of_the_port() -> None:
    assert {"create", "delete", "active_tasks", "config"} <= set(OPERATIONS)
    assert all(callable(getattr(Proxmox, operation)) for operation in OPERATIONS)
    assert {"OK", "NotFound", "OutcomeUnknown", "Transient", "ProxmoxError", "Other"} <= set(OUTCOMES)


def test_state_is_counted_at_the_scrape(metrics: Metrics, state: State) -> None:
    state.snapshot = TelemetrySnapshot(
        sessions={Phase.READY: 3, Phase.HELD: 1},
        sessions_held={"MassDelete": 1, "NoSuchReason": 2, "AnotherOne": 1},
        sessions_orphaned=4,
        destroys_failing=5,
        guards={"MassDelete": True, "Novel": True},
        queue=QueueStats(depth=6, delayed=7, adds_total=8, retries_total=9, longest_running_seconds=10.5),
        operations_in_flight={"pve1": 2, "pve2": 0},
        last_observation=1_800_000_000.5,
        last_good_scan=1_800_000_001.5,
        manifest_files=11,
        manifest_problems=12,
        watcher_restarts=13,
    )
    assert value(metrics, "winux_sessions", phase="Ready") == 3
    assert value(metrics, "winux_sessions", phase="Held") == 1
    assert value(metrics, "winux_sessions", phase="Failed") == 0
    assert value(metrics, "winux_sessions_held", reason="MassDelete") == 1
    assert value(metrics, "winux_sessions_held", reason="Other") == 3
    assert value(metrics, "winux_sessions_held", reason="NoSuchReason") is None
    assert value(metrics, "winux_sessions_orphaned") == 4
    assert value(metrics, "winux_destroys_failing") == 5
    assert value(metrics, "winux_guard_engaged", guard="MassDelete") == 1
    assert value(metrics, "winux_guard_engaged", guard="Novel") == 1
    assert value(metrics, "winux_guard_engaged", guard="ClockJumped") == 0
    assert value(metrics, "winux_workqueue_depth") == 6
    assert value(metrics, "winux_workqueue_delayed") == 7
    assert value(metrics, "winux_workqueue_adds_total") == 8
    assert value(metrics, "winux_workqueue_retries_total") == 9
    assert value(metrics, "winux_workqueue_longest_running_seconds") == 10.5
    assert value(metrics, "winux_proxmox_operations_in_flight", node="pve1") == 2
    assert value(metrics, "winux_proxmox_operations_in_flight", node="pve2") == 0
    assert value(metrics, "winux_proxmox_last_observation_timestamp_seconds") == 1_800_000_000.5
    assert value(metrics, "winux_manifests_last_good_scan_timestamp_seconds") == 1_800_000_001.5
    assert value(metrics, "winux_manifest_files") == 11
    assert value(metrics, "winux_manifest_problems") == 12
    assert value(metrics, "winux_watcher_restarts_total") == 13


def test_calls_are_counted_by_operation_and_outcome(metrics: Metrics) -> None:
    metrics.observe_call("create", "OK", 0.08)
    metrics.observe_call("create", Locked.reason, 10.2)
    assert value(metrics, "winux_proxmox_requests_total", operation="create", outcome="OK") == 1
    assert value(metrics, "winux_proxmox_requests_total", operation="create", outcome="Locked") == 1
    assert value(metrics, "winux_proxmox_request_duration_seconds_sum", operation="create") == pytest.approx(10.28)
    assert value(metrics, "winux_proxmox_request_duration_seconds_bucket", operation="create", le="0.1") == 1


def test_a_name_that_nobody_foresaw_does_not_become_a_label(metrics: Metrics) -> None:
    before = len(scrape(metrics).splitlines())
    for name in ("alice", "bob", "carol"):
        metrics.observe_call(name, name, 1)
    assert value(metrics, "winux_proxmox_requests_total", operation="Other", outcome="Other") == 3
    metrics.observe_call("dave", "OK", 1)
    assert not any(name in scrape(metrics) for name in ("alice", "bob", "carol", "dave"))
    assert len(scrape(metrics).splitlines()) < before + 20


def test_reconciles_are_counted_by_result_and_panics_apart(metrics: Metrics) -> None:
    metrics.observe_reconcile(ReconcileResult.DONE, 0.01)
    metrics.observe_reconcile(ReconcileResult.PANIC, 0.02)
    assert value(metrics, "winux_reconcile_total", result="done") == 1
    assert value(metrics, "winux_reconcile_total", result="panic") == 1
    assert value(metrics, "winux_reconcile_panics_total") == 1
    assert value(metrics, "winux_reconcile_duration_seconds_count") == 2


def test_what_people_wait_for_is_measured(metrics: Metrics) -> None:
    metrics.observe_ready(2.5)
    metrics.observe_expiry_lag(0.2)
    metrics.observe_expiry_lag(-0.001)
    metrics.observe_lock_wait()
    assert value(metrics, "winux_session_ready_seconds_bucket", launch="cold", le="3.0") == 1
    assert value(metrics, "winux_session_ready_seconds_bucket", launch="cold", le="2.0") == 0
    assert value(metrics, "winux_session_expiry_lag_seconds_count") == 2
    assert value(metrics, "winux_session_expiry_lag_seconds_sum") == pytest.approx(0.2)
    assert value(metrics, "winux_proxmox_lock_waits_total") == 1


def test_it_observes_a_workqueue(metrics: Metrics) -> None:
    clock = VirtualClock()
    queue = WorkQueue(clock, Backoff(random=Random(1)), observer=metrics)
    queue.add("session/alice")
    clock.advance(2)
    queue.get_nowait()
    clock.advance(3)
    queue.done("session/alice")
    assert value(metrics, "winux_workqueue_queue_duration_seconds_sum") == 2
    assert value(metrics, "winux_workqueue_work_duration_seconds_sum") == 3


def test_two_sets_of_metrics_do_not_meet(state: State) -> None:
    first, second = Metrics(version="1", snapshot=state), Metrics(version="1", snapshot=state)
    first.observe_lock_wait()
    assert value(second, "winux_proxmox_lock_waits_total") == 0


def test_no_name_or_label_of_ours_breaks_the_conventions(metrics: Metrics) -> None:
    for family in text_string_to_metric_families(scrape(metrics)):
        if family.name.startswith("winux_"):
            assert re.fullmatch(r"[a-z_]+", family.name)
            assert not re.search(r"milli|micro|minutes|hours|_ms\b", family.name)
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            assert labels <= {"phase", "reason", "guard", "result", "operation", "outcome", "launch", "node", "version"}


def test_the_memory_of_this_process_is_shown_where_the_system_tells(metrics: Metrics) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("this system has no /proc")
    assert (value(metrics, "process_resident_memory_bytes") or 0) > 1_000_000

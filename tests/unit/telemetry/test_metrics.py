"""What is counted where it happens: by which labels, with what exemplars, and what becomes of unforeseen names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from controller.core.incarnation import EndReason, Incarnation, Placement, Stage
from controller.core.model import ArchiveSource, CloneSource, CloneTemplate, Network, Resources, SessionSpec
from controller.engine.backoff import Backoff
from controller.engine.clock import VirtualClock
from controller.engine.workqueue import WorkQueue
from controller.ledger.events import Event, EventType
from controller.proxmox.port import Locked
from controller.telemetry import families
from controller.telemetry.families import MOST_NAMES, NODE, TEMPLATE, ReconcileResult
from controller.telemetry.metrics import Metrics
from controller.telemetry.snapshot import TelemetrySnapshot

SPEC = SessionSpec(
    template="default",
    owner=None,
    source=ArchiveSource(volume="local:vztmpl/winux.tar.zst"),
    storage="local",
    pool="winux",
    nodes=(),
    resources=Resources(cores=2, memory_mib=1024, disk_gib=10),
    network=Network(bridge="vmbr0"),
    desktop_user="winux",
    nesting=False,
    ttl=3600.0,
    max_ttl=86_400.0,
)
CLONED = replace(SPEC, template="cloned", source=CloneSource(templates=(CloneTemplate(vmid=9000),)))
ALICE = Incarnation(
    uid="0123456789abcdef0123456789abcdef",
    session="alice",
    spec=SPEC,
    generation="v1-a",
    revision="",
    origin_file="alice.yaml",
    accepted_at=1000.0,
    stage=Stage.READY,
    placement=Placement(node="pve1", vmid=30001, intended_at=1000.25),
    started_at=1000.75,
    ready_at=1002.5,
)


@pytest.fixture
def state() -> TelemetrySnapshot:
    return TelemetrySnapshot()


@pytest.fixture
def metrics(state: TelemetrySnapshot) -> Metrics:
    return Metrics(version="1.2.3", snapshot=lambda: state)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def scrape(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def test_a_session_that_became_ready_is_measured_by_launch_and_template(metrics: Metrics) -> None:
    metrics.observe_ready(ALICE)
    mine = {"launch": "archive", "template": "default"}
    assert value(metrics, "winux_session_ready_seconds_bucket", **mine, le="3.0") == 1
    assert value(metrics, "winux_session_ready_seconds_bucket", **mine, le="2.0") == 0
    assert value(metrics, "winux_session_ready_seconds_sum", **mine) == 2.5


def test_the_parts_of_that_time_add_up_to_it(metrics: Metrics) -> None:
    metrics.observe_ready(ALICE)
    parts = {
        part: value(metrics, "winux_session_ready_part_seconds_sum", launch="archive", part=part)
        for part in families.PARTS
    }
    assert parts == {"waiting": 0.25, "making": 0.5, "starting": 1.75}


def test_a_session_that_is_not_ready_cannot_be_measured(metrics: Metrics) -> None:
    with pytest.raises(ValueError, match="alice is not ready"):
        metrics.observe_ready(replace(ALICE, ready_at=None))


def test_those_who_understand_exemplars_are_told_the_trace(metrics: Metrics) -> None:
    metrics.observe_ready(ALICE)
    text = generate_openmetrics(metrics.registry).decode()
    (line,) = [line for line in text.splitlines() if 'ready_seconds_bucket{launch="archive",le="3.0"' in line]
    assert '# {trace_id="0123456789abcdef0123456789abcdef"} 2.5' in line
    assert "trace_id" not in scrape(metrics), "the plain format has no place for it"


def test_lives_are_counted_when_they_begin_and_when_they_end(metrics: Metrics) -> None:
    metrics.observe_accepted(ALICE)
    metrics.observe_accepted(replace(ALICE, spec=CLONED))
    metrics.observe_ended(EndReason.EXPIRED)
    metrics.observe_given_up()
    assert value(metrics, "winux_sessions_accepted_total", template="default", launch="archive") == 1
    assert value(metrics, "winux_sessions_accepted_total", template="cloned", launch="clone") == 1
    assert value(metrics, "winux_sessions_ended_total", reason="Expired") == 1
    assert value(metrics, "winux_sessions_ended_total", reason="Deleted") == 0
    assert value(metrics, "winux_containers_given_up_total") == 1


def test_a_lag_is_never_negative(metrics: Metrics) -> None:
    metrics.observe_expiry_lag(0.2)
    metrics.observe_expiry_lag(-0.001)
    assert value(metrics, "winux_session_expiry_lag_seconds_count") == 2
    assert value(metrics, "winux_session_expiry_lag_seconds_sum") == pytest.approx(0.2)


def test_calls_are_counted_by_operation_and_outcome(metrics: Metrics) -> None:
    metrics.observe_call("create", "OK", 0.08)
    metrics.observe_call("create", Locked.reason, 10.2)
    metrics.observe_lock_wait()
    assert value(metrics, "winux_proxmox_requests_total", operation="create", outcome="OK") == 1
    assert value(metrics, "winux_proxmox_requests_total", operation="create", outcome="Locked") == 1
    assert value(metrics, "winux_proxmox_request_duration_seconds_sum", operation="create") == pytest.approx(10.28)
    assert value(metrics, "winux_proxmox_request_duration_seconds_bucket", operation="create", le="0.1") == 1
    assert value(metrics, "winux_proxmox_lock_waits_total") == 1


def test_tasks_are_measured_by_type_and_exit(metrics: Metrics) -> None:
    metrics.observe_task("vzcreate", "warnings", 3.5)
    metrics.observe_task("vzmigrate", "failed", 1.0)
    task = "winux_proxmox_task_duration_seconds_sum"
    assert value(metrics, task, type="vzcreate", exit="warnings") == 3.5
    assert value(metrics, task, type="Other", exit="failed") == 1.0


def test_looks_are_counted_by_result(metrics: Metrics) -> None:
    metrics.observe_reconcile(ReconcileResult.DONE, 0.01)
    metrics.observe_reconcile(ReconcileResult.PANIC, 0.02)
    assert value(metrics, "winux_reconcile_total", result="done") == 1
    assert value(metrics, "winux_reconcile_total", result="panic") == 1
    assert value(metrics, "winux_reconcile_total", result="error") == 0
    assert value(metrics, "winux_reconcile_duration_seconds_count") == 2


def test_scans_and_writes_are_measured(metrics: Metrics) -> None:
    metrics.observe_scan(0.3)
    metrics.observe_write(0.004)
    assert value(metrics, "winux_manifests_scan_duration_seconds_sum") == 0.3
    assert value(metrics, "winux_ledger_write_duration_seconds_bucket", le="0.005") == 1


def test_events_are_counted_by_type_and_reason_and_so_is_what_becomes_of_them(metrics: Metrics) -> None:
    event = Event(session="alice", uid="1", type=EventType.WARNING, reason="NoRoom", message="full")
    metrics.observe_event(event)
    metrics.observe_event(replace(event, count=2))
    metrics.observe_delivery("webhook", ok=False)
    metrics.observe_dropped("webhook", 7)
    assert value(metrics, "winux_events_total", type="Warning", reason="NoRoom") == 2
    assert value(metrics, "winux_event_deliveries_total", sink="webhook", outcome="failed") == 1
    assert value(metrics, "winux_event_deliveries_total", sink="webhook", outcome="ok") == 0
    assert value(metrics, "winux_event_dropped_total", sink="webhook") == 7


def test_a_name_that_nobody_foresaw_does_not_become_a_label(metrics: Metrics) -> None:
    before = len(scrape(metrics).splitlines())
    for name in ("alice", "bob", "carol"):
        metrics.observe_call(name, name, 1)
    assert value(metrics, "winux_proxmox_requests_total", operation="Other", outcome="Other") == 3
    metrics.observe_call("dave", "OK", 1)
    assert not any(name in scrape(metrics) for name in ("alice", "bob", "carol", "dave"))
    assert len(scrape(metrics).splitlines()) < before + 20


def test_beyond_so_many_templates_the_rest_is_counted_together(metrics: Metrics) -> None:
    for number in range(MOST_NAMES + 5):
        metrics.observe_accepted(replace(ALICE, spec=replace(SPEC, template=f"t{number}")))
    metrics.observe_accepted(replace(ALICE, spec=replace(SPEC, template="t7")))
    accepted = "winux_sessions_accepted_total"
    assert value(metrics, accepted, template="t7", launch="archive") == 2
    assert value(metrics, accepted, template=f"t{MOST_NAMES}", launch="archive") is None
    assert value(metrics, accepted, template="Other", launch="archive") == 5


def test_state_beyond_the_bound_is_added_up(metrics: Metrics, state: TelemetrySnapshot) -> None:
    nodes = [f"pve{number}" for number in range(MOST_NAMES + 3)]
    state.names[NODE] = nodes
    state.put_all(families.CALLS_WAITING, {(node,): 2 for node in nodes})
    assert value(metrics, "winux_proxmox_calls_waiting", node="pve0") == 2
    assert value(metrics, "winux_proxmox_calls_waiting", node="Other") == 6


def test_a_known_template_has_all_its_series_before_anything_happened(
    metrics: Metrics, state: TelemetrySnapshot
) -> None:
    state.names[TEMPLATE] = ["default"]
    scrape(metrics)
    for launch in families.LAUNCHES:
        mine = {"template": "default", "launch": launch}
        assert value(metrics, "winux_sessions_accepted_total", **mine) == 0
        assert value(metrics, "winux_session_ready_seconds_count", **mine) == 0
        assert value(metrics, "winux_sessions", **mine, phase="Failed") == 0


def test_what_one_moment_shows_is_gone_with_it(metrics: Metrics, state: TelemetrySnapshot) -> None:
    state.put(families.REVISION, 1, "abc")
    assert value(metrics, "winux_manifests_revision_info", revision="abc") == 1
    state.values.clear()
    state.put(families.REVISION, 1, "def")
    assert value(metrics, "winux_manifests_revision_info", revision="abc") is None
    assert value(metrics, "winux_manifests_revision_info", revision="def") == 1


def test_a_snapshot_takes_only_what_is_read_and_with_its_labels(state: TelemetrySnapshot) -> None:
    with pytest.raises(ValueError, match="winux_reconcile_total is counted where it happens"):
        state.put(families.RECONCILES, 1, "done")
    with pytest.raises(ValueError, match="winux_sessions_held has the labels"):
        state.put(families.SESSIONS_HELD, 1)


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


def test_two_sets_of_metrics_do_not_meet(state: TelemetrySnapshot, metrics: Metrics) -> None:
    other = Metrics(version="1", snapshot=lambda: state)
    metrics.observe_lock_wait()
    assert value(other, "winux_proxmox_lock_waits_total") == 0


def test_the_memory_of_this_process_is_shown_where_the_system_tells(metrics: Metrics) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("this system has no /proc")
    assert (value(metrics, "process_resident_memory_bytes") or 0) > 1_000_000

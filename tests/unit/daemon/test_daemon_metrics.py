"""The metrics of a whole daemon that reaches no Proxmox: everything is wired, and nothing else has a name."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from prometheus_client.metrics_core import Metric

from controller import __version__
from controller.daemon.daemon import Daemon
from controller.daemon.settings import load
from controller.engine.clock import SystemClock
from controller.telemetry.families import FAMILIES, THREADS


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("daemon")
    (directory / "manifests").mkdir()
    (directory / "manifests" / "bad.yaml").write_text("kind: [\n", encoding="utf-8")
    settings = load(
        None,
        {
            "WINUX_PROXMOX__URL": "https://127.0.0.1:9",
            "WINUX_PROXMOX__TOKEN_ID": "sessions@pve!controller",
            "WINUX_PROXMOX__TOKEN_SECRET": "5ec4e700-0000-4000-8000-000000000001",
            "WINUX_MANIFESTS__PATH": str(directory / "manifests"),
            "WINUX_LEDGER__URL": f"sqlite:///{directory}/ledger.db",
            "WINUX_ADMIN__SOCKET": str(directory / "admin.sock"),
            "WINUX_TELEMETRY__LISTEN": "127.0.0.1:0",
        },
    )
    daemon = Daemon(settings)
    daemon.start()
    yield daemon
    daemon.stop()


def families(daemon: Daemon) -> dict[str, Metric]:
    return {metric.name: metric for metric in daemon.metrics.registry.collect() if metric.name.startswith("winux_")}


def value(daemon: Daemon, name: str, **labels: str) -> float:
    return daemon.metrics.registry.get_sample_value(name, labels) or 0.0


def within_seconds(daemon: Daemon, name: str, **labels: str) -> float:
    """The value once it is not 0."""
    clock, never = SystemClock(), threading.Event()
    until = clock.monotonic() + 30
    while (found := value(daemon, name, **labels)) == 0 and clock.monotonic() < until:
        clock.wait(never, 0.05)
    return found


def test_all_families_are_there(daemon: Daemon) -> None:
    assert [name.removesuffix("_total") for name in families(daemon)] == [
        family.name.removesuffix("_total") for family in FAMILIES
    ]


def test_every_thread_is_watched_by_the_name_that_is_declared(daemon: Daemon) -> None:
    shown = families(daemon)["winux_thread_heartbeat_age_seconds"].samples
    assert sorted(sample.labels["thread"] for sample in shown) == sorted(THREADS)
    assert len(daemon.threads.ages()) == len(THREADS) - 1 + daemon.settings.workers


def test_the_version_is_told(daemon: Daemon) -> None:
    assert value(daemon, "winux_build_info", version=__version__) == 1


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("winux_manifests_scan_duration_seconds_count", {}),
        ("winux_manifests_last_good_scan_timestamp_seconds", {}),
        ("winux_manifests_files", {}),
        ("winux_manifests_problems", {}),
        ("winux_manifests_watch_working", {}),
        ("winux_ledger_write_duration_seconds_count", {}),
        ("winux_ledger_size_bytes", {}),
        ("winux_events_total", {"type": "Normal", "reason": "ControllerStarted"}),
        ("winux_proxmox_requests_total", {"operation": "resources", "outcome": "NodeDown"}),
        ("winux_proxmox_requests_total", {"operation": "nodes", "outcome": "NodeDown"}),
        ("winux_guard_engaged", {"guard": "NotObserved"}),
    ],
)
def test_what_happens_without_proxmox_is_counted(daemon: Daemon, name: str, labels: dict[str, str]) -> None:
    assert within_seconds(daemon, name, **labels) > 0


def test_it_is_not_ready(daemon: Daemon) -> None:
    assert value(daemon, "winux_ready") == 0
    assert value(daemon, "winux_proxmox_last_observation_timestamp_seconds") == 0

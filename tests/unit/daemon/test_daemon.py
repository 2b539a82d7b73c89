"""The parts of a daemon that talks to nobody yet, and what a reload changes in them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from controller.core.incarnation import Incarnation
from controller.daemon.daemon import CALL_MARGIN, Daemon
from controller.daemon.settings import Settings, load
from controller.engine.clock import VirtualClock
from controller.telemetry.loglevels import Component, LogLevel, LogLevels
from tests.unit.core.given import accepted


def settings(directory: Path, **variables: str) -> Settings:
    environ = {
        "WINUX_PROXMOX__URL": "https://127.0.0.1:9",
        "WINUX_PROXMOX__TOKEN_ID": "sessions@pve!controller",
        "WINUX_PROXMOX__TOKEN_SECRET": "5ec4e700-0000-4000-8000-000000000001",
        "WINUX_MANIFESTS__PATH": str(directory / "manifests"),
        "WINUX_LEDGER__URL": f"sqlite:///{directory}/ledger.db",
        "WINUX_ADMIN__SOCKET": str(directory / "admin.sock"),
        "WINUX_TELEMETRY__LISTEN": "127.0.0.1:0",
    }
    return load(None, environ | variables)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(settings(tmp_path))
    yield daemon
    daemon.stop()


def test_a_reload_changes_how_many_operations_and_how_many_calls_a_node_gets(daemon: Daemon, tmp_path: Path) -> None:
    assert (daemon.tools.slots.limit("pve1"), daemon.line.calls.per_node) == (4, 4)
    daemon.reload(settings(tmp_path, WINUX_PROXMOX__IN_FLIGHT_PER_NODE="7"))
    assert (daemon.tools.slots.limit("pve1"), daemon.line.calls.per_node) == (7, 7)


def test_it_says_that_it_lives_while_somebody_holds_the_ledger(daemon: Daemon) -> None:
    """As a write to a disk that hangs does."""
    ledger = daemon.tools.ledger
    life = accepted()
    ledger.begin(life, None)
    held, release = threading.Event(), threading.Event()

    def hang(current: Incarnation) -> Incarnation:
        held.set()
        assert release.wait(60)
        return current

    daemon.health.start()
    holder = threading.Thread(target=ledger.change, args=(life, hang))
    holder.start()
    try:
        assert held.wait(60)
        answer = httpx.get(f"{daemon.health.url}/healthz", trust_env=False, timeout=60)
        assert answer.json() == {"status": "ok", "problems": []}
    finally:
        release.set()
        holder.join(60)


def test_a_thread_may_be_silent_for_as_long_as_a_call_may_take(tmp_path: Path) -> None:
    clock = VirtualClock()
    daemon = Daemon(settings(tmp_path, WINUX_PROXMOX__TIMEOUT="5m"), clock=clock)
    daemon.threads.start("worker-0", threading.Event.wait)
    try:
        clock.advance(300 + CALL_MARGIN)
        assert daemon.stuck() == []
        clock.advance(1)
        with capture_logs() as logs:
            daemon.tend()
            daemon.tend()
        assert [log["threads"] for log in logs if log["event"] == "threads.stuck"] == [daemon.stuck()]
        assert daemon.stuck() == ["the thread worker-0 gave no sign of life for 331 s (allowed: 330 s)"]
    finally:
        daemon.threads.stop(60)
        daemon.stop()


def test_a_reload_takes_over_the_levels_of_the_log(daemon: Daemon, tmp_path: Path) -> None:
    daemon.reload(settings(tmp_path, WINUX_LOG__LEVEL="warning", WINUX_LOG__LEVELS="guest=error"))
    levels = {one.component: one.level for one in daemon.log_levels.in_force()}
    assert (levels[Component.DAEMON], levels[Component.GUEST]) == (LogLevel.WARNING, LogLevel.ERROR)
    LogLevels(clock=VirtualClock()).apply()

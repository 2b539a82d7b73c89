"""The parts of a daemon that talks to nobody yet, and what a reload changes in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.daemon.daemon import Daemon
from controller.daemon.settings import Settings, load


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

"""What a reload can change, and what needs a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.daemon.settings import Settings, load, reloadable_changes, reloaded
from controller.daemon.settings_sources import LEAVES

BASE = {
    "WINUX_PROXMOX__URL": "https://pve1:8006",
    "WINUX_PROXMOX__TOKEN_ID": "sessions@pve!controller",
    "WINUX_PROXMOX__TOKEN_SECRET": "old",
}
CHANGED = {
    "controller.id": "other",
    "manifests.path": "/elsewhere",
    "manifests.grace": "6s",
    "manifests.rescan": "31s",
    "manifests.debounce": "1s",
    "proxmox.url": "https://pve2:8006",
    "proxmox.tokenId": "other@pve!controller",
    "proxmox.tokenSecret": "new",
    "proxmox.caFile": "/etc/ca.pem",
    "proxmox.fingerprint": "ab" * 32,
    "proxmox.pool": "other",
    "proxmox.inFlightPerNode": "5",
    "proxmox.tick": "3s",
    "proxmox.taskPoll": "1s",
    "proxmox.timeout": "60s",
    "defaults.archive": "local:vztmpl/other.tar.zst",
    "defaults.storage": "other",
    "defaults.bridge": "vmbr9",
    "defaults.nodes": "pve9",
    "vmids.first": "30002",
    "vmids.last": "30998",
    "vmids.rest": "1m",
    "guards.massDelete.min": "4",
    "guards.massDelete.percent": "21",
    "guards.clockJump": "61s",
    "ledger.url": "sqlite:////other.db",
    "telemetry.listen": "127.0.0.1:1",
    "admin.socket": "/other.sock",
    "log.format": "json",
    "log.level": "debug",
    "workers": "9",
    "drain": "21s",
    "readiness.attempts": "4",
    "guest.sshKeyFile": "/etc/winux/guest-key",
    "guest.language": "fr",
}
RELOADABLE = {
    "defaults.archive", "defaults.bridge", "defaults.nodes", "defaults.storage",
    "guards.clockJump", "guards.massDelete.min", "guards.massDelete.percent", "guest.language",
    "log.level", "manifests.grace", "manifests.rescan",
    "proxmox.inFlightPerNode", "proxmox.tick", "proxmox.tokenSecret",
}  # fmt: skip


@pytest.fixture(scope="module")
def old() -> Settings:
    return load(None, BASE)


def test_nothing_changed(old: Settings) -> None:
    assert reloadable_changes(old, load(None, BASE)) == ((), ())


@pytest.mark.parametrize("key", CHANGED)
def test_each_setting_either_takes_effect_or_needs_a_restart(old: Settings, key: str) -> None:
    new = load(None, BASE | {LEAVES[key].variable: CHANGED[key]})
    assert reloadable_changes(old, new) == (((key,), ()) if key in RELOADABLE else ((), (key,)))


@pytest.mark.parametrize("key", CHANGED)
def test_a_reload_takes_over_that_and_nothing_else(old: Settings, key: str) -> None:
    new = load(None, BASE | {LEAVES[key].variable: CHANGED[key]})
    after = reloaded(old, new)
    assert reloadable_changes(after, new) == ((), () if key in RELOADABLE else (key,))
    assert reloadable_changes(old, after) == ((key,) if key in RELOADABLE else (), ())
    assert reloadable_changes(old, load(None, BASE)) == ((), ()), "the old ones stay as they were"


def test_every_setting_is_in_the_table_above() -> None:
    assert set(LEAVES) - {"proxmox.tokenSecretFile"} == set(CHANGED)


def test_a_new_secret_in_the_same_file_is_a_change(tmp_path: Path) -> None:
    file = tmp_path / "token"
    environ = {name: value for name, value in BASE.items() if "SECRET" not in name}
    environ["WINUX_PROXMOX__TOKEN_SECRET_FILE"] = str(file)
    file.write_text("first")
    old = load(None, environ)
    file.write_text("second")
    assert reloadable_changes(old, load(None, environ)) == (("proxmox.tokenSecret",), ())


def test_the_same_secret_in_another_place_is_none(old: Settings, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("old\n")
    environ = {name: value for name, value in BASE.items() if "SECRET" not in name}
    environ["WINUX_PROXMOX__TOKEN_SECRET_FILE"] = str(tmp_path / "token")
    assert reloadable_changes(old, load(None, environ)) == ((), ())

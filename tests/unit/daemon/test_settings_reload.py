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
    "WINUX_EVENTS__WEBHOOK__URL": "https://hooks.example.org/winux",
    "WINUX_EVENTS__WEBHOOK__SECRET_FILE": "/etc/winux/webhook-secret",
    "WINUX_WEB__TRUSTED_PROXIES": "192.0.2.1",
    "WINUX_WEB__CAPTCHA__URL": "https://captcha.example.org/siteverify",
    "WINUX_WEB__CAPTCHA__SITE_KEY": "site",
    "WINUX_WEB__CAPTCHA__SECRET_FILE": "/etc/winux/captcha",
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
    "events.keep": "30d",
    "events.atMost": "1000",
    "events.file": "/var/log/winux/events.jsonl",
    "events.webhook.url": "https://hooks.example.org/other",
    "events.webhook.secretFile": "/etc/winux/other-secret",
    "events.webhook.types": "Warning",
    "events.webhook.timeout": "5s",
    "events.webhook.caFile": "/etc/winux/ca.pem",
    "events.webhook.allowHttp": "true",
    "telemetry.listen": "127.0.0.1:1",
    "telemetry.sessionInfo": "true",
    "telemetry.traces": "http://127.0.0.1:4318/v1/traces",
    "admin.socket": "/other.sock",
    "log.format": "json",
    "log.level": "debug",
    "log.levels": "proxmox=debug,guest=warning",
    "workers": "9",
    "drain": "21s",
    "readiness.attempts": "4",
    "guest.sshKeyFile": "/etc/winux/guest-key",
    "guest.language": "fr",
    "web.listen": "127.0.0.1:8080",
    "web.mode": "proxy",
    "web.publicUrl": "https://desktops.example.org",
    "web.trustedProxies": "10.0.0.0/8",
    "web.quotas.total": "unlimited",
    "web.quotas.perPerson": "4",
    "web.quotas.perAddress": "11",
    "web.quotas.perTemplate": "xfce=20",
    "web.rate.launches": "5",
    "web.rate.per": "2m",
    "web.maxDuration": "8h",
    "web.templates": "xfce,default",
    "web.wait": "5s",
    "web.keep": "1h",
    "web.tokensFile": "/etc/winux/tokens",
    "web.roles.users": "students",
    "web.roles.operators": "staff",
    "web.roles.admins": "wheel",
    "web.proxy.header": "X-Forwarded-User",
    "web.proxy.rolesHeader": "X-Forwarded-Groups",
    "web.oidc.issuer": "https://login.example.org",
    "web.oidc.clientId": "winux",
    "web.oidc.clientSecretFile": "/etc/winux/oidc-secret",
    "web.oidc.nameClaim": "email",
    "web.oidc.rolesClaim": "roles",
    "web.oidc.scopes": "openid",
    "web.oidc.caFile": "/etc/winux/login-ca.pem",
    "web.oidc.allowHttp": "true",
    "web.captcha.url": "https://captcha.example.org/verify",
    "web.captcha.siteKey": "10000000-ffff",
    "web.captcha.secretFile": "/etc/winux/captcha-secret",
}
RELOADABLE = {
    "defaults.archive", "defaults.bridge", "defaults.nodes", "defaults.storage",
    *(f"events.{name}" for name in ("atMost", "file", "keep")),
    *(f"events.webhook.{name}" for name in ("allowHttp", "caFile", "secretFile", "timeout", "types", "url")),
    "guards.clockJump", "guards.massDelete.min", "guards.massDelete.percent", "guest.language",
    "log.level", "log.levels", "manifests.grace", "manifests.rescan",
    "proxmox.inFlightPerNode", "proxmox.tick", "proxmox.tokenSecret",
    *(f"web.quotas.{name}" for name in ("perAddress", "perPerson", "perTemplate", "total")),
    "web.keep", "web.maxDuration", "web.rate.launches", "web.rate.per", "web.templates", "web.wait",
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
    environ = {name: value for name, value in BASE.items() if "TOKEN_SECRET" not in name}
    environ["WINUX_PROXMOX__TOKEN_SECRET_FILE"] = str(file)
    file.write_text("first")
    old = load(None, environ)
    file.write_text("second")
    assert reloadable_changes(old, load(None, environ)) == (("proxmox.tokenSecret",), ())


def test_the_same_secret_in_another_place_is_none(old: Settings, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("old\n")
    environ = {name: value for name, value in BASE.items() if "TOKEN_SECRET" not in name}
    environ["WINUX_PROXMOX__TOKEN_SECRET_FILE"] = str(tmp_path / "token")
    assert reloadable_changes(old, load(None, environ)) == ((), ())

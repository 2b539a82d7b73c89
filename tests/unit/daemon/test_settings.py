"""What the daemon is told, by whom, and what it says when it cannot use it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from controller.daemon.settings import Settings, SettingsError, load
from controller.daemon.settings_sources import LEAVES
from controller.telemetry.loglevels import Component, LogLevel
from controller.telemetry.logs import LogFormat

SECRET = "0d1c9b1e-9e33-4c1e-9d0a-5c1f3f6c2a11"
ENOUGH = {
    "WINUX_PROXMOX__URL": "https://pve1:8006",
    "WINUX_PROXMOX__TOKEN_ID": "sessions@pve!controller",
    "WINUX_PROXMOX__TOKEN_SECRET": SECRET,
}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, *, mode: int = 0o600) -> Path:
        file = tmp_path / "winux.yaml"
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        return file

    return write


def problems(file: Path | None, environ: Mapping[str, str] = ENOUGH) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(file, environ)
    return [re.sub(rf"^{file}:", "winux.yaml:", problem) for problem in caught.value.problems]


def test_with_the_bare_minimum_everything_else_has_its_default() -> None:
    settings = load(None, ENOUGH)
    assert settings.controller.id == "default"
    assert settings.manifests.path == Path.cwd() / "manifests"
    assert (settings.manifests.grace, settings.manifests.rescan, settings.manifests.debounce) == (5, 30, 0.2)
    assert settings.proxmox.url == "https://pve1:8006"
    assert settings.proxmox.pool == "winux"
    assert (settings.proxmox.in_flight_per_node, settings.proxmox.tick) == (4, 2)
    assert (settings.proxmox.task_poll, settings.proxmox.timeout) == (0.15, 35)
    assert (settings.proxmox.ca_file, settings.proxmox.fingerprint) == (None, None)
    assert (settings.defaults.archive, settings.defaults.storage) == (None, None)
    assert (settings.defaults.bridge, settings.defaults.nodes) == ("vmbr0", ())
    assert (settings.vmids.first, settings.vmids.last, settings.vmids.rest) == (30001, 30999, 600)
    assert (settings.guards.mass_delete.min, settings.guards.mass_delete.percent) == (3, 20)
    assert settings.guards.clock_jump == 60
    assert settings.ledger.url == "sqlite:////var/lib/winux/ledger.db"
    assert settings.telemetry.listen == "127.0.0.1:9464"
    assert settings.admin.socket == Path("/run/winux/admin.sock")
    assert (settings.log.format, settings.log.level) == (LogFormat.AUTO, LogLevel.INFO)
    assert (settings.workers, settings.drain, settings.readiness.attempts) == (8, 20, 3)
    assert settings.secret().get_secret_value() == SECRET
    assert settings.notes == ()


FULL = f"""
controller: {{id: lab}}
manifests: {{path: /srv/manifests, grace: 10s, rescan: 1m, debounce: 50ms}}
proxmox:
  url: https://pve1.example:8006/
  tokenId: sessions@pve!controller
  tokenSecret: {SECRET}
  fingerprint: {"ab" * 32}
  pool: lab
  inFlightPerNode: 3
  tick: 500ms
  taskPoll: 100ms
  timeout: 40s
defaults: {{archive: "local:vztmpl/winux.tar.zst", storage: local-lvm, bridge: vmbr1, nodes: [pve1, pve2]}}
vmids: {{first: 500, last: 599, rest: 0s}}
guards: {{massDelete: {{min: 5, percent: 10}}, clockJump: 2m}}
ledger: {{url: "postgresql://winux:hunter2@db/winux"}}
events:
  keep: 30d
  atMost: 1000
  file: events.jsonl
  webhook:
    url: http://10.0.0.5/winux
    secretFile: hook
    types: [Warning]
    timeout: 5s
    caFile: hooks.pem
    allowHttp: true
telemetry: {{listen: "[::1]:9000", sessionInfo: true, traces: "http://10.0.0.5:4318/v1/traces"}}
admin: {{socket: admin.sock}}
log: {{format: json, level: DEBUG, levels: {{proxmox: WARNING, guest: error}}}}
workers: 4
drain: 5s
readiness: {{attempts: 2}}
guest: {{sshKeyFile: guest-key, language: FR}}
web:
  listen: 127.0.0.1:8080
  mode: OIDC
  publicUrl: https://desktops.example.org/
  trustedProxies: [127.0.0.1, "2001:db8::/32"]
  quotas: {{total: 20, perPerson: 1, perAddress: unlimited, perTemplate: {{xfce: 5}}}}
  rate: {{launches: 3, per: 10s}}
  maxDuration: 8h
  templates: [xfce, default]
  wait: 10s
  keep: 1h
  tokensFile: tokens
  roles: {{users: [students], operators: [staff], admins: [wheel]}}
  proxy: {{header: X-User, rolesHeader: X-Groups}}
  oidc:
    issuer: https://login.example.org/realms/main/
    clientId: winux
    clientSecretFile: oidc-secret
    nameClaim: email
    rolesClaim: roles
    scopes: [openid]
    caFile: login-ca.pem
    allowHttp: false
  captcha:
    url: https://captcha.example.org/siteverify
    siteKey: site
    secretFile: captcha-secret
"""


def test_everything_can_be_said_in_the_file(write: Write, tmp_path: Path) -> None:
    settings = load(write(FULL), {})
    assert settings.model_dump(mode="json", exclude={"ledger", "web"}, by_alias=True) == {
        "controller": {"id": "lab"},
        "manifests": {"path": "/srv/manifests", "grace": 10, "rescan": 60, "debounce": 0.05},
        "proxmox": {
            "url": "https://pve1.example:8006",
            "tokenId": "sessions@pve!controller",
            "tokenSecret": "**********",
            "tokenSecretFile": None,
            "caFile": None,
            "fingerprint": ":".join(["AB"] * 32),
            "pool": "lab",
            "inFlightPerNode": 3,
            "tick": 0.5,
            "taskPoll": 0.1,
            "timeout": 40,
        },
        "defaults": {
            "archive": "local:vztmpl/winux.tar.zst",
            "storage": "local-lvm",
            "bridge": "vmbr1",
            "nodes": ["pve1", "pve2"],
        },
        "vmids": {"first": 500, "last": 599, "rest": 0},
        "guards": {"massDelete": {"min": 5, "percent": 10}, "clockJump": 120},
        "events": {
            "keep": 2_592_000,
            "atMost": 1000,
            "file": str(tmp_path / "events.jsonl"),
            "webhook": {
                "url": "http://10.0.0.5/winux",
                "secretFile": str(tmp_path / "hook"),
                "types": ["Warning"],
                "timeout": 5,
                "caFile": str(tmp_path / "hooks.pem"),
                "allowHttp": True,
            },
        },
        "telemetry": {
            "listen": "[::1]:9000",
            "sessionInfo": True,
            "traces": "http://10.0.0.5:4318/v1/traces",
        },
        "admin": {"socket": str(tmp_path / "admin.sock")},
        "log": {"format": "json", "level": "debug", "levels": {"proxmox": "warning", "guest": "error"}},
        "workers": 4,
        "drain": 5,
        "readiness": {"attempts": 2},
        "guest": {"sshKeyFile": str(tmp_path / "guest-key"), "language": "fr"},
    }
    assert settings.web.model_dump(mode="json", by_alias=True) == {
        "listen": "127.0.0.1:8080",
        "mode": "oidc",
        "publicUrl": "https://desktops.example.org",
        "trustedProxies": ["127.0.0.1/32", "2001:db8::/32"],
        "quotas": {"total": 20, "perPerson": 1, "perAddress": None, "perTemplate": {"xfce": 5}},
        "rate": {"launches": 3, "per": 10},
        "maxDuration": 8 * 3600,
        "templates": ["xfce", "default"],
        "wait": 10,
        "keep": 3600,
        "tokensFile": str(tmp_path / "tokens"),
        "roles": {"users": ["students"], "operators": ["staff"], "admins": ["wheel"]},
        "proxy": {"header": "X-User", "rolesHeader": "X-Groups"},
        "oidc": {
            "issuer": "https://login.example.org/realms/main",
            "clientId": "winux",
            "clientSecretFile": str(tmp_path / "oidc-secret"),
            "nameClaim": "email",
            "rolesClaim": "roles",
            "scopes": ["openid"],
            "caFile": str(tmp_path / "login-ca.pem"),
            "allowHttp": False,
        },
        "captcha": {
            "url": "https://captcha.example.org/siteverify",
            "siteKey": "site",
            "secretFile": str(tmp_path / "captcha-secret"),
        },
    }
    assert settings.ledger.url == "postgresql://winux:hunter2@db/winux"
    assert settings.secret().get_secret_value() == SECRET


def test_the_example_above_leaves_nothing_out() -> None:
    said = {name for name in LEAVES if name.rpartition(".")[2] + ":" in FULL}
    # Nor proxmox.caFile, in whose place the fingerprint is: it is known by another one's last name.
    assert set(LEAVES) - said == {"proxmox.tokenSecretFile"}


def test_a_variable_beats_the_file_field_by_field(write: Write) -> None:
    file = write("workers: 2\nguards: {massDelete: {min: 7, percent: 50}}\ndefaults: {nodes: [pve1]}\n")
    environ = ENOUGH | {
        "WINUX_WORKERS": "16",
        "WINUX_GUARDS__MASS_DELETE__PERCENT": "5",
        "WINUX_DEFAULTS__NODES": "pve2, pve3",
        "WINUX_PROXMOX__TASK_POLL": "1s",
    }
    settings = load(file, environ)
    assert settings.workers == 16
    assert (settings.guards.mass_delete.min, settings.guards.mass_delete.percent) == (7, 5)
    assert settings.defaults.nodes == ("pve2", "pve3")
    assert settings.proxmox.task_poll == 1


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load(None, ENOUGH | {"WINUX_WORKERS": "", "WINUX_PROXMOX__FINGERPRINT": ""}).workers == 8


def test_relative_paths_are_relative_to_the_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    file = write(
        "manifests: {path: desktops}\nledger: {url: 'sqlite:///state/ledger.db'}\n"
        "proxmox: {url: 'https://pve1', tokenId: a@pve!bc, tokenSecretFile: token, caFile: ca/root.pem}\n"
    )
    settings = load(file, {})
    assert settings.manifests.path == tmp_path / "desktops"
    assert settings.ledger.url == f"sqlite:///{tmp_path}/state/ledger.db"
    assert settings.proxmox.token_secret_file == tmp_path / "token"
    assert settings.proxmox.ca_file == tmp_path / "ca/root.pem"
    assert settings.secret().get_secret_value() == SECRET


@pytest.mark.parametrize(
    "url", ["sqlite:////srv/ledger.db", "sqlite:///:memory:", "sqlite://", "postgresql://db/winux"]
)
def test_a_ledger_url_that_is_not_a_relative_file_stays(url: str) -> None:
    assert load(None, ENOUGH | {"WINUX_LEDGER__URL": url}).ledger.url == url


MISTAKES: list[tuple[str, str]] = [
    ("workers: 0", "winux.yaml:1:10: workers: 0 is not allowed; write a whole number from 1 to 64"),
    ("workers: true", "winux.yaml:1:10: workers: true is not allowed; write a whole number from 1 to 64"),
    ("workers: 2.5", "winux.yaml:1:10: workers: 2.5 is not allowed; write a whole number from 1 to 64"),
    (
        "proxmox:\n  inFlightPerNode: 40",
        "winux.yaml:2:20: proxmox.inFlightPerNode: 40 is not allowed; write a whole number from 1 to 16",
    ),
    ("drain: 20", 'winux.yaml:1:8: drain: 20 is a number; write a duration with units such as "20s" or "1h30m"'),
    (
        "manifests: {grace: 1:30}",
        'winux.yaml:1:20: manifests.grace: 1:30 is the number 90 in YAML; write a duration such as "1m30s" or "1h30m"',
    ),
    (
        "proxmox: {tick: 1h}",
        "winux.yaml:1:17: proxmox.tick: 3600 seconds are not allowed; write a duration from 10ms to 5m",
    ),
    (
        "proxmox: {tokenSecrt: x}",
        "winux.yaml:1:23: proxmox.tokenSecrt: not a setting; did you mean proxmox.tokenSecret?",
    ),
    ("proxmox: {token_id: x}", "winux.yaml:1:21: proxmox.token_id: not a setting; did you mean proxmox.tokenId?"),
    ("loglevel: x", "winux.yaml:1:11: loglevel: not a setting; did you mean log.level?"),
    ("level: x", "winux.yaml:1:8: level: not a setting; did you mean log.level?"),
    ("url: x", "winux.yaml:1:6: url: not a setting; did you mean proxmox.url?"),
    ("log: {wombat: 1}", "winux.yaml:1:15: log.wombat: not a setting; allowed here: format, level"),
    ("log: json", 'winux.yaml:1:6: log: found "json"; it is a mapping of format, level'),
    ("log: {format: xml}", 'winux.yaml:1:15: log.format: "xml" is not allowed; write one of json, console, auto'),
    ("workers: 1\nworkers: 2", "winux.yaml:2:1: workers: is given twice, first in line 1; remove one of them"),
    ("workers:", "winux.yaml:1:1: workers: has no value; write one or remove the line"),
    ("- workers", "winux.yaml:1:1: found a list; settings are a mapping such as workers: 8"),
    ("workers: 1\n---\nworkers: 2", "winux.yaml:2:1: a second document begins here; settings are one document"),
    ("controller: {id: Lab}", 'winux.yaml:1:18: controller.id: "Lab" is not a name'),
    ("controller: {id: 7}", "winux.yaml:1:18: controller.id: found 7, which is no text; put it in quotes"),
    ("defaults: {nodes: {a: b}}", "winux.yaml:1:12: defaults.nodes: a mapping is not a list of node names"),
    (
        "defaults: {nodes: [pve1, 'pve 2']}",
        'winux.yaml:1:12: defaults.nodes: "pve 2" is not the name of a Proxmox node',
    ),
    ("defaults: {archive: winux.tar}", 'winux.yaml:1:21: defaults.archive: "winux.tar" is not an archive volume'),
    (
        "vmids: {first: 9000, last: 8000}",
        "winux.yaml: vmids: first (9000) is above last (8000); write the lower one first",
    ),
    ("telemetry: {listen: '9464'}", 'winux.yaml:1:21: telemetry.listen: found "9464"; allowed is ADDRESS:PORT'),
    ("manifests: {path: ''}", 'winux.yaml:1:19: manifests.path: "" is not a path'),
    ("proxmox: {tokenId: root@pam}", 'winux.yaml:1:20: proxmox.tokenId: "root@pam" is not the id of an API token'),
    ("proxmox: {fingerprint: abc}", 'winux.yaml:1:24: proxmox.fingerprint: "abc" is not a SHA-256 fingerprint'),
    (
        "proxmox: {url: 'http://pve1'}",
        "winux.yaml:1:16: proxmox.url: not a URL that Proxmox has; write https://HOST:8006",
    ),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=[text for text, _ in MISTAKES])
def test_a_mistake_in_the_file_is_one_sentence_with_its_place(write: Write, text: str, expected: str) -> None:
    nothing_overrides = {name: value for name, value in ENOUGH.items() if "tokenId" not in text and "url" not in text}
    found = [one for one in problems(write(text), nothing_overrides) if "missing" not in one]
    assert len(found) == 1
    assert found[0].startswith(expected)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("WINUX_WORKERS", "many", 'WINUX_WORKERS: "many" is not allowed; write a whole number from 1 to 64'),
        ("WINUX_DRAIN", "20", 'WINUX_DRAIN: "20" has no unit; write a duration such as "90s" or "1h30m"'),
        ("WINUX_PROXMOX__UR", "x", "WINUX_PROXMOX__UR is not a setting; did you mean WINUX_PROXMOX__URL?"),
        ("WINUX_PROXMOX_URL", "x", "WINUX_PROXMOX_URL is not a setting; did you mean WINUX_PROXMOX__URL?"),
        ("WINUX_WORKER", "3", "WINUX_WORKER is not a setting; did you mean WINUX_WORKERS?"),
        ("WINUX_QQ__ZZZZZZZZ", "3", "WINUX_QQ__ZZZZZZZZ is not a setting; remove it"),
        ("WINUX_PROXMOX__URL", "https://pve1:port", "WINUX_PROXMOX__URL: not a URL that Proxmox has"),
        ("WINUX_PROXMOX__URL", "https://pve1/api2", "WINUX_PROXMOX__URL: not a URL that Proxmox has"),
    ],
)
def test_a_mistake_in_a_variable_names_the_variable(variable: str, value: str, expected: str) -> None:
    (found,) = problems(None, ENOUGH | {variable: value})
    assert found.startswith(expected)


@pytest.mark.parametrize(
    "variable",
    ["WINUX_FAILPOINT", "WINUX_CONFIG", "WINUX_SERVICE_HOST", "WINUX_PORT", "WINUX_ADMIN_PORT_9464_TCP_ADDR", "HOME"],
)
def test_variables_of_others_do_not_matter(variable: str) -> None:
    assert load(None, ENOUGH | {variable: "tcp://10.0.0.1:80"}).workers == 8


def test_all_mistakes_are_told_at_once(write: Write) -> None:
    assert problems(write("workers: 0\nlog: {level: loud}\n"), {"WINUX_DRAIN": "20"}) == [
        "the API token's secret is missing; set WINUX_PROXMOX__TOKEN_SECRET, or proxmox.tokenSecretFile in the file",
        "winux.yaml: proxmox.url is missing; set it in the configuration file or as WINUX_PROXMOX__URL",
        "winux.yaml: proxmox.tokenId is missing; set it in the configuration file or as WINUX_PROXMOX__TOKEN_ID",
        'winux.yaml:2:14: log.level: "loud" is not allowed; write one of debug, info, warning, error',
        "winux.yaml:1:10: workers: 0 is not allowed; write a whole number from 1 to 64",
        'WINUX_DRAIN: "20" has no unit; write a duration such as "90s" or "1h30m"',
    ]


def test_a_file_that_cannot_be_read_is_the_one_complaint(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.yaml", {}) == [f"cannot read {tmp_path}/none.yaml: no such file or directory"]


@pytest.mark.parametrize("text", ["proxmox: {url: ]}", "\tproxmox: 1", "a\x00b"])
def test_a_file_that_is_no_yaml_is_the_one_complaint(write: Write, text: str) -> None:
    (found,) = problems(write(text), {})
    assert found.startswith("winux.yaml:1:")


def test_an_empty_file_says_nothing(write: Write) -> None:
    assert load(write("# nothing yet\n"), ENOUGH).workers == 8


def test_settings_are_frozen() -> None:
    settings: Settings = load(None, ENOUGH)
    with pytest.raises(ValueError, match="frozen"):
        settings.__setattr__("workers", 3)


def test_levels_of_components_can_stand_in_a_variable() -> None:
    settings = load(None, ENOUGH | {"WINUX_LOG__LEVELS": "proxmox=debug, guest=Error"})
    assert settings.log.levels == {Component.PROXMOX: LogLevel.DEBUG, Component.GUEST: LogLevel.ERROR}


@pytest.mark.parametrize(
    ("levels", "sentence"),
    [
        ("{proxmx: debug}", '"proxmx" is not a component; write one of daemon, reconcile, proxmox, '),
        ("{proxmox: loud}", '"loud" is not a level of proxmox; write one of debug, info, warning, error'),
        ("{proxmox: 3}", "3 is not a level of proxmox; write one of debug, info, warning, error"),
        ("[proxmox]", "is not a mapping of components to levels, such as {proxmox: debug}"),
    ],
)
def test_a_wrong_level_of_a_component_is_one_sentence(write: Write, levels: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(f"log: {{levels: {levels}}}\n"), ENOUGH)
    (problem,) = caught.value.problems
    assert ": log.levels: " in problem
    assert sentence in problem

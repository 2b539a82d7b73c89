"""No secret reaches logs, events, metrics, descriptions, lists, command lines: all of a run is searched for them."""

from __future__ import annotations

import base64
import sqlite3
import stat
from pathlib import Path
from urllib.parse import quote

from tests.e2e.conftest import MakeSite
from tests.e2e.daemon import Daemon
from tests.e2e.site import Site
from tests.e2e.waiting import until

EVERYTHING_AT_DEBUG = {"reconcile", "proxmox", "manifests", "guest", "ledger", "libraries"}


def test_no_secret_is_to_be_found_in_anything_that_a_run_leaves_or_shows(make_site: MakeSite) -> None:
    settings = {
        "proxmox": {"tick": "500ms", "timeout": "4s"},
        "log": {"level": "debug", "levels": {"libraries": "debug"}},
    }
    site = make_site(settings=settings)
    daemon = site.daemon().in_sync()
    found: dict[str, str] = {}
    secrets = live_with_everything_that_goes_wrong(site, daemon, found)
    collect(site, daemon, found)
    assert daemon.stop() == 0
    found |= {f"the output of {process.name}": process.output() for process in site.processes if process.name != "node"}
    found["the node's log"] = site.node.process.err.read_text(encoding="utf-8")

    assert {line["component"] for line in daemon.log() if line["level"] == "debug"} >= EVERYTHING_AT_DEBUG
    assert len(secrets) >= 4, "there was something to look for"
    assert len(found) > 20, "and somewhere to look"
    leaks = [(where, what) for where, text in found.items() for what, secret in secrets.items() if secret in text]
    assert leaks == []


def live_with_everything_that_goes_wrong(site: Site, daemon: Daemon, found: dict[str, str]) -> dict[str, str]:
    """Returns all that is secret, in every spelling; what is seen on the way goes to ``found``."""
    site.manifests.session("alice", owner="alice@example.org", ttl="1h")
    site.manifests.session("bob", ttl="2s")
    daemon.wait_ready("alice")
    site.admin.fault("error", operation="create", status=500, text="unable to create CT - out of luck", count=1)
    site.admin.fault("timeout-done", operation="update", count=1)
    site.manifests.session("carol", ttl="1h")
    site.manifests.session("dave", template="cloned", ttl="1h")
    found["command lines at work"] = command_lines(daemon)
    daemon.wait_ready("carol", "dave")
    passwords = ledger_passwords(site)
    assert {"alice", "carol"} <= passwords.keys(), "a clone has the logins of its template"
    secret = str(site.node.description["pool_token"]).partition("=")[2]
    site.admin.door("POST", "users/winux@pve", enabled=False)
    found["notice of a disabled token"] = daemon.wait_notice("NotObserved")
    site.admin.door("POST", "users/winux@pve", enabled=True)
    daemon.wait_no_notices()
    daemon.wait_for("bob", "Expired")
    return spellings({f"the password of {name}": password for name, password in passwords.items()}, secret)


def spellings(passwords: dict[str, str], token: str) -> dict[str, str]:
    plain = passwords | {"the token's secret": token}
    return (
        plain
        | {f"{name}, quoted": quote(value, safe="") for name, value in plain.items()}
        | {f"{name}, in base64": base64.b64encode(value.encode()).decode().rstrip("=") for name, value in plain.items()}
    )


def collect(site: Site, daemon: Daemon, found: dict[str, str]) -> None:
    """Everything that is shown to people and programs, but the one answer that is asked for a password."""
    found["command lines"] = command_lines(daemon)
    for page in ("/metrics", "/healthz", "/readyz"):
        found[page] = daemon.page(page)[1]
    admin = daemon.admin
    found["events"] = "\n".join(event.model_dump_json() for event in admin.events(limit=10_000))
    found["sessions"] = "\n".join(session.model_dump_json() for session in admin.sessions())
    found["status"], found["plan"] = admin.status().model_dump_json(), admin.plan().model_dump_json()
    found["templates"] = "\n".join(template.model_dump_json() for template in admin.templates())
    found["containers"] = "\n".join(container.model_dump_json() for container in admin.containers())
    for command in ("get sessions -o wide", "get containers -o yaml", "describe carol", "events", "plan", "check"):
        done = daemon.cli(*command.split())
        found[f"winux {command}"] = done.stdout + done.stderr
    node, pve = site.admin.node, site.admin
    for path in ("/cluster/resources", f"/nodes/{node}/lxc", f"/nodes/{node}/tasks?source=all&limit=1000", "/pools"):
        found[path] = pve.raw(path)
    for vmid in site.foreigners.beside():
        found[f"the configuration of {vmid}"] = pve.raw(f"/nodes/{node}/lxc/{vmid}/config")
    for task in pve.tasks("vzcreate", "vzclone", "vzstart", "vzdestroy"):
        found[f"the log of {task['upid']}"] = pve.raw(f"/nodes/{node}/tasks/{quote(str(task['upid']))}/log")


def command_lines(daemon: Daemon) -> str:
    """What ``ps`` shows of the daemon's process and of every other one here."""
    assert Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes()
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue  # it ended this instant
    return "\n".join(lines)


def ledger_passwords(site: Site) -> dict[str, str]:
    with sqlite3.connect(f"file:{site.directory / 'ledger.db'}?mode=ro", uri=True) as database:
        return dict(database.execute("select session, password from credentials").fetchall())


def test_the_files_that_hold_secrets_are_for_their_owner_only(site: Site) -> None:
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    daemon.wait_ready("alice")
    open_files = {
        file.name: stat.filemode(file.stat().st_mode)
        for file in site.directory.glob("*")
        if file.name.startswith("ledger.db") or file.suffix == ".sock"
        if stat.S_IMODE(file.stat().st_mode) & 0o077
    }
    assert open_files == {}
    assert (site.directory / "ledger.db").exists()
    assert daemon.socket.is_socket()


def test_the_password_of_an_ended_session_is_gone_from_the_ledger(site: Site) -> None:
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    daemon.wait_ready("alice")
    password = ledger_passwords(site)["alice"]
    assert daemon.admin.credential("alice").password == password
    site.manifests.session("alice", ttl="1s")
    daemon.wait_for("alice", "Expired")
    until(lambda: ledger_passwords(site) == {}, what="the credentials are removed")

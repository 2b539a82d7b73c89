"""Logs of the running daemon: lines of one pass find each other, and levels change while it runs."""

from __future__ import annotations

import signal

from tests.e2e.site import Site
from tests.e2e.waiting import until

CALL = ("session", "reconcile", "trace_id", "node", "vmid")


def test_every_line_of_a_pass_carries_its_session_its_number_and_its_life(site: Site) -> None:
    daemon = site.daemon(settings={"log": {"levels": {"proxmox": "debug", "guest": "debug", "reconcile": "debug"}}})
    daemon.in_sync()
    site.manifests.session("alice", ttl="1h")
    session = daemon.wait_ready("alice")["alice"]

    # A VMID may turn out to be that of a container which the controller cannot see: it then asks once more.
    create = [line for line in daemon.log("called") if line["operation"] == "create"][-1]
    assert create["component"] == "proxmox"
    assert (create["session"], create["trace_id"]) == ("alice", session.uid)
    assert (create["node"], create["vmid"], create["outcome"]) == (session.node, session.vmid, "ok")
    (passed,) = until(
        lambda: [line for line in daemon.log("reconcile.passed") if line["reconcile"] == create["reconcile"]],
        what="the end of the pass is told",
    )
    assert passed["session"] == "alice"
    probes = daemon.log("probed")
    assert probes, "asked in another thread"
    assert {(line["session"], line["trace_id"]) for line in probes} == {("alice", session.uid)}
    events = [line for line in daemon.log("event") if line.get("session") == "alice"]
    assert events
    assert {(line["component"], line["trace_id"]) for line in events} == {("events", session.uid)}

    looks = [line for line in daemon.log("called") if line["operation"] == "resources"]
    assert looks
    assert not any(line.get(key) for line in looks for key in CALL), "a look at everything belongs to no session"
    assert daemon.stop() == 0


def test_a_level_can_be_ordered_while_it_runs_and_goes_back_by_itself(site: Site) -> None:
    daemon = site.daemon().in_sync()
    assert daemon.log("called") == []
    said = daemon.cli("log", "proxmox", "debug", "--for", "1h")
    assert (said.returncode, said.stdout) == (0, "proxmox is heard from debug on for 1h\n")
    until(lambda: daemon.log("called"), what="calls are heard")
    assert daemon.log("log.level-ordered")[-1]["by"]
    assert daemon.log("log.level-over") == []
    assert daemon.cli("log", "proxmox", "debug", "--for", "1s").returncode == 0
    until(lambda: daemon.log("log.level-over"), what="the order is over")
    over = daemon.log("log.level-over")[-1]
    assert (over["of"], over["level"]) == ("proxmox", "info")
    assert "the settings say so" in daemon.cli("log", "proxmox").stdout


def test_options_of_the_command_line_stay_in_force_over_a_reload(site: Site) -> None:
    settings = {"log": {"format": "console", "level": "error"}}
    daemon = site.daemon(settings=settings, options=["--log-format", "json", "--log-level", "info"]).in_sync()
    site.configure(settings=settings | {"log": {"format": "console", "level": "error", "levels": {"guest": "debug"}}})
    daemon.process.signal(signal.SIGHUP)
    until(lambda: daemon.log("settings.reloaded"), what="the reload is heard, in JSON, at info")
    assert daemon.log("settings.reloaded")[-1]["fields"] == ["log.levels"]
    levels = {one.component: one.level for one in daemon.admin.log_levels()}
    assert (levels["daemon"], levels["guest"]) == ("info", "debug")

"""Files that a running daemon relies on are removed: it notices, does nothing that it could not record, and says so."""

from __future__ import annotations

import json

from tests.e2e.site import Site
from tests.e2e.waiting import until


def test_without_its_ledger_nothing_is_changed_and_a_restart_takes_up_what_is_there(site: Site) -> None:
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    daemon.wait_ready("alice")
    before = {operation: len(site.admin.writes(operation)) for operation in ("create", "delete")}
    for file in site.directory.glob("*.db*"):
        file.unlink()
    sentence = daemon.wait_notice("LedgerFailing")
    assert "ledger.db is gone: put that one back, or restart the daemon" in sentence
    assert daemon.ready()[0] == 503
    site.manifests.session("bob", ttl="1h")
    site.manifests.remove("alice")
    daemon.wait_scans(3)
    daemon.wait_ticks(3)
    said = daemon.cli("extend", "alice", "10m")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("error: the ledger cannot be written (")
    assert "Traceback" not in said.stderr
    assert {operation: len(site.admin.writes(operation)) for operation in before} == before
    assert daemon.stop() == 0

    daemon = site.daemon().in_sync()
    daemon.wait_ready("bob")
    until(lambda: sorted(site.admin.of()) == ["bob"], what="alice's container is taken up and destroyed")
    daemon.wait_no_notices()


def test_an_admin_socket_that_was_removed_is_bound_again(site: Site) -> None:
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    daemon.wait_ready("alice")
    daemon.socket.unlink()
    until(lambda: daemon.cli("get", "-o", "json").returncode == 0, what="the daemon answers again")
    assert [one["name"] for one in json.loads(daemon.cli("get", "-o", "json").stdout)["items"]] == ["alice"]
    assert len(daemon.log("socket.restored")) == 1

    in_its_way = site.directory / "no-socket"
    in_its_way.touch()
    in_its_way.rename(daemon.socket)  # at once: a socket that is only removed is there again before anything else
    until(lambda: daemon.log("socket.not-restored"), what="it says why not")
    assert "a file that is no socket; remove it" in str(daemon.log("socket.not-restored")[0]["error"])
    daemon.socket.unlink()
    until(lambda: daemon.cli("get").returncode == 0, what="the daemon answers again")
    assert len(daemon.log("socket.not-restored")) == 1
    assert daemon.stop() == 0

"""Every alert seen firing on a real Prometheus because its cause happened, and resolving when that was undone.

The causes happen to the node, to the files, to the process: no metric is fed by hand. The rules are those of
``deploy/prometheus``, with the durations and thresholds of ``watched``.
"""

from __future__ import annotations

import base64
import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.e2e.conftest import MakeSite
from tests.e2e.foreign import marker
from tests.e2e.manifests import session_text
from tests.e2e.node import Node
from tests.e2e.prometheus import need_prometheus, own_address
from tests.e2e.rules import load_rules, quickened, rule_queries
from tests.e2e.waiting import CLOCK, until
from tests.e2e.watched import SHORTEST, SHOWN, SOONER, MakeWatch, shows

QUICK = {"grace": "1s", "rescan": "1s"}


@pytest.fixture
def watch(make_site: MakeSite) -> Iterator[MakeWatch]:
    need_prometheus()
    make = MakeWatch(make_site)
    try:
        yield make
    finally:
        make.end()


def test_every_alert_has_a_cause() -> None:
    """An alert that nobody saw firing may as well not be there."""
    rules = rule_queries().keys()
    assert {name for name in rules if ":" not in name} == frozenset().union(*SHOWN.values())
    assert rules >= SOONER.keys()


# -- the controller --------------------------------------------------------------------------------------------


@shows("WinuxDown", "WinuxNotReady", "WinuxPaused", "WinuxLedgerFailing", "WinuxPanics")
def test_the_controller_itself(watch: MakeWatch) -> None:
    watched = watch(profile="instant")
    site, daemon = watched.site, watched.daemon()

    daemon.admin.pause(None)
    watched.fires("WinuxPaused", "WinuxNotReady")
    daemon.admin.resume(None)
    watched.resolves("WinuxPaused", "WinuxNotReady")

    with meddled_with(site.directory / "ledger.db"):
        site.manifests.session("alice", ttl="1h")
        watched.fires("WinuxPanics")
    daemon.wait_ready("alice")
    watched.resolves("WinuxPanics")

    with elsewhere(*(site.directory / f"ledger.db{end}" for end in ("", "-wal", "-shm"))):
        watched.fires("WinuxLedgerFailing")
    watched.resolves("WinuxLedgerFailing")

    daemon.kill()
    watched.fires("WinuxDown")
    watched.daemon().wait_ready("alice")
    watched.resolves("WinuxDown")


@contextmanager
def meddled_with(ledger: Path) -> Iterator[None]:
    """Somebody put a trigger into its tables: a refusal that no code of the controller's reckons with."""
    with closing(sqlite3.connect(ledger, timeout=60)) as database:
        database.execute(
            "CREATE TRIGGER meddling BEFORE INSERT ON events WHEN NEW.session = 'alice' "
            "BEGIN SELECT RAISE(ABORT, 'no events of alice'); END"
        )
        yield
        database.execute("DROP TRIGGER meddling")


@contextmanager
def elsewhere(*paths: Path) -> Iterator[None]:
    """They are moved away, and put back."""
    with TemporaryDirectory(dir=paths[0].parent) as place:
        moved = [path.rename(Path(place) / path.name) for path in paths]
        yield
        for path, now in zip(paths, moved, strict=True):
            now.rename(path)


# -- the manifests ---------------------------------------------------------------------------------------------


@shows("WinuxManifestsBroken", "WinuxManifestsStale", "WinuxWatcherDead", "WinuxGuardEngaged")
def test_the_directory_of_manifests(watch: MakeWatch) -> None:
    watched = watch(profile="instant", settings={"manifests": QUICK})
    site = watched.site
    # The way to the directory may be walked and not be read: whether it comes to lead elsewhere cannot be watched.
    site.directory.chmod(0o311)
    daemon = watched.daemon(mortal=True)
    names = [f"s{number}" for number in range(5)]
    # In one file, so that they go at once and no scan finds a part of them missing.
    class_ = "---\n".join(session_text(name, ttl="1h") for name in names[:4])
    site.manifests.text("class.yaml", class_)
    site.manifests.session(names[4], ttl="1h")
    before = daemon.wait_ready(*names)
    watched.fires("WinuxWatcherDead")
    site.directory.chmod(0o700)
    watched.resolves("WinuxWatcherDead")

    site.manifests.text("broken.yaml", "kind: Sess")
    site.manifests.remove("class")
    fired = watched.fires("WinuxManifestsBroken", "WinuxGuardEngaged")
    assert fired["WinuxGuardEngaged"].labels["guard"] == "MassDelete"
    site.manifests.remove("broken")
    site.manifests.text("class.yaml", class_)
    watched.resolves("WinuxManifestsBroken", "WinuxGuardEngaged")

    with elsewhere(site.manifests.path):
        watched.fires("WinuxManifestsStale")
    watched.resolves("WinuxManifestsStale")
    after = daemon.wait_ready(*names)
    assert {name: session.uid for name, session in after.items()} == {
        name: session.uid for name, session in before.items()
    }


# -- Proxmox ---------------------------------------------------------------------------------------------------


@shows("WinuxQuorumLost", "WinuxNodeDown", "WinuxObservationStale", "WinuxThreadStuck")
def test_the_cluster(watch: MakeWatch) -> None:
    watched = watch(profile="instant", nodes=3, settings={"manifests": QUICK, "proxmox": {"tick": "500ms"}})
    site = watched.site
    site.admin.door("POST", "nodes/pve3", online=False)
    daemon = watched.daemon(settings={"proxmox": {"timeout": "1s"}})
    watched.fires("WinuxNodeDown")

    site.manifests.session("alice", ttl="1h")
    daemon.wait_ready("alice")
    site.admin.door("POST", "quorum", quorate=False)
    site.manifests.remove("alice")
    watched.fires("WinuxQuorumLost")
    site.admin.door("POST", "quorum", quorate=True)
    daemon.wait_gone("alice")
    watched.resolves("WinuxQuorumLost")

    with site.node.frozen():
        watched.fires("WinuxObservationStale")
    watched.resolves("WinuxObservationStale")
    watched.fires("WinuxNodeDown")

    # What changes slowly is looked at when the controller starts, too.
    site.admin.door("POST", "nodes/pve3", online=True)
    # With a timeout of minutes a call to a node that hangs keeps its thread as long as the test wants.
    assert daemon.stop() == 0
    watched.daemon(settings={"proxmox": {"timeout": "10m"}})
    watched.resolves("WinuxNodeDown")
    with site.node.frozen():
        stuck = watched.fires("WinuxThreadStuck")["WinuxThreadStuck"]
    assert stuck.labels["thread"] in {"observe", "outlook"}, "those that ask Proxmox now and then"
    watched.resolves("WinuxThreadStuck")


@shows("WinuxTokenExpires", "WinuxCertificateExpires")
def test_what_expires_at_proxmox(watch: MakeWatch) -> None:
    """Both are looked at when the controller starts, and then every hour."""
    listen = own_address()
    watched = watch(profile="instant", kept=True, listen=listen, node=["--certificate-days", "5"])
    site = watched.site
    token = "/access/users/winux@pve/token/controller"
    site.admin.call("PUT", token, expire=int(CLOCK.now()) + 10 * DAY)
    daemon = watched.daemon()
    watched.fires("WinuxTokenExpires", "WinuxCertificateExpires")

    site.admin.call("PUT", token, expire=0)
    site.node.process.kill()
    kept = ["--state", str(site.kept_at)]
    site.node = Node(site.directory, profile="instant", listen=listen, more=kept, name="node-2")
    assert daemon.stop() == 0
    watched.daemon()
    watched.resolves("WinuxTokenExpires", "WinuxCertificateExpires")


DAY = 86_400


@shows("WinuxVmidsNearlyUsed", "WinuxAddressesNearlyUsed", "WinuxNoRoom")
def test_what_is_used_up(watch: MakeWatch) -> None:
    settings = {
        "manifests": QUICK,
        "proxmox": {"tick": "500ms"},
        "vmids": {"first": 40001, "last": 40010, "rest": "1s"},
        "guards": {"massDelete": {"min": 100}},
    }
    watched = watch(profile="instant", settings=settings)
    site, daemon = watched.site, watched.daemon()
    net = f"127.{128 + (os.getpid() >> 8 & 63)}.{os.getpid() & 255}"
    site.manifests.text("template-addressed.yaml", ADDRESSED.format(net=net))
    names = [f"s{number}" for number in range(5)], [f"a{number}" for number in range(5)]
    for plain, addressed in zip(*names, strict=True):
        site.manifests.session(plain, ttl="1h")
        site.manifests.session(addressed, ttl="1h", template="addressed")
    daemon.wait_ready(*names[0], *names[1])
    site.manifests.session("late", ttl="1h")
    until(lambda: (late := daemon.session("late")) and late.reason == "NoRoom", what="late finds no room")
    watched.fires("WinuxVmidsNearlyUsed", "WinuxAddressesNearlyUsed", "WinuxNoRoom")
    site.manifests.remove(*names[0][1:], *names[1][1:])
    daemon.wait_ready("late")
    watched.resolves("WinuxVmidsNearlyUsed", "WinuxAddressesNearlyUsed", "WinuxNoRoom")


ADDRESSED = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {{name: addressed}}
spec:
  network:
    addresses: {{first: {net}.1, last: {net}.5, prefix: 24}}
"""


# -- events ----------------------------------------------------------------------------------------------------


@shows("WinuxEventsNotDelivered")
def test_events_that_do_not_arrive(watch: MakeWatch) -> None:
    watched, receiver = watch(profile="instant"), own_address()
    secret = watched.site.directory / "webhook-secret"
    secret.touch(mode=0o600)
    secret.write_text("whsec_" + base64.b64encode(os.urandom(32)).decode(), encoding="utf-8")
    webhook = {"url": f"http://{receiver}/", "secretFile": str(secret), "allowHttp": True}
    daemon = watched.daemon(settings={"events": {"webhook": webhook}})
    watched.fires("WinuxEventsNotDelivered")
    with receiving(receiver):
        daemon.process.signal(signal.SIGHUP)  # so that the test need not wait for the backoff
        watched.resolves("WinuxEventsNotDelivered")


@contextmanager
def receiving(address: str) -> Iterator[None]:
    """Somebody listens there and takes everything."""

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name is http.server's
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Not into the output of the tests."""

    host, _, port = address.rpartition(":")
    with ThreadingHTTPServer((host, int(port)), Taking) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


# -- sessions --------------------------------------------------------------------------------------------------


@shows("WinuxOrphans", "WinuxExpiryLate", "WinuxDestroysFailing", "WinuxContainersUnaccounted")
def test_sessions_that_do_not_go(watch: MakeWatch) -> None:
    watched = watch(profile="instant", settings={"manifests": QUICK, "proxmox": {"tick": "500ms"}})
    site, daemon = watched.site, watched.daemon()
    for name in ("alice", "bob", "carol"):
        site.manifests.session(name, ttl="1h")
    vmids = [session.vmid or 0 for session in daemon.wait_ready("alice", "bob", "carol").values()][:2]

    # Somebody's backup of two of them goes on and on, and the copy of a third is started.
    for vmid in vmids:
        site.admin.act(vmid, "lock", lock="backup")
    site.manifests.session("alice", ttl="1s")
    site.manifests.remove("bob")
    there = site.admin.containers()
    copy = next(vmid for vmid in range(30555, 30990) if vmid not in there)
    site.foreigners.add(copy, pool="winux", hostname="bob", description=marker(copy, session="bob"))
    watched.fires("WinuxExpiryLate", "WinuxOrphans", "WinuxContainersUnaccounted")
    for vmid in vmids:
        site.admin.act(vmid, "unlock")
    site.foreigners.forget(copy)
    site.admin.act(copy, "destroy")
    watched.resolves("WinuxExpiryLate", "WinuxOrphans", "WinuxContainersUnaccounted")

    site.admin.fault("error", operation="delete", text="got no worker upid - start worker failed")
    site.manifests.remove("carol")
    watched.fires("WinuxDestroysFailing")
    site.admin.no_faults()
    daemon.wait_gone("carol")
    watched.resolves("WinuxDestroysFailing")


@shows("WinuxNoneReady", "WinuxSessionsNotReady", "WinuxSessionsFailed", "WinuxReadySlow")
def test_sessions_that_do_not_come(watch: MakeWatch) -> None:
    settings = {"manifests": QUICK, "proxmox": {"tick": "500ms"}, "readiness": {"attempts": 1}}
    watched = watch(profile="instant", settings=settings | {"guards": {"massDelete": {"min": 100}}})
    site, daemon = watched.site, watched.daemon()
    site.admin.door("POST", "rdp", answer=False)
    site.manifests.text("template-impatient.yaml", IMPATIENT)
    site.manifests.session("hopeless", ttl="1h", template="impatient")
    names = [f"s{number}" for number in range(24)]
    for name in names:
        site.manifests.session(name, ttl="1h")
    watched.fires("WinuxSessionsFailed", "WinuxSessionsNotReady", "WinuxNoneReady")
    daemon.wait_for("hopeless", "Failed")
    site.admin.door("POST", "rdp", answer=True)
    watched.fires("WinuxReadySlow")
    daemon.wait_ready(*names)
    watched.resolves("WinuxSessionsFailed", "WinuxSessionsNotReady", "WinuxNoneReady", "WinuxReadySlow")


IMPATIENT = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {name: impatient}
spec: {readiness: {timeout: 3s}}
"""


# -- a day without misfortunes ---------------------------------------------------------------------------------


def test_a_healthy_busy_site_wakes_nobody(watch: MakeWatch) -> None:
    """Desktops come and go, manifests are edited and removed, and the controller is restarted."""
    # No quicker: a start is seen too, and on a busy machine it takes its seconds.
    rules = quickened(load_rules(), 20.0, shortest=SHORTEST)
    watched = watch(rules=rules, settings={"manifests": QUICK, "proxmox": {"tick": "500ms"}})
    site, daemon = watched.site, watched.daemon()
    for lesson in range(4):
        class_ = [f"l{lesson}-s{number}" for number in range(6)]
        for name in class_:
            site.manifests.session(name, ttl="1h")
        site.manifests.session(f"l{lesson}-short", ttl="2s")
        site.manifests.session(f"l{lesson}-cloned", ttl="1h", template="cloned")
        daemon.wait_ready(*class_, f"l{lesson}-cloned")
        daemon.wait_for(f"l{lesson}-short", "Expired")
        if lesson == 2:
            assert daemon.stop() == 0
            daemon = watched.daemon()
        site.manifests.remove(*class_[:2])
        for name in class_[:2]:
            daemon.wait_gone(name)
    watched.prometheus.wait_quiet()
    assert watched.prometheus.ever_fired() <= {"WinuxDown"}, "a restart may take its time on a busy machine"
    until(lambda: not watched.prometheus.alerts(), what="nothing is about to fire", show=watched.prometheus.alerts)

"""From a manifest to a desktop that answers: cold sessions on real containers of this machine, one at a time.

All moments are the wall clock's of this machine, which node, daemon and containers share.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.admin.models import SessionView
from tests.e2e.daemon import Daemon
from tests.e2e.desktop import READY, DesktopSite, rdp_fingerprint
from tests.e2e.waiting import CLOCK, until


@dataclass(frozen=True)
class Desktop:
    """Seconds of the parts, each from the end of the one before; the first from when the manifest was written."""

    api: float
    """Until the create call was at the node: the manifest was read and decided on."""
    create: float
    """Until the container was made, with its password, and its start began."""
    boot: float
    """Until its RDP server answered a negotiation with its own certificate: init, first boot, xrdp."""
    ready: float
    """Until the controller had seen that, and that its credentials are set."""

    @property
    def whole(self) -> float:
        return self.api + self.create + self.boot + self.ready


def measure(*, samples: int) -> list[Desktop]:
    """One for each session, with the default settings of the controller; each ends before the next begins."""
    site = DesktopSite(settings={})
    try:
        daemon = site.daemon().in_sync()
        return [one(site, daemon, f"s{number}") for number in range(samples)]
    finally:
        site.end()


def one(site: DesktopSite, daemon: Daemon, name: str) -> Desktop:
    calls = len(site.admin.writes("create"))
    written = CLOCK.now()
    site.manifests.session(name, ttl="1h")
    called = until(lambda: site.admin.writes("create")[calls:], what="the create call")[0].at
    vmid = until(lambda: vmid_of(daemon, name), what="its VMID is known")
    address = until(lambda: address_of(site, vmid), what="it starts", every=0.01)
    until(lambda: answers_rdp(address), what="RDP answers", within=READY, every=0.02)
    answered = CLOCK.now()
    ready = moment_of_ready(daemon.wait_for(name, "Ready", within=READY))
    started = (site.place / str(vmid) / "config").stat().st_mtime
    daemon.admin.delete(name)
    daemon.wait_gone(name, within=READY)
    return Desktop(called - written, started - called, answered - started, ready - answered)


def vmid_of(daemon: Daemon, name: str) -> int | None:
    session = daemon.session(name)
    return session.vmid if session is not None else None


def address_of(site: DesktopSite, vmid: int | None) -> str:
    """The address in what LXC was told; empty before it was told."""
    config = site.place / str(vmid) / "config"
    lines = config.read_text(encoding="utf-8").splitlines() if config.exists() else []
    found = [line.partition(" = ")[2] for line in lines if line.startswith("lxc.net.0.ipv4.address")]
    return found[0].partition("/")[0] if found else ""


def answers_rdp(address: str) -> bool:
    try:
        return bool(rdp_fingerprint(address, within=1.0))
    except OSError:
        return False


def moment_of_ready(session: SessionView) -> float:
    assert session.ready_at is not None
    return session.ready_at.timestamp()

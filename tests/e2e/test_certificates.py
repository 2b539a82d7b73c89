"""The certificate that a desktop shows is the one that people are told, as long as its container lives."""

from __future__ import annotations

from typing import cast

import pytest

from controller.guest.rdp import Negotiated, negotiate
from tests.e2e.conftest import MakeSite
from tests.e2e.site import Site
from tests.e2e.waiting import until


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


def test_people_are_told_the_certificate_that_a_client_sees_and_a_restart_keeps_it(site: Site) -> None:
    site.manifests.session("alice", ttl="1h")
    daemon = site.daemon().in_sync()
    first = daemon.wait_for("alice", "Ready")
    credential = daemon.admin.credential("alice")
    seen = negotiate(credential.address, credential.port, timeout=10)
    assert isinstance(seen, Negotiated)
    assert seen.fingerprint is not None
    assert first.fingerprint == credential.fingerprint == seen.fingerprint
    assert f"/cert:deny,fingerprint:sha256:{seen.fingerprint}" in daemon.cli("rdp", "alice", "--show").stdout

    (vmid,) = site.admin.of()["alice"]
    site.admin.act(vmid, "stop")
    site.admin.act(vmid, "start")
    again = until(lambda: _shown(site, vmid, credential.port), what="the desktop answers again")
    assert again == seen.fingerprint


def _shown(site: Site, vmid: int, port: int) -> str | None:
    """The fingerprint at whatever address the container has by now; None as long as nothing answers."""
    rows = cast("list[dict[str, str]]", site.admin.call("GET", f"/nodes/{site.admin.node}/lxc/{vmid}/interfaces"))
    for address in (row["inet"].partition("/")[0] for row in rows if row["name"] != "lo" and "inet" in row):
        answer = negotiate(address, port, timeout=10)
        if isinstance(answer, Negotiated):
            return answer.fingerprint
    return None

"""Two controllers with different ids share one Proxmox and one pool and never touch each other's containers."""

from __future__ import annotations

from tests.e2e.conftest import MakeSite
from tests.e2e.manifests import Manifests
from tests.e2e.site import Site
from tests.e2e.waiting import until

FEW = {
    "manifests": {"grace": "1s"},
    "proxmox": {"tick": "250ms"},
    "vmids": {"first": 30001, "last": 30012, "rest": "5s"},
}
"""So few VMIDs that the two often choose the same."""


def configs(site: Site, controller: str) -> dict[int, bytes]:
    containers = site.admin.containers()
    owned = [vmid for vmids in site.admin.of(controller=controller).values() for vmid in vmids]
    return {vmid: site.admin.raw_config(containers[vmid]) for vmid in owned}


def test_two_controllers_on_one_pool(make_site: MakeSite) -> None:
    site = make_site(settings=FEW)
    names = ["alice", "bob", "carol", "dave"]
    manifests = {name: Manifests(site.directory / name) for name in ("north", "south")}
    for directory in manifests.values():
        for name in names:
            directory.session(name, ttl="1h")
    north = site.daemon(name="north")
    south = site.daemon(name="south")
    ready_there = south.in_sync().wait_ready(*names)
    north.in_sync().wait_ready(*names)
    for controller in manifests:
        assert {n: len(v) for n, v in site.admin.of(controller=controller).items()} == dict.fromkeys(names, 1)
    theirs = configs(site, "south")
    assert len(theirs) == 4

    # Everything that destroys, on one side only.
    manifests["north"].session("bob", ttl="1s")
    manifests["north"].remove("alice")
    north.wait_gone("alice")
    north.wait_for("bob", "Expired")
    north.admin.delete("carol")
    north.wait_gone("carol")
    north.kill()
    north = site.daemon(name="north").in_sync()
    manifests["north"].session("erin", ttl="1h")
    north.wait_ready("erin", "dave")
    north.wait_ticks(3)
    assert sorted(site.admin.of(controller="north")) == ["dave", "erin"]
    assert configs(site, "south") == theirs

    # And with the other one gone, its containers are nobody's to tidy up.
    south.kill()
    manifests["north"].remove("dave", "erin")
    north.wait_gone("dave")
    north.wait_gone("erin")
    north.wait_ticks(3)
    assert configs(site, "south") == theirs
    again = site.daemon(name="south").in_sync().wait_ready(*names)
    assert {n: (s.uid, s.vmid) for n, s in again.items()} == {n: (s.uid, s.vmid) for n, s in ready_there.items()}


def test_a_controller_that_lost_its_ledger_takes_over_its_own_containers_only(site: Site) -> None:
    manifests = {name: Manifests(site.directory / name) for name in ("north", "south")}
    for directory in manifests.values():
        directory.session("alice", ttl="1h")
    north, south = (site.daemon(name=name) for name in manifests)
    before = {name: d.in_sync().wait_ready("alice")["alice"] for name, d in (("north", north), ("south", south))}
    theirs = configs(site, "south")
    north.kill()
    for file in site.directory.glob("north.db*"):
        file.unlink()
    north = site.daemon(name="north").in_sync()
    adopted = north.wait_ready("alice")["alice"]
    assert (adopted.uid, adopted.vmid) == (before["north"].uid, before["north"].vmid)
    assert len(site.admin.tasks("vzcreate")) == 2
    manifests["north"].remove("alice")
    north.wait_gone("alice")
    until(lambda: site.admin.of(controller="north") == {}, what="north's container is gone")
    assert configs(site, "south") == theirs

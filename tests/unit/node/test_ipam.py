"""The IPAM of the software-defined network: entries made by hand are listed, and refused where they clash."""

from __future__ import annotations

from typing import Any

from tests.unit.node.lab import Lab

IPS = "/cluster/sdn/vnets/winux0/ips"
GATEWAY = {"zone": "winux", "subnet": "10.97.0.0/16", "vnet": "winux0", "ip": "10.97.0.1", "gateway": 1}
MAC = "BC:24:11:00:00:01"


def entries(lab: Lab) -> list[dict[str, Any]]:
    return list(lab.root.get("/cluster/sdn/ipams/pve/status").data)


def test_there_is_one_ipam_and_it_is_the_built_in_one(lab: Lab) -> None:
    (row,) = lab.root.get("/cluster/sdn/ipams").data
    assert (row["ipam"], row["type"]) == ("pve", "pve")
    assert lab.root.get("/cluster/sdn/ipams/pve").data == row
    assert lab.root.get("/cluster/sdn/ipams", type="netbox").data == []
    assert lab.root.get("/cluster/sdn/ipams/other").refusal == (500, "sdn 'other' does not exist")
    text = "Currently only PVE IPAM is supported!"
    assert lab.root.get("/cluster/sdn/ipams/other/status").refusal == (500, text)


def test_an_entry_is_made_listed_and_deleted(lab: Lab) -> None:
    assert entries(lab) == [GATEWAY]
    assert lab.root.post(IPS, zone="winux", ip="10.97.1.5", mac=MAC).status == 200
    made = {"zone": "winux", "subnet": "10.97.0.0/16", "vnet": "winux0", "ip": "10.97.1.5", "mac": MAC}
    assert entries(lab) == [GATEWAY, made]
    assert lab.root.delete(IPS, zone="winux", ip="10.97.1.5").status == 200
    assert entries(lab) == [GATEWAY]


def test_a_mac_address_gets_another_address_and_an_owner(lab: Lab) -> None:
    lab.root.post(IPS, zone="winux", ip="10.97.1.5", mac=MAC)
    assert lab.root.put(IPS, zone="winux", ip="10.97.1.6", mac=MAC, vmid=100).status == 200
    (moved,) = entries(lab)[1:]
    assert (moved["ip"], moved["mac"], moved["vmid"]) == ("10.97.1.6", MAC, 100)


def test_an_address_that_is_taken_leaves_the_old_one(lab: Lab) -> None:
    lab.root.post(IPS, zone="winux", ip="10.97.1.5", mac=MAC)
    taken = lab.root.put(IPS, zone="winux", ip="10.97.0.1", mac=MAC)
    assert taken.refusal == (500, "IP '10.97.0.1' already exist")
    assert [row["ip"] for row in entries(lab)] == ["10.97.0.1", "10.97.1.5"]


def test_entries_that_are_refused(lab: Lab) -> None:
    lab.root.post(IPS, zone="winux", ip="10.97.1.5")
    assert lab.root.post(IPS, zone="winux", ip="10.97.1.5").refusal == (500, "IP '10.97.1.5' already exist")
    outside = lab.root.post(IPS, zone="winux", ip="192.0.2.1")
    assert outside.refusal == (500, "can't find any subnet for ip 192.0.2.1")
    nowhere = lab.root.post("/cluster/sdn/vnets/other/ips", zone="winux", ip="10.97.1.6")
    assert nowhere.refusal == (500, "can't find any subnet for ip 10.97.1.6")
    missing = lab.root.delete(IPS, zone="winux", ip="10.97.1.9")
    assert missing.refusal == (500, "IP '10.97.1.9' does not exist in IPAM DB")
    bad = lab.root.post(IPS, zone="winux", ip="nonsense")
    text = "invalid format - value does not look like a valid ip address\n"
    assert (bad.status, bad.document["errors"]) == (400, {"ip": text})


def test_who_may_see_and_write(lab: Lab) -> None:
    assert lab.limited.get("/cluster/sdn/ipams").data == []
    assert lab.limited.get("/cluster/sdn/ipams/pve/status").data == []
    wanted = (403, "Permission check failed (/sdn/zones/winux/winux0, SDN.Allocate)")
    assert lab.limited.post(IPS, zone="winux", ip="nonsense").refusal == wanted
    wanted = (403, "Permission check failed (/sdn/ipams/pve, SDN.Allocate)")
    assert lab.limited.get("/cluster/sdn/ipams/pve").refusal == wanted
    lab.root.put("/access/acl", path="/sdn/zones/winux", roles="PVESDNAdmin", users="winux@pve")
    assert lab.limited.post(IPS, zone="winux", ip="10.97.1.5").status == 200
    assert len(lab.limited.get("/cluster/sdn/ipams/pve/status").data) == 2

"""``/cluster/resources``: what in it is live, what lags, what is a former guest's, and who sees which row."""

from __future__ import annotations

import pytest

from tests.unit.node.lab import Lab

NEW = {"id": "lxc/100", "vmid": 100, "node": "pve1", "type": "lxc", "status": "unknown"}
NUMBERS = {
    *("uptime", "template", "cpu", "maxcpu", "mem", "maxmem", "memhost", "disk", "maxdisk"),
    *("diskread", "diskwrite", "netin", "netout"),
}


def test_a_new_container_has_neither_name_nor_numbers(lab: Lab) -> None:
    lab.create(hostname="new")
    assert lab.row(100) == NEW


def test_tags_lock_and_pool_are_live_all_the_same(lab: Lab) -> None:
    lab.create(tags="b;a", pool="winux")
    assert lab.row(100) == NEW | {"tags": "a;b", "pool": "winux"}
    lab.root.put(lab.ct(100, "/config"), tags="c", lock="backup")
    assert lab.row(100) == NEW | {"tags": "c", "pool": "winux", "lock": "backup"}


def test_the_next_broadcast_tells_name_status_and_numbers(lab: Lab) -> None:
    lab.create(hostname="named", start=1)
    lab.refresh()
    row = lab.row(100) or {}
    assert set(row) == set(NEW) | NUMBERS | {"name"}
    assert (row["name"], row["status"], row["maxmem"], row["template"]) == ("named", "running", 64 << 20, 0)


def test_a_stop_shows_with_the_next_broadcast_only(lab: Lab) -> None:
    lab.create(start=1)
    lab.refresh()
    lab.done(lab.root.post(lab.ct(100, "/status/stop")))
    assert (lab.row(100) or {})["status"] == "running"
    assert lab.current(100)["status"] == "stopped"
    lab.refresh()
    assert (lab.row(100) or {})["status"] == "stopped"


def test_uptime_grows_with_the_broadcasts(lab: Lab) -> None:
    lab.create(start=1)
    lab.refresh()
    first = (lab.row(100) or {})["uptime"]
    lab.clock.advance(5)
    assert (lab.row(100) or {})["uptime"] == first
    lab.clock.advance(5)
    assert (lab.row(100) or {})["uptime"] == first + 10


def test_a_reused_vmid_shows_its_former_guest_until_the_next_broadcast(lab: Lab) -> None:
    lab.create(hostname="former", start=1)
    lab.refresh()
    lab.done(lab.root.delete(lab.ct(100), force=1))
    assert lab.row(100) is None
    lab.create(hostname="latter")
    assert ((lab.row(100) or {})["name"], (lab.row(100) or {})["status"]) == ("former", "running")
    lab.refresh()
    assert ((lab.row(100) or {})["name"], (lab.row(100) or {})["status"]) == ("latter", "stopped")


def test_a_former_guest_is_forgotten_after_five_minutes(lab: Lab) -> None:
    lab.create(hostname="former")
    lab.refresh()
    lab.done(lab.root.delete(lab.ct(100)))
    lab.clock.advance(310)
    lab.create(hostname="latter")
    assert lab.row(100) == NEW


def test_a_destroyed_container_is_gone_at_once(lab: Lab) -> None:
    lab.create()
    lab.refresh()
    lab.done(lab.root.delete(lab.ct(100)))
    assert lab.row(100) is None


def test_each_token_sees_its_own(lab: Lab) -> None:
    lab.create(100, client=lab.limited, pool="winux")
    lab.create(101)
    assert [row["vmid"] for row in lab.root.get("/cluster/resources", type="vm").data] == [9000, 100, 101]
    assert [row["vmid"] for row in lab.limited.get("/cluster/resources", type="vm").data] == [9000, 100]
    assert [row["vmid"] for row in lab.limited.get("/nodes/pve1/lxc").data] == [100, 9000]


def test_the_pool_of_a_row_needs_the_right_to_audit_the_pool(lab: Lab) -> None:
    lab.create(client=lab.limited, pool="winux")
    lab.door.set_role("WinuxController", lab.node.cluster.access.roles["WinuxController"] - {"Pool.Audit"})
    assert "pool" not in (lab.row(100, lab.limited) or {})
    assert (lab.row(100) or {})["pool"] == "winux"


@pytest.mark.parametrize(
    ("kind", "types"),
    [(None, {"lxc", "node", "storage", "sdn", "pool"}), ("vm", {"lxc"}), ("node", {"node"}), ("storage", {"storage"})],
)
def test_rows_by_type(lab: Lab, kind: str | None, types: set[str]) -> None:
    rows = lab.root.get("/cluster/resources", **({"type": kind} if kind else {})).data
    assert {row["type"] for row in rows} == types


def test_containers_are_not_a_type_of_their_own(lab: Lab) -> None:
    text = "value 'lxc' does not have a value in the enumeration 'vm, storage, node, sdn'"
    assert lab.root.get("/cluster/resources", type="lxc").document["errors"] == {"type": text}


def test_a_token_without_audit_sees_the_node_without_numbers(lab: Lab) -> None:
    assert set(lab.limited.get("/nodes").data[0]) == {"id", "node", "type", "status", "ssl_fingerprint"}
    assert {"cpu", "mem", "uptime", "maxdisk"} <= set(lab.root.get("/nodes").data[0])
    refused = lab.limited.get("/nodes/pve1/status")
    assert refused.refusal == (403, "Permission check failed (/nodes/pve1, Sys.Audit)")


def test_a_virtual_machine_is_no_container(lab: Lab) -> None:
    lab.door.add(700, {"hostname": "vm"}, kind="qemu")
    assert (lab.row(700) or {})["id"] == "qemu/700"
    gone = "Configuration file 'nodes/pve1/lxc/700.conf' does not exist"
    assert lab.root.get(lab.ct(700, "/config")).refusal == (500, gone)


def test_storages_and_their_content(lab: Lab) -> None:
    row = lab.root.get("/nodes/pve1/storage").data[0]
    assert (row["storage"], row["type"], row["active"], row["shared"]) == ("local", "dir", 1, 0)
    assert row["total"] == row["used"] + row["avail"]
    content = lab.root.get("/nodes/pve1/storage/local/content", content="vztmpl").data
    assert lab.node.description.ostemplate in [volume["volid"] for volume in content]
    lab.create()
    disks = lab.root.get("/nodes/pve1/storage/local/content", content="rootdir").data
    assert [disk["volid"] for disk in disks] == ["local:100/vm-100-disk-0.raw"]

"""A node with a state: snapshots, what waits for a start, firewalls, groups, files and addresses survive a restart."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from controller.engine.clock import VirtualClock
from controller.node import bootstrap
from controller.node.cluster import Cluster
from controller.node.profile import PROFILES
from controller.node.state import StateFile
from tests.unit.node.lab import Lab
from tests.unit.node.test_state import recorded, restart

ZFS = "local-zfs:1"
LOCAL = "/nodes/pve1/storage/local"


@pytest.fixture
def file(tmp_path: Path) -> StateFile:
    return StateFile(tmp_path / "cluster.db")


def reload(lab: Lab, file: StateFile) -> Lab:
    file.save(lab.node.cluster)
    return restart(lab, file)


def test_snapshots_and_their_configs(file: StateFile) -> None:
    lab = recorded(file)
    lab.create(rootfs=ZFS, tags="then")
    for name in ("one", "two"):
        lab.done(lab.root.post(lab.ct(100, "/snapshot"), snapname=name))
    lab.root.put(lab.ct(100, "/config"), tags="now")
    rows, config = lab.root.get(lab.ct(100, "/snapshot")).data, lab.config(100)
    again = reload(lab, file)
    assert again.root.get(again.ct(100, "/snapshot")).data == rows
    assert again.config(100) == config
    assert again.done(again.root.post(again.ct(100, "/snapshot/two/rollback"))) == "OK"
    assert again.config(100)["tags"] == "then"


def test_a_power_cut_during_a_snapshot_leaves_its_lock(file: StateFile) -> None:
    lab = recorded(file)
    lab.create(rootfs=ZFS)
    upid = lab.root.post(lab.ct(100, "/snapshot"), snapname="one").data
    lab.clock.advance(0.01)
    lab.node.settle()
    again = reload(lab, file)
    assert again.status(upid).data["exitstatus"] == "unexpected status"
    assert again.config(100)["lock"] == "snapshot"
    assert again.root.get(again.ct(100, "/snapshot")).data[0]["snapstate"] == "prepare"


def test_what_waits_for_the_next_start_waits_on(file: StateFile) -> None:
    lab = recorded(file)
    for vmid, onboot in ((100, 0), (101, 1)):
        lab.create(vmid, start=1, onboot=onboot)
        lab.root.put(lab.ct(vmid, "/config"), timezone="UTC")
    again = reload(lab, file)
    assert "timezone" not in again.root.get(again.ct(100, "/config"), current=1).data
    assert again.config(100)["timezone"] == "UTC"
    assert again.root.get(again.ct(101, "/config"), current=1).data["timezone"] == "UTC"


def test_firewalls_and_that_one_is_gone(file: StateFile) -> None:
    lab = recorded(file)
    lab.create()
    lab.create(101)
    for vmid in (100, 101):
        lab.root.post(lab.ct(vmid, "/firewall/rules"), type="in", action="DROP")
    lab.root.post(lab.ct(100, "/firewall/ipset"), name="office", comment="c")
    rules = lab.root.get(lab.ct(100, "/firewall/rules")).data
    file.save(lab.node.cluster)
    lab.done(lab.root.delete(lab.ct(101)))
    again = reload(lab, file)
    assert again.root.get(again.ct(100, "/firewall/rules")).data == rules
    assert again.root.get(again.ct(100, "/firewall/ipset")).data[0]["comment"] == "c"
    assert again.root.get(again.ct(101, "/firewall/rules")).data == []


def test_groups_and_changed_tokens(file: StateFile) -> None:
    lab = recorded(file)
    lab.root.post("/access/groups", groupid="staff", comment="c")
    lab.root.post("/access/users", userid="ann@pve", groups="staff")
    lab.root.put("/access/users/winux@pve/token/controller", comment="changed")
    again = reload(lab, file)
    assert again.root.get("/access/groups/staff").data == {"members": ["ann@pve"], "comment": "c"}
    assert again.root.get("/access/users/winux@pve/token/controller").data["comment"] == "changed"


def test_files_that_came_and_went_and_addresses(file: StateFile) -> None:
    lab = recorded(file)
    file_of = {"content": "iso", "filename": "a.iso", "url": "https://example.invalid/a.iso"}
    lab.done(lab.root.post(f"{LOCAL}/download-url", **file_of))
    lab.done(lab.root.delete(f"{LOCAL}/content/{bootstrap.STOCK_ARCHIVE}"))
    lab.root.post("/cluster/sdn/vnets/winux0/ips", zone="winux", ip="10.97.1.5", mac="BC:24:11:00:00:01")
    files = lab.root.get(f"{LOCAL}/content").data
    addresses = lab.root.get("/cluster/sdn/ipams/pve/status").data
    again = reload(lab, file)
    assert again.root.get(f"{LOCAL}/content").data == files
    assert again.root.get("/cluster/sdn/ipams/pve/status").data == addresses


def test_a_file_of_an_older_release_still_loads(tmp_path: Path) -> None:
    """It has neither the newer tables nor the newer fields."""
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as database:
        for table, key in (("guests", "vmid INTEGER"), ("tasks", "upid TEXT"), ("access", "one INTEGER")):
            database.execute(f"CREATE TABLE {table} ({key} PRIMARY KEY, document TEXT NOT NULL)")
        guest = '{"node":"pve1","kind":"lxc","options":{"hostname":"old","memory":"64"}}'
        database.execute("INSERT INTO guests VALUES (100, ?)", (guest,))
        access = '{"users":{"root@pam":{}},"tokens":{},"roles":{},"pools":{},"grants":[]}'
        database.execute("INSERT INTO access VALUES (1, ?)", (access,))
    database.close()
    cluster = Cluster(VirtualClock(), profile=PROFILES["instant"])
    bootstrap.stock(cluster)
    file = StateFile(path)
    assert file.load(cluster)
    assert cluster.guests[100].config()["hostname"] == "old"
    assert cluster.guests[100].snapshots == {}
    assert bootstrap.ARCHIVE in cluster.storages["local"].volumes
    cluster.journal.others()
    cluster.journal.guest(100)
    file.save(cluster)
    file.close()

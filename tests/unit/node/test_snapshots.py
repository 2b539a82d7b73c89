"""Snapshots: what is refused in the task, the locks meanwhile, what a rollback brings back, clones of one."""

from __future__ import annotations

from typing import Any

import pytest

from controller.node.faults import Fault, FaultKind
from tests.unit.node.lab import Answer, Lab

ZFS = "local-zfs:1"


def take(lab: Lab, name: str, vmid: int = 100, **more: object) -> str:
    return lab.done(lab.root.post(lab.ct(vmid, "/snapshot"), snapname=name, **more))


def rows(lab: Lab, vmid: int = 100) -> list[dict[str, Any]]:
    return list(lab.root.get(lab.ct(vmid, "/snapshot")).data)


def rollback(lab: Lab, name: str, **more: object) -> Answer:
    return lab.root.post(lab.ct(100, f"/snapshot/{name}/rollback"), **more)


def test_a_container_has_one_row_that_says_where_one_is(lab: Lab) -> None:
    lab.create(rootfs=ZFS)
    digest = lab.config(100)["digest"]
    here = {"name": "current", "description": "You are here!", "digest": digest, "running": 0}
    assert rows(lab) == [here]


def test_snapshots_form_a_line_of_parents(lab: Lab) -> None:
    lab.create(rootfs=ZFS, start=1)
    for name in ("one", "two"):
        assert take(lab, name, description=f"the {name}") == "OK"
    one, two, here = rows(lab)
    assert (one["name"], one["description"], "parent" in one) == ("one", "the one\n", False)
    assert (two["name"], two["parent"]) == ("two", "one")
    assert (here["parent"], here["running"]) == ("two", 1)
    assert one["snaptime"] == int(lab.node.cluster.schedule.wall())
    assert lab.config(100)["parent"] == "two"


def test_the_task_is_a_vzsnapshot_and_locks_the_container(slow: Lab) -> None:
    slow.create(rootfs=ZFS)
    upid = slow.root.post(slow.ct(100, "/snapshot"), snapname="one").data
    assert upid.split(":")[5:7] == ["vzsnapshot", "100"]
    slow.clock.advance(0.01)
    assert slow.config(100)["lock"] == "snapshot"
    assert rows(slow)[0]["snapstate"] == "prepare"
    assert slow.root.put(slow.ct(100, "/config"), cores=2).refusal == (500, "CT is locked (snapshot)")
    assert slow.wait(upid) == "OK"
    assert "lock" not in slow.config(100)
    assert "snapstate" not in rows(slow)[0]


@pytest.mark.parametrize("name", ["current", "vzdump"])
def test_two_names_are_reserved(lab: Lab, name: str) -> None:
    text = f"unable to use snapshot name '{name}' (reserved name)"
    assert lab.root.post(lab.ct(100, "/snapshot"), snapname=name).refusal == (500, text)


def test_the_call_does_not_look_whether_the_container_is_there(lab: Lab) -> None:
    missing = "Configuration file 'nodes/pve1/lxc/777.conf' does not exist"
    assert take(lab, "one", 777) == missing
    assert lab.done(lab.root.delete(lab.ct(777, "/snapshot/one"))) == missing
    assert lab.root.get(lab.ct(777, "/snapshot")).refusal == (500, missing)


def test_what_the_task_refuses(lab: Lab) -> None:
    lab.create(rootfs=ZFS)
    lab.create(101, rootfs="local:1")
    assert take(lab, "one") == "OK"
    assert take(lab, "one") == "snapshot name 'one' already used"
    assert take(lab, "one", 101) == "snapshot feature is not available"
    assert take(lab, "one", 9000) == "you can't take a snapshot if it's a template"
    lab.door.lock(100, "backup")
    assert take(lab, "two") == "CT is locked (backup)"
    assert lab.done(lab.root.delete(lab.ct(100, "/snapshot/one"))) == "CT is locked (backup)"
    assert lab.done(rollback(lab, "one")) == "CT is locked (backup)"
    assert lab.done(rollback(lab, "nine")) == "snapshot 'nine' does not exist"
    assert lab.done(lab.root.delete(lab.ct(100, "/snapshot/nine"))) == "snapshot 'nine' does not exist"


def test_every_disk_has_to_lie_where_snapshots_are(lab: Lab) -> None:
    lab.create(rootfs=ZFS)
    lab.door.set(100, {"mp0": "local:100/vm-100-disk-1.raw,mp=/data,size=1G"})
    assert take(lab, "one") == "snapshot feature is not available"
    lab.door.set(100, {"mp0": "/srv,mp=/data"})
    assert take(lab, "one") == "snapshot feature is not available"
    lab.door.set(100, {"mp0": "local-zfs:subvol-100-disk-1,mp=/data,size=1G"})
    assert take(lab, "one") == "OK"


def test_a_snapshot_needs_a_right_of_its_own_and_a_rollback_one_of_two(lab: Lab) -> None:
    lab.create(rootfs=ZFS, pool="winux")
    wanted = (403, "Permission check failed (/vms/100, VM.Snapshot)")
    assert lab.limited.post(lab.ct(100, "/snapshot"), snapname="a b").refusal == wanted
    assert lab.limited.delete(lab.ct(100, "/snapshot/one")).refusal == wanted
    either = (403, "Permission check failed (/vms/100, VM.Snapshot|VM.Snapshot.Rollback)")
    assert lab.limited.post(lab.ct(100, "/snapshot/one/rollback")).refusal == either


def test_a_rollback_brings_back_the_config_of_then_but_not_its_description(lab: Lab) -> None:
    lab.create(rootfs=ZFS, tags="old", description="before")
    take(lab, "one", description="of the snapshot")
    lab.root.put(lab.ct(100, "/config"), tags="new", memory=128, description="after")
    assert lab.config(100)["memory"] == 128
    upid = rollback(lab, "one").data
    assert upid.split(":")[5] == "vzrollback"
    assert lab.wait(upid) == "OK"
    config = lab.config(100)
    assert (config["tags"], config["memory"], config["description"]) == ("old", 64, "after\n")
    assert config["parent"] == "one"
    assert not {"lock", "snaptime", "snapstate"} & set(config)


def test_a_rollback_kills_what_runs_and_starts_it_if_asked(lab: Lab) -> None:
    lab.create(rootfs=ZFS, start=1)
    take(lab, "one")
    assert lab.done(rollback(lab, "one")) == "OK"
    assert lab.current(100)["status"] == "stopped"
    assert lab.done(rollback(lab, "one", start=1)) == "OK"
    assert lab.current(100)["status"] == "running"


def test_zfs_rolls_back_to_the_newest_snapshot_only(lab: Lab) -> None:
    lab.create(rootfs=ZFS)
    take(lab, "one")
    take(lab, "two")
    text = "can't rollback, 'one' is not most recent snapshot on 'local-zfs:subvol-100-disk-0'"
    assert lab.done(rollback(lab, "one")) == text
    assert "lock" not in lab.config(100)


def test_who_named_a_dropped_snapshot_as_parent_gets_its_parent(lab: Lab) -> None:
    lab.create(rootfs=ZFS)
    for name in ("one", "two", "three"):
        take(lab, name)
    upid = lab.root.delete(lab.ct(100, "/snapshot/two")).data
    assert upid.split(":")[5] == "vzdelsnapshot"
    assert lab.wait(upid) == "OK"
    assert {row["name"]: row.get("parent") for row in rows(lab)} == {"one": None, "three": "one", "current": "three"}


def test_a_failed_snapshot_cleans_up_and_a_killed_one_does_not(lab: Lab) -> None:
    lab.create(rootfs=ZFS)
    lab.node.dispatcher.faults.add(Fault(kind=FaultKind.TASK_ERROR, operation="snapshot", text="no space", count=1))
    assert take(lab, "one") == "no space"
    assert [row["name"] for row in rows(lab)] == ["current"]
    assert "lock" not in lab.config(100)
    lab.node.dispatcher.faults.add(Fault(kind=FaultKind.WORKER_KILLED, operation="snapshot", count=1))
    assert take(lab, "one") == "unexpected status"
    assert lab.config(100)["lock"] == "snapshot"
    assert rows(lab)[0]["snapstate"] == "prepare"


def test_a_drop_that_failed_leaves_its_lock_unless_it_was_forced(lab: Lab) -> None:
    lab.create(rootfs=ZFS)
    take(lab, "one")
    for _ in range(2):
        kind = FaultKind.TASK_ERROR
        lab.node.dispatcher.faults.add(Fault(kind=kind, operation="snapshot_delete", text="dataset is busy", count=1))
    assert lab.done(lab.root.delete(lab.ct(100, "/snapshot/one"))) == "dataset is busy"
    assert lab.config(100)["lock"] == "snapshot-delete"
    lab.door.unlock(100)
    text = "unable to rollback to incomplete snapshot (snapstate = delete)"
    assert lab.done(rollback(lab, "one")) == text
    upid = lab.root.delete(lab.ct(100, "/snapshot/one"), force=1).data
    assert lab.wait(upid) == "OK"
    assert "dataset is busy" in lab.log(upid)
    assert [row["name"] for row in rows(lab)] == ["current"]


def test_the_config_of_a_snapshot(lab: Lab) -> None:
    lab.create(rootfs=ZFS, hostname="then")
    take(lab, "one", description="d")
    lab.root.put(lab.ct(100, "/config"), hostname="now")
    config = lab.root.get(lab.ct(100, "/config"), snapshot="one").data
    assert (config["hostname"], config["description"]) == ("then", "d\n")
    assert config["digest"] == lab.config(100)["digest"]
    assert isinstance(config["snaptime"], int)
    missing = lab.root.get(lab.ct(100, "/config"), snapshot="two")
    assert missing.refusal == (500, "snapshot 'two' does not exist")
    both = lab.root.get(lab.ct(100, "/config"), snapshot="one", current=1)
    text = "cannot use 'snapshot' parameter with 'current'"
    assert (both.status, both.document["errors"]) == (400, {"snapshot": text, "current": text})


def test_a_snapshot_changes_the_digest(lab: Lab) -> None:
    lab.create(rootfs=ZFS)
    before = lab.config(100)["digest"]
    take(lab, "one")
    assert lab.config(100)["digest"] != before


def test_the_index_of_a_snapshot_is_the_same_of_any(lab: Lab) -> None:
    assert lab.root.get(lab.ct(100, "/snapshot/any")).data == [{"cmd": "rollback"}, {"cmd": "config"}]


# clones and templates


def test_a_running_container_is_cloned_in_full_from_a_snapshot(lab: Lab) -> None:
    lab.create(rootfs=ZFS, start=1, hostname="then", description="d")
    take(lab, "one", description="of the snapshot")
    lab.root.put(lab.ct(100, "/config"), hostname="now")
    assert lab.done(lab.root.post(lab.ct(100, "/clone"), newid=101, full=1, snapname="one")) == "OK"
    config = lab.config(101)
    assert (config["hostname"], config["description"]) == ("then", "of the snapshot\n")
    assert config["rootfs"] == "local-zfs:subvol-101-disk-0,size=1G"
    assert not {"parent", "snaptime", "snapstate", "lock"} & set(config)
    assert [row["name"] for row in rows(lab, 101)] == ["current"]


def test_clones_of_snapshots_that_are_refused_leave_no_lock(lab: Lab) -> None:
    lab.create(rootfs=ZFS)
    take(lab, "one")
    missing = lab.root.post(lab.ct(100, "/clone"), newid=101, snapname="two")
    assert missing.refusal == (500, "snapshot 'two' does not exist")
    linked = lab.root.post(lab.ct(100, "/clone"), newid=101, snapname="one", full=0)
    text = "Linked clone feature for 'local-zfs:subvol-100-disk-0' is not available"
    assert linked.refusal == (500, text)
    assert "lock" not in lab.config(100)
    assert lab.root.get("/cluster/nextid", vmid=101).status == 200


def test_a_container_with_snapshots_does_not_become_a_template(lab: Lab) -> None:
    lab.create(rootfs=ZFS)
    take(lab, "one")
    text = "unable to create template, because CT contains snapshots"
    assert lab.root.post(lab.ct(100, "/template")).refusal == (500, text)
    lab.done(lab.root.delete(lab.ct(100, "/snapshot/one")))
    assert lab.root.post(lab.ct(100, "/template")).status == 200


def test_a_container_with_snapshots_can_be_destroyed(lab: Lab) -> None:
    lab.create(rootfs=ZFS)
    take(lab, "one")
    assert lab.done(lab.root.delete(lab.ct(100))) == "OK"
    lab.create(rootfs=ZFS)
    assert [row["name"] for row in rows(lab)] == ["current"]

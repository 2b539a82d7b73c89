"""Clones and templates: the locks on both sides, what is copied, linked and full."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.unit.node.lab import Lab

LOCKED = (500, "CT is locked (disk)")


def test_a_linked_clone_of_the_ready_template(lab: Lab) -> None:
    upid = lab.limited.post(lab.ct(9000, "/clone"), newid=101, pool="winux", hostname="copy").data
    assert upid.split(":")[5:7] == ["vzclone", "9000"]
    assert lab.wait(upid) == "OK"
    config = lab.config(101)
    assert config["rootfs"] == "local-zfs:basevol-9000-disk-0/subvol-101-disk-0,size=10G"
    assert config["hostname"] == "copy"
    assert not {"lock", "template"} & set(config)


def test_the_source_is_locked_and_the_copy_shows_its_marks_at_once(slow: Lab) -> None:
    upid = slow.root.post(slow.ct(9000, "/clone"), newid=101, hostname="fresh", description="marker: 1").data
    copy = slow.config(101)
    assert (copy["lock"], copy["hostname"], copy["description"]) == ("create", "fresh", "marker: 1\n")
    assert "rootfs" not in copy
    assert slow.config(9000)["lock"] == "disk"
    assert slow.root.post(slow.ct(9000, "/clone"), newid=102).refusal == LOCKED
    assert slow.root.put(slow.ct(9000, "/config"), onboot=1).refusal == LOCKED
    assert slow.root.put(slow.ct(101, "/config"), tags="x").refusal == (500, "CT is locked (create)")
    assert slow.root.delete(slow.ct(101), force=1, purge=1).refusal == (500, "CT is locked (create)")
    assert slow.wait(upid) == "OK"
    assert "lock" not in slow.config(9000)
    assert slow.root.get("/cluster/nextid", vmid=102).status == 200


def test_a_pool_token_sees_its_clone_when_the_task_has_ended(slow: Lab) -> None:
    upid = slow.limited.post(slow.ct(9000, "/clone"), newid=101, pool="winux").data
    assert slow.limited.get(slow.ct(101, "/config")).status == 403
    slow.wait(upid)
    assert slow.limited.get(slow.ct(101, "/config")).status == 200


def test_what_a_clone_copies(lab: Lab) -> None:
    net0 = "name=eth0,bridge=vmbr0,ip=10.99.0.50/24"
    lab.create(hostname="source", tags="t", description="d", net0=net0, onboot=1, protection=1)
    assert lab.done(lab.root.post(lab.ct(100, "/clone"), newid=101)) == "OK"
    source, copy = lab.config(100), lab.config(101)
    for key in ("hostname", "tags", "description", "memory", "cores", "swap", "onboot", "protection", "unprivileged"):
        assert copy[key] == source[key], key
    assert copy["net0"] != source["net0"]
    assert "ip=10.99.0.50/24" in copy["net0"]
    assert copy["rootfs"] == "local:101/vm-101-disk-0.raw,size=1G"


@pytest.mark.parametrize(
    ("source", "params", "refusal"),
    [
        (777, {}, (500, "Configuration file 'nodes/pve1/lxc/777.conf' does not exist")),
        (100, {"full": 0}, (500, "Linked clone feature for 'local:100/vm-100-disk-0.raw' is not available")),
        (9000, {"storage": "local"}, (500, "parameter 'storage' not allowed for linked clones")),
        (9000, {"newid": 100}, (500, "CT 100 already exists on node 'pve1'")),
        (9000, {"pool": "nopool"}, (403, "Permission check failed (pool 'nopool' does not exist)")),
        (9000, {"tags": "x"}, (400, "Parameter verification failed.")),
        (9000, {"hostname": "a_b"}, (400, "Parameter verification failed.")),
    ],
)
def test_clones_that_are_refused_leave_no_lock(
    lab: Lab, source: int, params: dict[str, object], refusal: tuple[int, str]
) -> None:
    lab.create()
    assert lab.root.post(lab.ct(source, "/clone"), **({"newid": 101} | params)).refusal == refusal
    assert "lock" not in lab.config(9000)
    assert lab.root.get("/cluster/nextid", vmid=101).status == 200


def test_a_running_container_cannot_be_cloned_in_full(lab: Lab) -> None:
    lab.create(start=1)
    text = "Full clone of a running container is only possible from a snapshot"
    assert lab.root.post(lab.ct(100, "/clone"), newid=101, full=1).refusal == (500, text)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"newid": 101}, "Permission check failed"),
        ({"newid": 101, "pool": "other"}, "Permission check failed"),
    ],
)
def test_a_clone_outside_its_pool_is_forbidden_without_details(lab: Lab, params: dict[str, object], text: str) -> None:
    assert lab.limited.post(lab.ct(9000, "/clone"), **params).refusal == (403, text)


def test_an_interrupted_clone_leaves_nothing(slow: Lab) -> None:
    upid = slow.root.post(slow.ct(9000, "/clone"), newid=101).data
    slow.root.delete(f"/nodes/pve1/tasks/{upid}")
    assert slow.wait(upid) == "clone failed: received interrupt"
    assert "lock" not in slow.config(9000)
    assert slow.root.get("/cluster/nextid", vmid=101).status == 200


def test_a_conversion_answers_null_and_is_a_task_all_the_same(lab: Lab) -> None:
    lab.create()
    assert lab.root.post(lab.ct(100, "/template")).document == {"data": None}
    assert lab.config(100)["template"] == 1
    assert lab.current(100)["template"] == 1
    rows = lab.root.get("/nodes/pve1/tasks", typefilter="vztemplate", vmid=100).data
    assert [row["status"] for row in rows] == ["OK"]
    again = lab.root.post(lab.ct(100, "/template"))
    assert again.refusal == (500, "you can't convert a template to a template")


def test_a_template_with_linked_clones_cannot_be_destroyed(lab: Lab) -> None:
    lab.done(lab.root.post(lab.ct(9000, "/clone"), newid=101))
    used = "base volume 'local-zfs:basevol-9000-disk-0' is still in use by linked clones"
    assert lab.done(lab.root.delete(lab.ct(9000))) == used
    assert lab.done(lab.root.delete(lab.ct(101))) == "OK"
    assert lab.done(lab.root.delete(lab.ct(9000))) == "OK"


IN_ORDER: list[tuple[dict[str, object], tuple[int, str]]] = [
    ({"pool": "nopool"}, (403, "Permission check failed (pool 'nopool' does not exist)")),
    ({"target": "pve9"}, (500, "no such cluster node 'pve9'")),
    ({"storage": "nostore"}, (500, "storage 'nostore' does not exist")),
    ({"newid": 100}, (500, "CT 100 already exists on node 'pve1'")),
    ({"storage": "local", "full": 0}, (500, "parameter 'storage' not allowed for linked clones")),
    ({"snapname": "none"}, (500, "snapshot 'none' does not exist")),
]
"""Each refusal comes before all that stand below it; a lock of the source before those of what it asks for."""


@pytest.mark.parametrize(("first", "second"), list(pairwise(IN_ORDER)), ids=lambda pair: next(iter(pair[0])))
def test_of_two_reasons_the_first_is_told(
    lab: Lab, first: tuple[dict[str, object], tuple[int, str]], second: tuple[dict[str, object], tuple[int, str]]
) -> None:
    lab.create()
    both = {"newid": 101} | second[0] | first[0]
    assert lab.root.post(lab.ct(9000, "/clone"), **both).refusal == first[1]
    lab.door.lock(9000, "backup")
    locked = lab.root.post(lab.ct(9000, "/clone"), **both).refusal
    assert locked == (first[1] if IN_ORDER.index(first) < 3 else (500, "CT is locked (backup)"))


def test_a_clone_waits_for_the_lock_of_its_sources_config(lab: Lab) -> None:
    lab.door.hold_config(9000, seconds=4)
    lab.node.settle()
    began = lab.clock.monotonic()
    assert lab.root.post(lab.ct(9000, "/clone"), newid=101).status == 200
    assert lab.clock.monotonic() - began == 4.0
    lab.door.hold_config(9000, seconds=20)
    lab.node.settle()
    timeout = "can't lock file '/run/lock/lxc/pve-config-9000.lock' - got timeout"
    assert lab.root.post(lab.ct(9000, "/clone"), newid=102).refusal == (500, timeout)


def test_every_disk_is_copied_and_a_bind_mount_is_not(lab: Lab) -> None:
    lab.create(mp0="local:2,mp=/data")
    assert lab.done(lab.root.post(lab.ct(100, "/clone"), newid=101)) == "OK"
    disks = {lab.config(101)[name].partition(",")[0] for name in ("rootfs", "mp0")}
    assert disks == {"local:101/vm-101-disk-0.raw", "local:101/vm-101-disk-1.raw"}
    lab.door.set(100, {"mp1": "/srv,mp=/srv"})
    refused = lab.root.post(lab.ct(100, "/clone"), newid=102)
    assert refused.refusal == (500, "unable to clone mountpoint 'mp1' (type bind)")
    assert "lock" not in lab.config(100)


def test_a_clone_in_progress_is_locked_for_writes(slow: Lab) -> None:
    upid = slow.root.post(slow.ct(9000, "/clone"), newid=101).data
    assert slow.root.put(slow.ct(101, "/config"), tags="a").refusal == (500, "CT is locked (create)")
    assert slow.wait(upid) == "OK"
    assert slow.root.put(slow.ct(101, "/config"), tags="a").status == 200


def test_a_clones_description_has_no_limit(lab: Lab) -> None:
    assert lab.done(lab.root.post(lab.ct(9000, "/clone"), newid=101, description="x" * 9000)) == "OK"
    assert len(lab.config(101)["description"]) == 9001


def test_a_protected_source_gives_a_protected_clone(lab: Lab) -> None:
    lab.root.put(lab.ct(9000, "/config"), protection=1)
    assert lab.done(lab.root.post(lab.ct(9000, "/clone"), newid=101)) == "OK"
    assert lab.root.delete(lab.ct(101)).refusal == (500, "can't remove CT 101 - protection mode enabled")

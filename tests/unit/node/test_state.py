"""A node with a state: what is there after a restart, and what a power cut leaves of what was under way."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.engine.clock import VirtualClock
from controller.node import bootstrap
from controller.node.cluster import Cluster
from controller.node.profile import PROFILES
from controller.node.release import RELEASES
from controller.node.state import StateFile
from tests.unit.node.lab import Lab


@pytest.fixture
def file(tmp_path: Path) -> StateFile:
    return StateFile(tmp_path / "state" / "cluster.db")


def restart(lab: Lab, file: StateFile, *, version: str = "9.2") -> Lab:
    """A new process on what the file holds."""
    fresh = Lab(profile="real")
    again = Cluster(fresh.clock, profile=PROFILES["real"], release=RELEASES[version])
    bootstrap.stock(again)
    assert file.load(again)
    fresh.node.cluster = again
    fresh.node.dispatcher.cluster = again
    assert bootstrap.resume(again, first_template=9000).token == lab.node.description.token
    return fresh


def recorded(file: StateFile) -> Lab:
    """A node whose changes are noted from the start."""
    lab = Lab(profile="real")
    assert not file.load(Cluster(VirtualClock(), profile=PROFILES["real"]))
    cluster = lab.node.cluster
    cluster.journal.enabled = True
    cluster.access.changed()
    for vmid in cluster.guests:
        cluster.journal.guest(vmid)
    return lab


def test_its_file_is_for_its_owner_only(tmp_path: Path) -> None:
    StateFile(tmp_path / "cluster.db").close()
    assert stat.S_IMODE((tmp_path / "cluster.db").stat().st_mode) == 0o600


def test_finished_operations_are_not_lost(file: StateFile) -> None:
    lab = recorded(file)
    lab.create(100, pool="winux", hostname="kept", description="a\nb", tags="t", protection=1)
    lab.create(101)
    lab.done(lab.root.delete(lab.ct(101)))
    upid = lab.begin(102, client=lab.limited, pool="winux")
    lab.wait(upid)
    config = lab.config(100)
    file.save(lab.node.cluster)
    again = restart(lab, file)
    assert again.config(100) == config
    assert again.root.get("/cluster/nextid", vmid=101).status == 200
    assert again.limited.get(again.ct(102, "/config")).status == 200
    assert again.status(upid, client=again.limited).data["exitstatus"] == "OK"
    assert [row["vmid"] for row in again.root.get("/pools", poolid="winux").data[0]["members"]] == [100, 102]


def test_tasks_stay_in_the_order_of_their_ends(file: StateFile) -> None:
    lab = recorded(file)
    slow = lab.root.post(lab.ct(9000, "/clone"), newid=100).data
    lab.wait(quick := lab.begin(101))
    lab.wait(slow)
    lab.wait(last := lab.root.delete(lab.ct(101)).data)
    order = [row["upid"] for row in lab.root.get("/nodes/pve1/tasks").data]
    assert set(order) == {slow, quick, last}
    file.save(lab.node.cluster)
    again = restart(lab, file)
    assert [row["upid"] for row in again.root.get("/nodes/pve1/tasks").data] == order


@pytest.mark.parametrize(
    ("begin", "locks"),
    [
        (lambda lab: lab.begin(100), {100: "create"}),
        (lambda lab: lab.root.post(lab.ct(9000, "/clone"), newid=100).data, {100: "create", 9000: "disk"}),
    ],
)
def test_what_was_under_way_is_killed_and_leaves_its_locks(
    file: StateFile, begin: Callable[[Lab], str], locks: dict[int, str]
) -> None:
    lab = recorded(file)
    upid = begin(lab)
    file.save(lab.node.cluster)
    again = restart(lab, file)
    assert again.status(upid).data["exitstatus"] == "unexpected status"
    assert {vmid: again.config(vmid)["lock"] for vmid in locks} == locks


def test_containers_are_stopped_but_for_those_that_start_at_boot(file: StateFile) -> None:
    lab = recorded(file)
    lab.create(100, start=1)
    lab.create(101, start=1, onboot=1)
    file.save(lab.node.cluster)
    again = restart(lab, file)
    assert [again.current(vmid)["status"] for vmid in (100, 101)] == ["stopped", "running"]


def test_rights_that_were_changed_stay_changed(file: StateFile) -> None:
    lab = recorded(file)
    lab.root.put("/access/acl", path="/vms", roles="PVEAuditor", users="winux@pve", propagate=0)
    lab.root.post("/pools", poolid="other", comment="c")
    lab.door.set_role("WinuxNetwork", frozenset())
    held = lab.limited.get("/access/permissions").data
    file.save(lab.node.cluster)
    again = restart(lab, file)
    assert again.limited.get("/access/permissions").data == held
    assert {"poolid": "other", "comment": "c"} in again.root.get("/pools").data


def test_options_of_the_cluster_stay(file: StateFile) -> None:
    lab = recorded(file)
    lab.root.put("/cluster/options", **{"next-id": "lower=500", "registered-tags": "vip"})
    file.save(lab.node.cluster)
    again = restart(lab, file)
    assert again.root.get("/cluster/nextid").data == "500"
    assert again.root.get("/cluster/options").data["registered-tags"] == ["vip"]


@pytest.mark.parametrize(("version", "known"), [("8.4", True), ("9.2", False)])
def test_built_in_roles_are_those_of_the_release_that_starts(file: StateFile, version: str, known: bool) -> None:
    lab = recorded(file)
    lab.root.post("/access/roles", roleid="mine", privs="VM.Audit")
    file.save(lab.node.cluster)
    again = restart(lab, file, version=version)
    assert ("VM.Monitor" in again.root.get("/access/roles/PVEVMAdmin").data) is known
    assert again.root.get("/access/roles/mine").data == {"VM.Audit": 1}


def test_nothing_is_noted_where_nobody_saves(lab: Lab) -> None:
    lab.create()
    assert not lab.node.cluster.journal.pending

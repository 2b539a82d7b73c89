"""Destroys: what protects a container, and what is gone with it."""

from __future__ import annotations

import pytest

from tests.unit.node.lab import Lab

EVERY_WAY: list[dict[str, object]] = [{}, {"force": 1, "purge": 1}]


def gone(vmid: int) -> str:
    return f"Configuration file 'nodes/pve1/lxc/{vmid}.conf' does not exist"


def test_a_destroyed_container_is_unknown_and_its_vmid_free(lab: Lab) -> None:
    upid = lab.root.delete(lab.ct(lab.create())).data
    assert upid.split(":")[5:7] == ["vzdestroy", "100"]
    assert lab.wait(upid) == "OK"
    assert lab.root.get(lab.ct(100, "/status/current")).refusal == (500, gone(100))
    assert lab.root.get("/cluster/nextid", vmid=100).status == 200
    assert lab.row(100) is None


@pytest.mark.parametrize("params", [{}, {"force": 0}, {"purge": 1}])
def test_a_running_container_is_not_destroyed_without_force(lab: Lab, params: dict[str, object]) -> None:
    lab.create(start=1)
    answer = lab.root.delete(lab.ct(100), **params)
    assert answer.refusal == (500, "unable to destroy CT 100 - container is running")


def test_force_stops_it_first_and_says_so(lab: Lab) -> None:
    lab.create(start=1)
    upid = lab.root.delete(lab.ct(100), force=1, purge=1).data
    assert lab.wait(upid) == "OK"
    assert "forced to stop CT 100 before destroying!" in lab.log(upid)


@pytest.mark.parametrize("params", EVERY_WAY)
def test_protection_refuses_every_destroy_until_it_is_taken_off(lab: Lab, params: dict[str, object]) -> None:
    lab.create(protection=1, start=1)
    answer = lab.root.delete(lab.ct(100), **params)
    assert answer.refusal == (500, "can't remove CT 100 - protection mode enabled")
    lab.root.put(lab.ct(100, "/config"), protection=0, digest=lab.config(100)["digest"])
    assert lab.done(lab.root.delete(lab.ct(100), force=1)) == "OK"


@pytest.mark.parametrize("params", EVERY_WAY)
@pytest.mark.parametrize("lock", ["create", "destroyed"])
def test_no_token_removes_a_locked_container(lab: Lab, lock: str, params: dict[str, object]) -> None:
    lab.create()
    lab.door.lock(100, lock)
    assert lab.root.delete(lab.ct(100), **params).refusal == (500, f"CT is locked ({lock})")


def test_of_parallel_destroys_all_are_accepted_and_one_finds_something(slow: Lab) -> None:
    slow.create(start=1)
    slow.clock.advance(10)
    upids = [slow.root.delete(slow.ct(100), force=1).data for _ in range(2)]
    assert [slow.wait(upid) for upid in upids] == ["OK", gone(100)]


def test_membership_and_access_lists_go_with_the_container(lab: Lab) -> None:
    lab.create(pool="winux")
    lab.root.put("/access/acl", path="/vms/100", roles="PVEVMUser", users="winux@pve")
    assert "/vms/100" in lab.node.cluster.access.acl
    lab.done(lab.root.delete(lab.ct(100)))
    assert "/vms/100" not in lab.node.cluster.access.acl
    assert lab.root.get("/pools", poolid="winux").data[0]["members"] == []


def test_to_a_pool_token_a_destroyed_container_is_forbidden_not_missing(lab: Lab) -> None:
    lab.create(client=lab.limited, pool="winux")
    assert lab.wait(lab.limited.delete(lab.ct(100)).data) == "OK"
    assert lab.limited.get(lab.ct(100, "/config")).refusal == (403, "Permission check failed (/vms/100, VM.Audit)")
    assert lab.limited.get("/cluster/nextid", vmid=100).status == 200


def test_a_digest_is_no_parameter_of_a_destroy(lab: Lab) -> None:
    answer = lab.root.delete(lab.ct(lab.create()), digest="0" * 40)
    assert set(answer.document["errors"]) == {"digest"}


def test_without_quorum_the_task_fails_and_the_container_stays(lab: Lab) -> None:
    lab.create()
    lab.door.set_quorum(quorate=False)
    assert lab.done(lab.root.delete(lab.ct(100))).endswith("Permission denied")
    assert lab.current(100)["status"] == "stopped"

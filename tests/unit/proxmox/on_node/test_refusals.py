"""What Proxmox refuses, and the error that each refusal is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from controller.node.faults import Fault, FaultKind
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.classify import task_failed
from controller.proxmox.port import (
    AlreadyExists,
    AlreadyRunning,
    BadRequest,
    Conflict,
    Forbidden,
    Locked,
    NotFound,
    NotRunning,
    Protected,
    Proxmox,
    Transient,
)

NODE, OTHER = "pve1", "pve2"

Lab = Any
"""The lab of conftest.py, which tests cannot import."""


def test_a_vmid_that_is_taken(lab: Lab, port: ProxmoxAdapter, stopped: int) -> None:
    with pytest.raises(AlreadyExists) as caught:
        port.create(NODE, lab.request(stopped))
    assert str(caught.value) == (
        f"Proxmox refused to create container {stopped} on {NODE}: CT {stopped} already exists on node '{NODE}'"
    )
    assert (caught.value.operation, caught.value.node, caught.value.vmid) == ("create", NODE, stopped)
    with pytest.raises(AlreadyExists):
        port.create(OTHER, lab.request(stopped))
    with pytest.raises(AlreadyExists):
        port.clone(NODE, lab.about.templates[0], lab.clone_request(stopped))


def test_a_vmid_of_a_virtual_machine_is_taken_too(lab: Lab, port: ProxmoxAdapter) -> None:
    vmid = lab.vmid()
    lab.door(lambda door: door.add(vmid, {}, kind="qemu"))
    assert not port.vmid_is_free(vmid)
    with pytest.raises(AlreadyExists, match=f"VM {vmid} already exists"):
        port.create(NODE, lab.request(vmid))


def test_what_is_locked(lab: Lab, port: ProxmoxAdapter, stopped: int) -> None:
    lab.door(lambda door: door.lock(stopped, "backup"))
    with pytest.raises(Locked) as caught:
        port.update(NODE, stopped, {"cores": 2}, digest=port.config(NODE, stopped).digest)
    assert caught.value.lock == "backup"
    lab.door(lambda door: door.set(stopped, {"protection": None}))
    with pytest.raises(Locked):
        port.delete(NODE, stopped)
    assert port.config(NODE, stopped).lock == "backup"
    assert port.status(NODE, stopped).lock == "backup"

    task = lab.ended(port, port.start(NODE, stopped))
    failure = task_failed(task)
    assert isinstance(failure, Locked)
    assert failure.lock == "backup"
    assert str(failure) == f"The task vzstart of container {stopped} on {NODE} failed: CT is locked (backup)"


def test_a_template_is_locked_while_it_is_cloned(
    lab: Lab, port: ProxmoxAdapter, broken: Callable[[Fault], None]
) -> None:
    template = lab.about.templates[0]
    broken(Fault(kind=FaultKind.SLOW_TASK, operation="clone", seconds=600, count=1))
    upid = port.clone(NODE, template, lab.clone_request(lab.vmid()))
    with pytest.raises(Locked) as caught:
        port.clone(NODE, template, lab.clone_request(lab.vmid()))
    assert caught.value.lock == "disk"
    lab.door(lambda door: door.kill_task(upid))
    assert not lab.ended(port, upid).ok
    lab.door(lambda door: door.unlock(template))
    lab.done(port, port.clone(NODE, template, lab.clone_request(lab.vmid())))


def test_what_is_protected(port: ProxmoxAdapter, stopped: int) -> None:
    with pytest.raises(Protected, match="protection mode enabled"):
        port.delete(NODE, stopped)
    assert port.config(NODE, stopped).protection


def test_a_digest_that_is_not_the_current_one(port: ProxmoxAdapter, stopped: int) -> None:
    digest = port.config(NODE, stopped).digest
    port.update(NODE, stopped, {"cores": 2}, digest=digest)
    with pytest.raises(Conflict):
        port.update(NODE, stopped, {"protection": 0}, digest=digest)
    with pytest.raises(Conflict):
        port.resize(NODE, stopped, 8, digest=digest)
    config = port.config(NODE, stopped)
    assert (config.protection, config.disk_gib) == (True, 4)


def test_what_runs_already_and_what_does_not_run(lab: Lab, port: ProxmoxAdapter, running: int) -> None:
    with pytest.raises(AlreadyRunning):
        port.start(NODE, running)
    lab.done(port, port.shutdown(NODE, running, timeout=10))
    with pytest.raises(NotRunning):
        port.shutdown(NODE, running, timeout=10)


GONE: dict[str, Callable[[Proxmox, int], object]] = {
    "config": lambda port, vmid: port.config(NODE, vmid),
    "status": lambda port, vmid: port.status(NODE, vmid),
    "update": lambda port, vmid: port.update(NODE, vmid, {"cores": 1}, digest="abc"),
    "resize": lambda port, vmid: port.resize(NODE, vmid, 8, digest="abc"),
    "delete": lambda port, vmid: port.delete(NODE, vmid),
}


@pytest.mark.parametrize("call", GONE.values(), ids=GONE)
def test_what_is_gone_is_not_found_with_all_rights_and_forbidden_with_few(
    lab: Lab, full: ProxmoxAdapter, limited: ProxmoxAdapter, call: Callable[[Proxmox, int], object]
) -> None:
    vmid = lab.vmid()
    if call is not GONE["resize"]:  # it forks before it looks (since 8.0)
        with pytest.raises(NotFound) as caught:
            call(full, vmid)
        assert (caught.value.node, caught.value.vmid) == (NODE, vmid)
    with pytest.raises(Forbidden):
        call(limited, vmid)


def test_a_clone_of_what_is_gone_says_which(lab: Lab, full: ProxmoxAdapter) -> None:
    vmid = lab.vmid()
    with pytest.raises(NotFound) as caught:
        full.clone(NODE, 29999, lab.clone_request(vmid))
    assert caught.value.vmid == 29999


def test_a_start_of_what_is_gone_fails_in_its_task(lab: Lab, full: ProxmoxAdapter) -> None:
    assert isinstance(task_failed(lab.ended(full, full.start(NODE, lab.vmid()))), NotFound)


def test_a_container_that_moved_is_not_found_on_its_old_node(
    lab: Lab, full: ProxmoxAdapter, limited: ProxmoxAdapter, stopped: int
) -> None:
    lab.door(lambda door: door.migrate(stopped, OTHER))
    for port in (full, limited):
        with pytest.raises(NotFound):
            port.config(NODE, stopped)
        assert {row.vmid: row.node for row in port.resources()}[stopped] == OTHER
        assert port.config(OTHER, stopped).node == OTHER


def test_what_the_token_may_not(lab: Lab, full: ProxmoxAdapter, limited: ProxmoxAdapter) -> None:
    foreign = lab.vmid()
    lab.door(lambda door: door.add(foreign, {"hostname": "foreign"}))
    for call in (
        lambda: limited.config(NODE, foreign),
        lambda: limited.update(NODE, foreign, {"cores": 1}, digest=full.config(NODE, foreign).digest),
        lambda: limited.delete(NODE, foreign),
        lambda: limited.start(NODE, foreign),
        lambda: limited.addresses(NODE, foreign),
        lambda: limited.create(NODE, replace(lab.request(lab.vmid()), pool="nopool")),
    ):
        with pytest.raises(Forbidden, match="Permission check failed"):
            call()
    assert foreign not in {row.vmid for row in limited.resources()}
    assert foreign in {row.vmid for row in full.resources()}


def test_a_container_that_left_the_pool_is_forbidden_not_gone(lab: Lab, limited: ProxmoxAdapter, stopped: int) -> None:
    lab.door(lambda door: door.join_pool(stopped, None))
    with pytest.raises(Forbidden):
        limited.config(NODE, stopped)
    assert not limited.vmid_is_free(stopped)


def test_bad_parameters_are_named(lab: Lab, port: ProxmoxAdapter, stopped: int) -> None:
    with pytest.raises(BadRequest) as caught:
        port.create(NODE, replace(lab.request(lab.vmid()), hostname="a_b", memory_mib=15))
    assert caught.value.errors == {
        "hostname": "invalid format - value does not look like a valid DNS name",
        "memory": "value must have a minimum value of 16",
    }
    with pytest.raises(BadRequest) as caught:
        port.update(NODE, stopped, {"nonsense": 1}, digest=port.config(NODE, stopped).digest)
    assert set(caught.value.errors) == {"nonsense"}
    with pytest.raises(BadRequest) as caught:
        port.vmid_is_free(99)
    assert set(caught.value.errors) == {"vmid"}


def test_a_storage_that_does_not_exist(lab: Lab, full: ProxmoxAdapter) -> None:
    with pytest.raises(BadRequest) as caught:
        full.create(NODE, replace(lab.request(lab.vmid()), storage="nostore"))
    assert caught.value.errors == {"storage": "storage 'nostore' does not exist"}


def test_an_archive_that_is_missing_fails_in_its_task(lab: Lab, port: ProxmoxAdapter) -> None:
    vmid = lab.vmid()
    task = lab.ended(port, port.create(NODE, replace(lab.request(vmid), archive="local:vztmpl/none.tar.zst")))
    assert type(task_failed(task)) is Transient
    assert port.vmid_is_free(vmid)

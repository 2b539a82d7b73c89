"""Every method of the port against the node, over HTTPS, with all rights and with rights on a pool only."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from controller.engine.clock import SystemClock
from controller.node.faults import Fault, FaultKind
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.classify import task_failed
from controller.proxmox.limits import Limited
from controller.proxmox.port import (
    BadRequest,
    Forbidden,
    NodeRow,
    NotFound,
    OutcomeUnknown,
    ProxmoxError,
)

NODE, OTHER = "pve1", "pve2"
UNKNOWN_TASK = "UPID:pve1:00000001:00000001:00000001:vzcreate:100:root@pam!winux:"

Lab = Any
"""The lab of conftest.py, which tests cannot import."""


# what there is


def test_the_cluster_is_described(lab: Lab, port: ProxmoxAdapter) -> None:
    assert port.version() == "9.2"
    assert port.nodes() == (NodeRow(NODE, True), NodeRow(OTHER, True))
    assert port.pools() == (lab.about.pool,)
    assert lab.about.bridge in port.bridges(NODE)
    storages = {row.name: row for row in port.storages(NODE)}
    assert storages[lab.about.storage].active
    assert "rootdir" in storages[lab.about.storage].content
    assert lab.about.ostemplate in port.archives(NODE, lab.about.storage)


def test_the_pinned_fingerprint_is_enough(lab: Lab) -> None:
    endpoint = replace(lab.endpoint(lab.about.token), ca_file=None, fingerprint=lab.about.fingerprint)
    assert ProxmoxAdapter(endpoint).version() == "9.2"


# a life


def test_a_container_lives_and_dies(lab: Lab, port: ProxmoxAdapter, full: ProxmoxAdapter) -> None:
    vmid = lab.vmid()
    assert port.vmid_is_free(vmid)
    created = lab.done(port, port.create(NODE, lab.request(vmid)))
    assert (created.kind, created.id, created.node) == ("vzcreate", str(vmid), NODE)
    assert not port.vmid_is_free(vmid)

    config = port.config(NODE, vmid)
    assert config.description == f"owner: alice\n100 % of {vmid}"
    assert (config.hostname, config.cores, config.memory_mib, config.disk_gib) == (f"desk-{vmid}", 1, 512, 4)
    assert (config.protection, config.lock, config.template) == (True, None, False)
    assert config.raw["unprivileged"] == 1
    assert config.raw["features"] == "nesting=1"
    assert config.raw["nameserver"] == "1.1.1.1"
    assert config.net0 is not None
    assert "ip=dhcp" in config.net0
    assert "hunter" not in repr(config)

    (row,) = [row for row in port.resources() if row.vmid == vmid]
    assert (row.kind, row.node, row.pool, row.lock, row.template) == ("lxc", NODE, lab.about.pool, None, False)

    port.update(NODE, vmid, {"cores": 2, "memory": 1024, "description": "other"}, digest=config.digest)
    changed = port.config(NODE, vmid)
    assert (changed.cores, changed.memory_mib, changed.description) == (2, 1024, "other")
    assert changed.digest != config.digest
    lab.done(port, port.resize(NODE, vmid, 6, digest=changed.digest))
    assert port.config(NODE, vmid).disk_gib == 6

    assert port.status(NODE, vmid).status == "stopped"
    assert port.addresses(NODE, vmid) == ()
    assert lab.done(port, port.start(NODE, vmid)).kind == "vzstart"
    assert port.status(NODE, vmid).status == "running"
    (address,) = port.addresses(NODE, vmid)
    assert ipaddress.ip_address(address)
    lab.done(port, port.shutdown(NODE, vmid, timeout=30))
    assert port.status(NODE, vmid).status == "stopped"

    lab.done(port, port.start(NODE, vmid))
    port.update(NODE, vmid, {"protection": 0}, digest=port.config(NODE, vmid).digest)
    assert lab.done(port, port.delete(NODE, vmid)).kind == "vzdestroy"
    assert port.vmid_is_free(vmid)
    with pytest.raises(NotFound):
        full.config(NODE, vmid)
    assert vmid not in {row.vmid for row in port.resources()}


def test_a_clone_lives_too(lab: Lab, port: ProxmoxAdapter) -> None:
    vmid, template = lab.vmid(), lab.about.templates[0]
    task = lab.done(port, port.clone(NODE, template, lab.clone_request(vmid)))
    assert (task.kind, task.id) == ("vzclone", str(template))
    config = port.config(NODE, vmid)
    assert (config.hostname, config.description) == (f"desk-{vmid}", f"clone {vmid}")
    assert port.config(NODE, template).template
    assert {row.vmid: row.pool for row in port.resources()}[vmid] == lab.about.pool


def test_a_create_with_start_starts(lab: Lab, port: ProxmoxAdapter) -> None:
    vmid = lab.vmid()
    lab.done(port, port.create(NODE, replace(lab.request(vmid), start=True)))
    clock, never = SystemClock(), threading.Event()
    for _ in range(500):
        if port.status(NODE, vmid).status == "running":
            break
        clock.wait(never, 0.01)
    assert port.status(NODE, vmid).status == "running"


# tasks


def test_the_tokens_own_tasks_are_found(lab: Lab, port: ProxmoxAdapter) -> None:
    before = SystemClock().now()
    vmid = lab.vmid()
    upid = port.create(NODE, lab.request(vmid))
    task = lab.done(port, upid)
    assert upid not in {active.upid for active in port.active_tasks(NODE)}
    assert port.find_tasks(NODE, vmid=vmid, since=before) == (task,)
    assert task in port.find_tasks(NODE, vmid=None, since=before)
    assert port.find_tasks(NODE, vmid=vmid, since=before + 60) == ()
    assert port.find_tasks(NODE, vmid=None, since=before + 60) == ()
    assert port.find_tasks(NODE, vmid=lab.vmid(), since=before) == ()
    assert port.task_log(upid)[-1] == "TASK OK"
    assert len(port.task_log(upid, lines=1)) == 1


def test_a_task_that_runs_is_seen_by_its_token_only(
    lab: Lab, full: ProxmoxAdapter, limited: ProxmoxAdapter, broken: Callable[[Fault], None]
) -> None:
    broken(Fault(kind=FaultKind.SLOW_TASK, operation="create", seconds=600))
    vmid = lab.vmid()
    upid = limited.create(NODE, lab.request(vmid))
    (task,) = [task for task in limited.active_tasks(NODE) if task.upid == upid]
    assert task.running
    assert task in limited.find_tasks(NODE, vmid=vmid, since=task.started)
    assert upid not in {task.upid for task in full.active_tasks(NODE)}
    assert not limited.vmid_is_free(vmid)
    with pytest.raises(Forbidden):
        limited.config(NODE, vmid)
    stub = full.config(NODE, vmid)
    assert (stub.lock, stub.description) == ("create", "")
    lab.door(lambda door: door.kill_task(upid))
    killed = lab.ended(limited, upid)
    assert killed.exit_status == "unexpected status"
    assert isinstance(task_failed(killed), OutcomeUnknown)


def test_tasks_that_are_unknown_or_foreign_or_none(
    lab: Lab, port: ProxmoxAdapter, full: ProxmoxAdapter, limited: ProxmoxAdapter
) -> None:
    assert full.task_status(UNKNOWN_TASK) is None
    assert full.task_log(UNKNOWN_TASK) == ()
    with pytest.raises(BadRequest, match="is not the id of a Proxmox task"):
        port.task_status("nonsense")
    vmid = lab.vmid()
    foreign = full.create(NODE, lab.request(vmid))
    with pytest.raises(Forbidden):
        limited.task_status(foreign)
    lab.done(full, foreign)


# many threads


def test_threads_share_an_adapter_within_its_limits(full: ProxmoxAdapter) -> None:
    port = Limited(full, 2, cluster=2)
    found: list[object] = []

    def work() -> None:
        for _ in range(5):
            found.append(port.active_tasks(NODE))
            found.append(port.nodes())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert max(port.most_in_flight.values()) <= 2


def test_every_error_is_one_of_the_ports(lab: Lab, full: ProxmoxAdapter, broken: Callable[[Fault], None]) -> None:
    for status in (400, 401, 403, 404, 500, 501, 502, 595, 596, 599):
        broken(Fault(kind=FaultKind.ERROR, operation="config", count=1, status=status, text="strange"))
        with pytest.raises(ProxmoxError, match="read the configuration of container 9000"):
            full.config(NODE, lab.about.templates[0])

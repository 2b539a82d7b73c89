"""The node's process is killed by SIGKILL, as by a power cut, and started again with the state that it had."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import quote

import pytest
import requests

from tests.e2e.node import Node
from tests.e2e.pve import Administrator
from tests.e2e.waiting import until

Row = dict[str, object]
AGES = 600.0
"""Seconds that slowed tasks take: none of them ends within a test."""


class Machine:
    """A node at one address with one state, for as many starts as there are power cuts."""

    def __init__(self, *, profile: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="wx"))
        self.state = self.directory / "state"
        self._profile = profile
        # An address of its own: its port stays free for it while it is down.
        self._listen = f"127.20.{os.getpid() >> 8 & 255}.{os.getpid() & 255}:0"
        self._starts = 0
        self.node = self._start()
        self._listen = self.node.url.removeprefix("https://")

    def _start(self) -> Node:
        self._starts += 1
        return Node(
            self.directory,
            profile=self._profile,
            listen=self._listen,
            more=["--state", str(self.state)],
            name=f"node-{self._starts}",
        )

    def kill(self) -> None:
        self.node.process.kill()
        self.node.admin.close()

    def start(self) -> None:
        self.node = self._start()

    def power_cut(self) -> None:
        self.kill()
        self.start()

    def end(self) -> None:
        self.node.end()
        shutil.rmtree(self.directory, ignore_errors=True)

    # -- what is there -----------------------------------------------------------------------------------------

    @property
    def admin(self) -> Administrator:
        return self.node.admin

    def call(self, method: str, path: str, /, **parameters: str | int) -> object:
        return self.admin.call(method, f"/nodes/pve1{path}", **parameters)

    def begin(self, method: str, path: str, /, **parameters: str | int) -> str:
        """A call that starts a task; returns the UPID."""
        return str(self.call(method, path, **parameters))

    def task(self, upid: str) -> Row:
        return cast(Row, self.call("GET", f"/tasks/{quote(upid, safe='')}/status"))

    def ended(self, upid: str) -> str:
        until(lambda: self.task(upid)["status"] == "stopped", what=f"{upid} ends")
        return str(self.task(upid)["exitstatus"])

    def log(self, upid: str) -> list[object]:
        return [line["t"] for line in cast(list[Row], self.call("GET", f"/tasks/{quote(upid, safe='')}/log"))]

    def create(self, vmid: int, **more: str | int) -> str:
        archive = str(self.node.description["ostemplate"])
        given: dict[str, str | int] = {"vmid": vmid, "ostemplate": archive, "rootfs": "local:1"}
        return self.begin("POST", "/lxc", **(given | more))

    def config(self, vmid: int) -> Row:
        return cast(Row, self.call("GET", f"/lxc/{vmid}/config"))

    def runs(self, vmid: int) -> bool:
        return cast(Row, self.call("GET", f"/lxc/{vmid}/status/current"))["status"] == "running"

    def refused(self, method: str, path: str, **parameters: str) -> str:
        """The reason of a call that has to fail."""
        with pytest.raises(AssertionError) as refusal:
            self.call(method, path, **parameters)
        return str(refusal.value).partition(": ")[2]


@pytest.fixture
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    machine = Machine(profile=getattr(request, "param", "instant"))
    try:
        yield machine
    finally:
        machine.end()


def test_everything_that_was_finished_is_there_again(machine: Machine) -> None:
    pool = str(machine.node.description["pool"])
    made = machine.create(100, pool=pool, hostname="alice", tags="b;a", description="a desk", onboot=1, start=1)
    assert machine.ended(made) == "OK"
    assert machine.ended(machine.create(101, start=1)) == "OK"
    assert machine.ended(machine.begin("POST", "/lxc/9000/clone", newid=102, hostname="cloned")) == "OK"
    assert machine.ended(machine.create(103)) == "OK"
    assert machine.ended(machine.begin("DELETE", "/lxc/103")) == "OK"
    failed = machine.create(104, ostemplate="local:vztmpl/no-such.tar.zst")
    assert "does not exist" in machine.ended(failed)
    machine.call("PUT", "/lxc/101/config", memory=2048, protection=1)
    machine.admin.call("POST", "/access/users", userid="bob@pve")
    machine.admin.call("PUT", "/access/acl", path="/vms/101", users="bob@pve", roles="PVEVMUser")
    machine.admin.act(102, "lock", lock="backup")

    def told() -> dict[str, object]:
        return {
            "configs": {vmid: machine.config(vmid) for vmid in (100, 101, 102, 9000)},
            "members": machine.admin.call("GET", f"/pools/{pool}"),
            "tasks": sorted(
                cast(list[Row], machine.call("GET", "/tasks", limit=100)), key=lambda row: str(row["upid"])
            ),
            "logs": [machine.log(upid) for upid in (made, failed)],
            "rights": machine.admin.call("GET", "/access/acl"),
            "users": machine.admin.call("GET", "/access/users"),
            "next": machine.admin.call("GET", "/cluster/nextid"),
        }

    until(lambda: machine.runs(100) and machine.runs(101), what="both run")
    before = told()
    machine.power_cut()
    after = told()
    for what in before.keys() - {"members"}:
        assert after[what] == before[what], what
    members = cast("dict[str, list[Row]]", after["members"])["members"]
    assert [member["vmid"] for member in members] == [100]
    assert machine.runs(100), "it starts at boot"
    assert not machine.runs(101), "a power cut stops what does not start at boot"


@dataclass(frozen=True)
class UnderWay:
    """An operation that a power cut interrupts: how it is called, and which locks it leaves behind."""

    operation: str
    method: str
    path: str
    parameters: dict[str, str | int]
    locks: dict[int, str] = field(default_factory=dict)


OPERATIONS = [
    UnderWay("create", "POST", "/lxc", {"vmid": 200, "rootfs": "local:1"}, {200: "create"}),
    UnderWay("clone", "POST", "/lxc/9000/clone", {"newid": 201}, {9000: "disk", 201: "create"}),
    UnderWay("start", "POST", "/lxc/100/status/start", {}),
    UnderWay("stop", "POST", "/lxc/101/status/stop", {}),
    UnderWay("delete", "DELETE", "/lxc/102", {}),
]


def test_what_was_under_way_ends_as_on_a_real_reboot(machine: Machine) -> None:
    for vmid in (100, 101, 102):
        assert machine.ended(machine.create(vmid, start=int(vmid == 101))) == "OK"
    until(lambda: machine.runs(101), what="one of them runs")
    upids = {}
    archive = str(machine.node.description["ostemplate"])
    for one in OPERATIONS:
        machine.admin.fault("slow-task", operation=one.operation, seconds=AGES, count=1)
        given = {"ostemplate": archive} if one.operation == "create" else {}
        upids[one.operation] = machine.begin(one.method, one.path, **(one.parameters | given))
    assert {operation: machine.task(upid)["status"] for operation, upid in upids.items()} == dict.fromkeys(
        upids, "running"
    )
    machine.power_cut()

    for operation, upid in upids.items():
        task = machine.task(upid)
        assert (task["status"], task["exitstatus"]) == ("stopped", "unexpected status"), operation
        assert not any("TASK" in str(line) for line in machine.log(upid)), operation
    assert machine.call("GET", "/tasks", source="active") == []
    left = {vmid: lock for one in OPERATIONS for vmid, lock in one.locks.items()}
    assert {vmid: machine.config(vmid)["lock"] for vmid in left} == left
    assert set(machine.config(200)) == {"lock", "digest"}, "a create that was cut off shows nothing but its lock"
    assert machine.refused("DELETE", "/lxc/200", force="1") == "500 CT is locked (create)"
    assert machine.refused("PUT", "/lxc/201/config", delete="lock").startswith("500 ")
    assert machine.refused("POST", "/lxc/9000/clone", newid="300") == "500 CT is locked (disk)"

    assert not machine.runs(100)
    assert not machine.runs(101)
    assert machine.ended(machine.begin("POST", "/lxc/100/status/start")) == "OK"
    assert machine.ended(machine.begin("DELETE", "/lxc/102")) == "OK"

    machine.admin.act(9000, "unlock")
    assert machine.ended(machine.begin("POST", "/lxc/9000/clone", newid=300)) == "OK"


def test_a_second_power_cut_changes_nothing_more(machine: Machine) -> None:
    machine.admin.fault("slow-task", operation="create", seconds=AGES)
    upid = machine.create(100)
    machine.power_cut()
    once = machine.task(upid), machine.config(100)
    machine.power_cut()
    assert (machine.task(upid), machine.config(100)) == once


def test_a_client_goes_on_with_its_token_and_its_authority(machine: Machine) -> None:
    """Without being told anything: same address, same authority, same secret, same fingerprint."""
    before, written = machine.node.description, machine.node.config.read_text(encoding="utf-8")
    trusted = machine.directory / "kept-by-the-client.pem"
    shutil.copy(str(before["ca"]), trusted)
    with requests.Session() as client:
        client.trust_env = False
        client.verify = str(trusted)
        client.headers["Authorization"] = f"PVEAPIToken={before['pool_token']}"
        resources = f"{machine.node.url}/api2/json/cluster/resources"
        assert client.get(resources, timeout=10).status_code == 200
        machine.kill()
        with pytest.raises(requests.ConnectionError):
            client.get(resources, timeout=10)
        machine.start()
        assert client.get(resources, timeout=10).status_code == 200
    assert machine.node.description == before
    assert machine.node.config.read_text(encoding="utf-8") == written


# -- killed at any moment --------------------------------------------------------------------------------------


@dataclass
class Ledger:
    """What one client was told about its containers; ``None`` is a container that is gone."""

    told: dict[int, str | None] = field(default_factory=dict)
    asked: dict[int, str | None] = field(default_factory=dict)
    """Calls of which no answer came."""
    tasks: list[str] = field(default_factory=list)


class Tenant:
    """Makes, renames and destroys containers, one call after the other, until nobody answers any more."""

    def __init__(self, machine: Machine, vmids: Iterator[int], answered: threading.Semaphore) -> None:
        self.ledger = Ledger()
        self._admin = Administrator(machine.node.description | {"token": machine.node.description["pool_token"]})
        self._archive = str(machine.node.description["ostemplate"])
        self._vmids = vmids
        self._answered = answered

    def work(self) -> None:
        for vmid in self._vmids:
            try:
                self._live(vmid)
            except requests.RequestException:
                self._admin.close()
                return

    def _live(self, vmid: int) -> None:
        given = {"vmid": vmid, "ostemplate": self._archive, "rootfs": "local:1", "description": "made"}
        self._ask(vmid, "made\n", "POST", "/nodes/pve1/lxc", pool=self._admin.pool, **given)
        self._ask(vmid, "renamed\n", "PUT", f"/nodes/pve1/lxc/{vmid}/config", description="renamed")
        if vmid % 2:
            self._ask(vmid, None, "DELETE", f"/nodes/pve1/lxc/{vmid}")

    def _ask(self, vmid: int, then: str | None, method: str, path: str, /, **parameters: str | int) -> None:
        self.ledger.asked[vmid] = then
        answer = self._admin.call(method, path, **parameters)
        del self.ledger.asked[vmid]
        self.ledger.told[vmid] = then
        if answer is not None:
            self.ledger.tasks.append(str(answer))
        self._answered.release()


def test_nothing_that_was_answered_is_lost_whenever_it_is_killed(machine: Machine) -> None:
    """On the profile without durations an operation has ended when it is answered."""
    rng, told, asked, tasks = random.Random(3), {}, {}, []
    for cut in range(3):
        answered = threading.Semaphore(0)
        # So few that the node still knows every task of all of them, and more than are waited for.
        lanes = [iter(range(10_000 + 1000 * cut + 200 * lane, 10_050 + 1000 * cut + 200 * lane)) for lane in range(4)]
        tenants = [Tenant(machine, lane, answered) for lane in lanes]
        with ThreadPoolExecutor(len(tenants)) as threads:
            working = [threads.submit(tenant.work) for tenant in tenants]
            for _ in range(rng.randrange(20, 120)):
                assert answered.acquire(timeout=30)
            machine.kill()
            for one in working:
                one.result()
        machine.start()
        for tenant in tenants:
            told |= tenant.ledger.told
            asked |= tenant.ledger.asked
            tasks += tenant.ledger.tasks

    containers = {vmid: one.options.get("description") for vmid, one in machine.admin.containers().items()}
    known = {str(row["upid"]): row["status"] for row in cast(list[Row], machine.call("GET", "/tasks", limit=5000))}
    assert {upid: known.get(upid) for upid in tasks} == dict.fromkeys(tasks, "OK")
    for vmid, state in told.items():
        seen = containers.get(vmid)
        allowed = {state, asked.get(vmid, state)}
        assert (f"{seen}\n" if seen is not None else None) in allowed, vmid
    assert containers.keys() <= told.keys() | asked.keys()
    pool = cast("dict[str, list[Row]]", machine.admin.call("GET", f"/pools/{machine.admin.pool}"))
    assert {vmid for vmid, state in told.items() if state is not None and vmid not in asked} <= {
        member["vmid"] for member in pool["members"]
    }

"""A node that serves over HTTPS, a port for each of its tokens, and containers to begin with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.engine.clock import SystemClock
from controller.node.config import NodeConfig
from controller.node.faults import Fault
from controller.node.server import Description, NodeServer
from controller.node.sidedoor import SideDoor
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.port import CloneRequest, CreateRequest, Proxmox, TaskRow
from controller.proxmox.preflight import Bridge, Needs

NODE, OTHER = "pve1", "pve2"


@dataclass
class Lab:
    """A node that serves, and free VMIDs."""

    server: NodeServer
    next_vmid: int = 30001

    @property
    def about(self) -> Description:
        return self.server.description

    def vmid(self) -> int:
        self.next_vmid += 1
        return self.next_vmid - 1

    def door(self, act: Callable[[SideDoor], object]) -> None:
        self.server.behind(act)

    def endpoint(self, token: str, **more: float) -> Endpoint:
        token_id, _, secret = token.partition("=")
        return Endpoint(self.about.url, token_id, secret, ca_file=self.about.ca, **{"read_timeout": 20.0, **more})  # type: ignore[arg-type]

    def port(self, token: str, **more: float) -> ProxmoxAdapter:
        return ProxmoxAdapter(self.endpoint(token, **more))

    def request(self, vmid: int) -> CreateRequest:
        return CreateRequest(
            vmid=vmid,
            archive=self.about.ostemplate,
            storage=self.about.storage,
            disk_gib=4,
            cores=1,
            memory_mib=512,
            hostname=f"desk-{vmid}",
            description=f"owner: alice\n100 % of {vmid}",
            net0=f"name=eth0,bridge={self.about.bridge},ip=dhcp",
            nameservers=("1.1.1.1",),
            pool=self.about.pool,
            nesting=True,
            password="hunter-two",
            start=False,
        )

    def clone_request(self, vmid: int) -> CloneRequest:
        return CloneRequest(
            vmid=vmid,
            hostname=f"desk-{vmid}",
            description=f"clone {vmid}",
            pool=self.about.pool,
            full=False,
            storage=None,
            target=None,
        )

    @property
    def needs(self) -> Needs:
        return Needs(
            pool=self.about.pool,
            storages=(self.about.storage,),
            archives=(self.about.ostemplate,),
            templates=self.about.templates[:1],
            bridges=(Bridge(name=self.about.bridge),),
        )

    def ended(self, port: Proxmox, upid: str) -> TaskRow:
        """The task at its end."""
        clock, never = SystemClock(), threading.Event()
        for _ in range(1000):
            task = port.task_status(upid)
            assert task is not None
            if not task.running:
                return task
            clock.wait(never, 0.01)
        raise AssertionError(f"{upid} does not end")

    def done(self, port: Proxmox, upid: str) -> TaskRow:
        """The task, which went well."""
        task = self.ended(port, upid)
        assert task.ok, task.exit_status
        return task


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    directory: Path = tmp_path_factory.mktemp("node")
    server = NodeServer(NodeConfig(nodes=(NODE, OTHER), profile="instant", directory=directory, rdp=False))
    server.start()
    yield Lab(server)
    server.stop()


@pytest.fixture
def full(lab: Lab) -> ProxmoxAdapter:
    return lab.port(lab.about.token)


@pytest.fixture
def limited(lab: Lab) -> ProxmoxAdapter:
    return lab.port(lab.about.pool_token)


@pytest.fixture(params=["all rights", "rights on the pool"])
def port(request: pytest.FixtureRequest, full: ProxmoxAdapter, limited: ProxmoxAdapter) -> ProxmoxAdapter:
    return full if request.param == "all rights" else limited


@pytest.fixture
def broken(lab: Lab) -> Iterator[Callable[[Fault], None]]:
    yield lambda fault: lab.door(lambda door: door.add_fault(fault))
    lab.door(lambda door: door.remove_faults())


@pytest.fixture
def stopped(lab: Lab, limited: ProxmoxAdapter) -> int:
    """A new container of the pool's token."""
    vmid = lab.vmid()
    lab.done(limited, limited.create(NODE, lab.request(vmid)))
    return vmid


@pytest.fixture
def running(lab: Lab, limited: ProxmoxAdapter, stopped: int) -> int:
    lab.done(limited, limited.start(NODE, stopped))
    return stopped

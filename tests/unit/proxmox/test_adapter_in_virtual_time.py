"""What takes seconds on a real Proxmox VE, against the node in virtual time: lock waits, lost answers, slow proxies."""

from __future__ import annotations

import pytest

from controller.engine.clock import VirtualClock
from controller.node.faults import Fault, FaultKind
from controller.node.inprocess import InProcessNode
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.port import CreateRequest, Locked, OutcomeUnknown, Transient

NODE, TEMPLATE = "pve1", 9000


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def node(clock: VirtualClock) -> InProcessNode:
    return InProcessNode(clock)


@pytest.fixture
def port(node: InProcessNode, clock: VirtualClock) -> ProxmoxAdapter:
    token_id, _, secret = node.description.token.partition("=")
    return ProxmoxAdapter(Endpoint(node.description.url, token_id, secret), transport=node.transport, clock=clock)


def create(port: ProxmoxAdapter, node: InProcessNode, vmid: int) -> str:
    request = CreateRequest(
        vmid=vmid,
        archive=node.description.ostemplate,
        storage=node.description.storage,
        disk_gib=4,
        cores=1,
        memory_mib=512,
        hostname="alice",
        description="x",
        net0="name=eth0,bridge=vmbr0,ip=dhcp",
        nameservers=(),
        pool=node.description.pool,
        nesting=False,
        password=None,
        start=False,
    )
    return port.create(NODE, request)


def test_an_update_waits_10_s_for_the_config_file_and_says_which_it_is(
    node: InProcessNode, port: ProxmoxAdapter, clock: VirtualClock
) -> None:
    node.door.add_fault(Fault(kind=FaultKind.SLOW_TASK, operation="create", seconds=60))
    create(port, node, 30001)
    digest, before = port.config(NODE, 30001).digest, clock.monotonic()
    with pytest.raises(Locked, match="got timeout") as caught:
        port.update(NODE, 30001, {"cores": 2}, digest=digest)
    assert caught.value.lock == "pve-config-30001"
    assert clock.monotonic() - before == pytest.approx(10, abs=0.5)


@pytest.mark.parametrize("seconds", [5, 29])
def test_a_slow_answer_is_waited_for(
    node: InProcessNode, port: ProxmoxAdapter, clock: VirtualClock, seconds: float
) -> None:
    node.door.add_fault(Fault(kind=FaultKind.SLOW, operation="create", seconds=seconds))
    before = clock.monotonic()
    assert create(port, node, 30001).startswith("UPID:pve1:")
    assert clock.monotonic() - before == pytest.approx(seconds, abs=0.5)


def test_what_proxmox_gives_up_after_30_s_may_still_happen(
    node: InProcessNode, port: ProxmoxAdapter, clock: VirtualClock
) -> None:
    node.door.add_fault(Fault(kind=FaultKind.SLOW, operation="create", seconds=40, count=1))
    with pytest.raises(OutcomeUnknown, match=r"status 596: Connection timed out"):
        create(port, node, 30001)
    assert port.vmid_is_free(30001)
    clock.advance(11)
    node.settle()
    assert not port.vmid_is_free(30001)


@pytest.mark.parametrize("kind", [FaultKind.TIMEOUT_DONE, FaultKind.TIMEOUT_LOST])
def test_an_answer_that_never_comes_is_given_up_after_35_s(
    node: InProcessNode, port: ProxmoxAdapter, clock: VirtualClock, kind: FaultKind
) -> None:
    node.door.add_fault(Fault(kind=kind, operation="start", count=1))
    node.door.add_fault(Fault(kind=kind, operation="config", count=1))
    node.door.add(30001, {"hostname": "bob"})
    before = clock.monotonic()
    with pytest.raises(OutcomeUnknown, match=r"none within 35 s"):
        port.start(NODE, 30001)
    assert clock.monotonic() - before == pytest.approx(35, abs=0.5)
    with pytest.raises(Transient, match=r"none within 35 s"):
        port.config(NODE, 30001)
    assert clock.monotonic() - before == pytest.approx(70, abs=1)
    assert (port.status(NODE, 30001).status == "running") is (kind is FaultKind.TIMEOUT_DONE)

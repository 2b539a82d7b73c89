"""Outages and lost answers: nothing of them is an absence, and no write is sent twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from controller.engine.clock import SystemClock
from controller.node.faults import Fault, FaultKind
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.port import (
    NodeDown,
    NodeRow,
    NoQuorum,
    OutcomeUnknown,
    Unauthorized,
)

NODE, OTHER = "pve1", "pve2"

Lab = Any
"""The lab of conftest.py, which tests cannot import."""


@pytest.fixture
def no_quorum(lab: Lab) -> Iterator[None]:
    lab.door(lambda door: door.set_quorum(quorate=False))
    yield
    lab.door(lambda door: door.set_quorum(quorate=True))


def test_without_quorum_nothing_is_written_and_all_is_read(
    lab: Lab, port: ProxmoxAdapter, stopped: int, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("no_quorum")
    config = port.config(NODE, stopped)
    for call in (
        lambda: port.create(NODE, lab.request(lab.vmid())),
        lambda: port.clone(NODE, lab.about.templates[0], lab.clone_request(lab.vmid())),
        lambda: port.start(NODE, stopped),
        lambda: port.update(NODE, stopped, {"cores": 2}, digest=config.digest),
    ):
        with pytest.raises(NoQuorum):
            call()
    assert port.config(NODE, stopped) == config


@pytest.fixture
def other_node_down(lab: Lab) -> Iterator[None]:
    lab.door(lambda door: door.set_online(OTHER, online=False))
    yield
    lab.door(lambda door: door.set_online(OTHER, online=True))


@pytest.mark.usefixtures("other_node_down")
def test_a_node_that_is_down_is_no_absence(lab: Lab, port: ProxmoxAdapter) -> None:
    assert NodeRow(OTHER, False) in port.nodes()
    template = lab.about.templates[1]
    for read in (lambda: port.config(OTHER, template), lambda: port.active_tasks(OTHER)):
        with pytest.raises(NodeDown):
            read()
    with pytest.raises((NodeDown, OutcomeUnknown)):
        port.create(OTHER, lab.request(lab.vmid()))


def test_a_node_that_does_not_exist_is_no_absence_either(port: ProxmoxAdapter) -> None:
    with pytest.raises(NodeDown, match="hostname lookup 'pve9' failed"):
        port.active_tasks("pve9")


def test_a_token_that_is_refused(lab: Lab) -> None:
    token_id = lab.about.token.partition("=")[0]
    for token in (f"{token_id}=wrong", "nobody@pve!none=wrong"):
        with pytest.raises(Unauthorized, match="the token is wrong, expired, disabled or deleted"):
            lab.port(token).version()


LOST: dict[str, Fault] = {
    "reset before": Fault(kind=FaultKind.RESET, operation="create", count=1),
    "reset after": Fault(kind=FaultKind.RESET, operation="create", count=1, done=True),
    "no answer, done": Fault(kind=FaultKind.TIMEOUT_DONE, operation="create", count=1),
    "no answer, not done": Fault(kind=FaultKind.TIMEOUT_LOST, operation="create", count=1),
    "596": Fault(kind=FaultKind.ERROR, operation="create", count=1, status=596, text="Connection timed out"),
}


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_create_whose_answer_is_lost_is_not_sent_again(
    lab: Lab, full: ProxmoxAdapter, fault: Fault, broken: Callable[[Fault], None]
) -> None:
    broken(replace(fault))
    vmid, before = lab.vmid(), SystemClock().now()
    port = lab.port(lab.about.token, read_timeout=0.3)
    with pytest.raises(OutcomeUnknown, match=f"create container {vmid}"):
        port.create(NODE, lab.request(vmid))
    happened = fault.done or fault.kind is FaultKind.TIMEOUT_DONE
    assert len(full.find_tasks(NODE, vmid=vmid, since=before)) == int(happened)
    assert full.vmid_is_free(vmid) is not happened


def test_a_read_whose_connection_is_cut_once_succeeds(full: ProxmoxAdapter, broken: Callable[[Fault], None]) -> None:
    broken(Fault(kind=FaultKind.RESET, operation="version", count=1))
    assert full.version() == "9.2"

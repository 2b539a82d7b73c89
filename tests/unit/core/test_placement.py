"""Where a new container goes: an allowed node, a VMID that nobody has, an address that nobody has."""

from __future__ import annotations

import ipaddress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.model import AddressRange, CloneSource, CloneTemplate, SessionSpec
from controller.core.placement import NoRoom, choose_address, choose_node, choose_vmid, templates_on
from tests.unit.core.given import spec

ON_ONE = CloneSource(templates=(CloneTemplate(vmid=9000, node="pve2"),))
ON_TWO = CloneSource(templates=(CloneTemplate(vmid=9000, node="pve2"), CloneTemplate(vmid=9001, node="pve3")))
SHARED = CloneSource(templates=(CloneTemplate(vmid=9000), CloneTemplate(vmid=9001, node="pve3")))
ALL = {"pve1", "pve2", "pve3"}


@pytest.mark.parametrize(
    ("given_spec", "online", "load", "node"),
    [
        (spec(), ALL, {"pve1": 2, "pve2": 1, "pve3": 2}, "pve2"),
        (spec(), ALL, {"pve1": 1, "pve2": 1}, "pve3"),
        (spec(), ALL, {}, "pve1"),
        (spec(nodes=("pve3", "pve2")), ALL, {"pve2": 5, "pve3": 6}, "pve2"),
        (spec(nodes=("pve3", "pve2")), {"pve1", "pve3"}, {"pve3": 9}, "pve3"),
        (spec(source=ON_ONE), ALL, {"pve2": 9}, "pve2"),
        (spec(source=ON_TWO), ALL, {"pve2": 9}, "pve3"),
        (spec(source=ON_TWO, nodes=("pve2",)), ALL, {"pve2": 9}, "pve2"),
        (spec(source=SHARED), ALL, {"pve2": 1, "pve3": 1}, "pve1"),
    ],
    ids=[
        "the least loaded",
        "one without load",
        "the first by name",
        "among the allowed",
        "among the allowed that are online",
        "where the container template is",
        "where one of the container templates is",
        "where it is and is allowed",
        "anywhere, with shared storage",
    ],
)
def test_which_node_is_chosen(given_spec: SessionSpec, online: set[str], load: dict[str, int], node: str) -> None:
    assert choose_node(given_spec, online=online, load=load) == node


@pytest.mark.parametrize(
    ("given_spec", "online"),
    [
        (spec(), set()),
        (spec(nodes=("pve9",)), ALL),
        (spec(source=ON_ONE), {"pve1"}),
        (spec(source=ON_ONE, nodes=("pve1",)), ALL),
    ],
    ids=["none is online", "none of the allowed", "none that has the container template", "none that is both"],
)
def test_no_node(given_spec: SessionSpec, online: set[str]) -> None:
    with pytest.raises(NoRoom, match="no node is online that template default allows"):
        choose_node(given_spec, online=online, load={})


def test_container_templates_that_can_be_cloned_to_a_node() -> None:
    assert [template.vmid for template in templates_on(SHARED, "pve1")] == [9000]
    assert [template.vmid for template in templates_on(SHARED, "pve3")] == [9000, 9001]
    assert templates_on(ON_ONE, "pve1") == []


@given(st.integers(100, 10_000), st.integers(0, 60), st.data())
def test_a_taken_vmid_is_never_chosen(first: int, more: int, data: st.DataObject) -> None:
    last = first + more
    taken = data.draw(st.frozensets(st.integers(first - 2, last + 2)))
    random = Random(data.draw(st.integers(0, 99)))
    free = set(range(first, last + 1)) - taken
    if free:
        assert choose_vmid(first=first, last=last, taken=taken, random=random) in free
    else:
        with pytest.raises(NoRoom, match=f"all VMIDs from {first} to {last} are taken or resting"):
            choose_vmid(first=first, last=last, taken=taken, random=random)


def test_the_last_free_vmid_is_found() -> None:
    taken = set(range(30001, 31000)) - {30999}
    assert choose_vmid(first=30001, last=30999, taken=taken, random=Random(1)) == 30999


def test_vmids_are_spread_over_the_range() -> None:
    random = Random(1)
    chosen = {choose_vmid(first=30001, last=30999, taken=(), random=random) for _ in range(50)}
    assert len(chosen) > 40


@given(st.integers(0, 20), st.integers(0, 20), st.none() | st.integers(0, 25), st.frozensets(st.integers(0, 25)))
def test_an_address_is_the_first_free_one_and_never_the_gateway(
    first: int, more: int, gateway: int | None, taken: frozenset[int]
) -> None:
    base = int(ipaddress.IPv4Address("10.0.3.240"))

    def address(number: int) -> str:
        return str(ipaddress.IPv4Address(base + number))

    addresses = AddressRange(
        first=address(first),
        last=address(first + more),
        prefix=22,
        gateway=address(gateway) if gateway is not None else None,
    )
    free = [number for number in range(first, first + more + 1) if number != gateway and number not in taken]
    held = {address(number) for number in taken}
    if free:
        assert choose_address(addresses, taken=held) == address(free[0])
    else:
        with pytest.raises(NoRoom, match=r"are taken: widen spec\.network\.addresses"):
            choose_address(addresses, taken=held)

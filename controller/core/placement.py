"""Which node, VMID and address a new container gets. Pure: randomness and everything taken are arguments."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from random import Random

from controller.core.model import AddressRange, CloneSource, CloneTemplate, SessionSpec


class NoRoom(Exception):
    """Nothing is free; ``str()`` says what is full and what to do."""


def choose_node(spec: SessionSpec, *, online: Collection[str], load: Mapping[str, int]) -> str:
    """The online node with the fewest of our containers among those that the template allows.

    Raises:
        NoRoom: none of the allowed nodes is online, or a clone's template is on none of them.
    """
    allowed = [node for node in sorted(online) if not spec.nodes or node in spec.nodes]
    if isinstance(spec.source, CloneSource):
        homes = {template.node for template in spec.source.templates}
        if None not in homes:
            allowed = [node for node in allowed if node in homes]
    if not allowed:
        wanted = ", ".join(spec.nodes) or "any node"
        raise NoRoom(
            f"no node is online that template {spec.template} allows ({wanted}): bring one up or edit spec.nodes"
        )
    return min(allowed, key=lambda node: (load.get(node, 0), node))


def templates_on(source: CloneSource, node: str) -> Sequence[CloneTemplate]:
    """The container templates that can be cloned to a node."""
    return [template for template in source.templates if template.node in (None, node)]


def choose_vmid(*, first: int, last: int, taken: Collection[int], random: Random) -> int:
    """A free VMID of the range at random, so that a freed one is not handed out at once again.

    Raises:
        NoRoom: the range is used up.
    """
    size = last - first + 1
    for _ in range(32):
        vmid = first + random.randrange(size)
        if vmid not in taken:
            return vmid
    free = [vmid for vmid in range(first, last + 1) if vmid not in taken]
    if not free:
        raise NoRoom(f"all VMIDs from {first} to {last} are taken or resting: widen vmids in winux.yaml, or wait")
    return random.choice(free)


def choose_address(addresses: AddressRange, *, taken: Collection[str]) -> str:
    """The first free address of a range; never the gateway.

    Raises:
        NoRoom: the range is used up.
    """
    first, last = ipaddress.IPv4Address(addresses.first), ipaddress.IPv4Address(addresses.last)
    for number in range(int(first), int(last) + 1):
        address = str(ipaddress.IPv4Address(number))
        if address != addresses.gateway and address not in taken:
            return address
    raise NoRoom(f"all addresses from {first} to {last} are taken: widen spec.network.addresses, or wait")

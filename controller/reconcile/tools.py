"""What every action of the reconciler works with, and how an action says that it cannot go on now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Lock

from controller.core.incarnation import EndReason, Incarnation
from controller.core.model import Network
from controller.core.view import Live
from controller.engine.clock import Clock
from controller.engine.slots import Slots
from controller.guest.prober import Probing
from controller.guest.reach import NoWay, Reaching
from controller.ledger.ledger import Ledger
from controller.proxmox.inventory import Inventory
from controller.proxmox.netconfig import format_net
from controller.proxmox.port import Proxmox
from controller.proxmox.taskboard import TaskBoard


@dataclass(frozen=True, slots=True)
class Waits:
    """Nothing more can be done in this pass. ``after`` seconds later, or when something happens, it goes on."""

    reason: str
    message: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """The action is done: decide again at once, with what it saw of the container, if it read it."""

    live: Live | None = None


Outcome = Waits | Next


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the site decided about all sessions."""

    controller: str = "default"
    vmid_first: int = 30001
    vmid_last: int = 30999
    vmid_rest: float = 600.0
    grace: float = 5.0
    attempts: int = 3
    language: str = "en"
    """Of what desktops are told, where a session does not say."""


@dataclass(slots=True)
class Measures:
    """What is counted while working; telemetry replaces them by metrics."""

    accepted: Callable[[Incarnation], None] = lambda _life: None
    """A life began: accepted, or taken over with its container."""
    ready: Callable[[Incarnation], None] = lambda _life: None
    """A life as it was recorded when it became Ready for the first time."""
    ended: Callable[[EndReason], None] = lambda _reason: None
    """A life became a tombstone; once for each."""
    given_up: Callable[[], None] = lambda: None
    """A container that never became ready is to be replaced by another one."""
    expiry_lag: Callable[[float], None] = lambda _seconds: None
    """Seconds from the end that was due to the container being gone."""
    lock_wait: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Tools:
    """Shared by all actions; every part is safe to use from several threads."""

    port: Proxmox
    ledger: Ledger
    clock: Clock
    board: TaskBoard
    inventory: Inventory
    slots: Slots
    clone_turns: Slots
    """One clone at a time of each container template, which Proxmox locks meanwhile; "nodes" are templates here."""
    prober: Probing
    random: Random
    new_uid: Callable[[], str]
    new_password: Callable[[], str]
    retire_password: Callable[[str], None] = lambda _password: None
    """Told about a password that opens nothing any more."""
    guests: Reaching = field(default_factory=NoWay)
    scrub: Callable[[str], str] = lambda text: text
    """Takes every secret that the controller knows out of a text."""
    policy: Policy = field(default_factory=Policy)
    measures: Measures = field(default_factory=Measures)
    placing: Lock = field(default_factory=Lock)
    """Held while a VMID and an address are chosen and recorded."""


def key_of(session: str) -> str:
    """The key of a session in the work queue, the slots and the task board."""
    return f"session/{session}"


def interface(network: Network, address: str | None) -> str:
    """The ``net0`` of a container: the address it was handed out, or DHCP."""
    addresses, firewall = network.addresses, network.egress is not None
    if addresses is None or address is None:
        return format_net(bridge=network.bridge, vlan=network.vlan, firewall=firewall)
    return format_net(
        bridge=network.bridge,
        vlan=network.vlan,
        firewall=firewall,
        address=f"{address}/{addresses.prefix}",
        gateway=addresses.gateway,
    )


def node_of(life: Incarnation, live: Live | None = None) -> str:
    """Where the container is, by what was just read or else by the ledger."""
    if live is not None:
        return live.node
    return life.placement.node if life.placement is not None else ""

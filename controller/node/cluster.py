"""The state of a cluster: nodes, guests, storages, rights, tasks, statistics; and the few operations on all of it.

Synchronous and single-threaded; it does no I/O and knows the time from its ``Schedule`` only. The calls of the API are
in ``calls``, their dispatch in ``dispatch``.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from controller.engine.clock import Clock
from controller.node.access import Access
from controller.node.authentication import Authentication
from controller.node.datacenter import Datacenter
from controller.node.engine import Blueprint, Engine
from controller.node.errors import died, lock_timeout, no_config
from controller.node.firewall import Firewall
from controller.node.guest import MIB, Guest, Seen
from controller.node.ipam import Ipam
from controller.node.journal import Journal
from controller.node.locks import Locks
from controller.node.memory import GuestNetwork, MemoryEngine, VirtualNetwork
from controller.node.profile import Profile
from controller.node.release import NEWEST, Release
from controller.node.schedule import Flock, Schedule, Steps
from controller.node.storage import GIB, Storage
from controller.node.tasks import Task, Tasks

FLOCK_SECONDS = 10.0
CREATE_FLOCK_SECONDS = 5.0
GUEST_BYTES = 300 * MIB
"""What an unpacked container takes of its storage."""
ROW_SECONDS = 300.0
"""How long a broadcast of pvestatd is believed (pmxcfs/status.c)."""


@dataclass(slots=True)
class Node:
    name: str
    ip: str
    online: bool = True
    pvedaemon: bool = True
    """Whether it runs; without it protected calls are refused."""
    pvestatd: bool = True
    """Whether it runs; without it nothing new is told of the node's guests and storages."""
    bridges: tuple[str, ...] = ("vmbr0",)
    cores: int = 16
    memory: int = 64 * GIB
    since: float = 0.0
    """Unix seconds of its boot."""
    broadcast: float = 0.0
    """Monotonic seconds of pvestatd's last broadcast; 0 is never."""
    told: float = 0.0
    """The same in Unix seconds."""
    storages: dict[str, dict[str, object]] = field(default_factory=dict)

    @property
    def tells(self) -> bool:
        return self.online and self.pvestatd


class Cluster:
    """Everything that a Proxmox VE cluster knows."""

    def __init__(
        self,
        clock: Clock,
        *,
        nodes: tuple[str, ...] = ("pve1",),
        profile: Profile,
        seed: int = 0,
        network: GuestNetwork | None = None,
        rdp_port: int = 3389,
        engine: Callable[[Cluster], Engine] | None = None,
        key: bytes = b"tickets of a simulation",
        release: Release = NEWEST,
    ) -> None:
        self.schedule = Schedule(clock)
        self.rng = random.Random(seed)  # noqa: S311  # seeded on purpose; secrets come from elsewhere
        self.profile = profile
        self.journal = Journal()
        self.release = release
        self.access = Access(self.journal, release.rights)
        self.authentication = Authentication(self.access, key=key, release=release)
        self.tasks = Tasks(self.schedule, self.journal)
        self.engine: Engine = (
            engine(self)
            if engine
            else MemoryEngine(
                self.schedule,
                profile=profile,
                rng=self.rng,
                network=network or VirtualNetwork(),
                rdp_port=rdp_port,
                watcher=self,
            )
        )
        boot = self.schedule.wall() - 86400
        self.nodes = {name: Node(name, f"127.0.0.{n + 1}", since=boot) for n, name in enumerate(nodes)}
        self.entry = nodes[0]
        """The node that answers the API."""
        self.storages: dict[str, Storage] = {}
        self.guests: dict[int, Guest] = {}
        self.firewalls: dict[int, Firewall] = {}
        """By VMID, where there is one."""
        self.ipam = Ipam()
        self.consoles: dict[int, Task] = {}
        """Port → the task that waits there for a client, or did."""
        self.ca = ""
        """The certificate of the cluster's CA, as PEM, where it serves HTTPS."""
        self.datacenter = Datacenter()
        self.quorate = True
        self.fingerprint = ":".join(["00"] * 32)
        self.seen: dict[int, Seen] = {}
        self.ghosts: dict[int, float] = {}
        """VMID → when pvestatd last told of a guest that is gone since."""
        self._unseen: set[int] = set()
        self.locks = Locks(self.schedule)
        self._pid = 20000
        self.schedule.spawn(self._statistics())

    def guest_answers(self, address: str, port: int) -> bool:
        """Whether a desktop would answer at that address now: the probe of a simulation."""
        self.schedule.settle()
        return self.engine.answers(address, port)

    # guests

    def guest(self, node: str, vmid: int) -> Guest:
        """The container of that node; anything else, a guest of another node or a virtual machine too, is not there."""
        guest = self.guests.get(vmid)
        if guest is None or guest.node != node or guest.kind != "lxc":
            raise no_config(node, vmid)
        return guest

    def on(self, node: str) -> Iterator[Guest]:
        return (guest for guest in self.guests.values() if guest.node == node)

    def check_free(self, vmid: int) -> None:
        if taken := self.guests.get(vmid):
            kind = "CT" if taken.kind == "lxc" else "VM"
            raise died(f"{kind} {vmid} already exists on node '{taken.node}'")

    def check_quorum(self) -> None:
        if not self.quorate:
            raise died("cluster not ready - no quorum?")

    def check_writable(self, node: str, vmid: int) -> None:
        """Without quorum /etc/pve is read-only: a write of a config fails as of a file that may not be opened."""
        if not self.quorate:
            path = f"/etc/pve/nodes/{node}/lxc/{vmid}.conf.tmp.{self._pid}"
            raise died(f"unable to open file '{path}' - Permission denied")

    def add(self, guest: Guest) -> None:
        self.guests[guest.vmid] = guest
        self._unseen.add(guest.vmid)
        self.journal.guest(guest.vmid)

    def changed(self, guest: Guest) -> None:
        """Call when a config or a state changed: pvestatd will tell with its next broadcast."""
        guest.touch()
        self._unseen.add(guest.vmid)
        self.journal.guest(guest.vmid)

    def set_lock(self, guest: Guest, lock: str | None) -> None:
        guest.lock = lock
        self.changed(guest)

    def remove(self, guest: Guest) -> None:
        """The config file goes, with the firewall, the rights and the membership that hung on it."""
        self.guests.pop(guest.vmid, None)
        self.drop_firewall(guest.vmid)
        self.journal.guest(guest.vmid)
        self._unseen.discard(guest.vmid)
        self.access.forget_guest(guest.vmid)
        self.engine.forget(guest.vmid)
        if guest.vmid in self.seen:
            self.ghosts[guest.vmid] = self.nodes[guest.node].broadcast

    def drop_firewall(self, vmid: int) -> None:
        if self.firewalls.pop(vmid, None) is not None:
            self.firewall_changed(vmid)

    def firewall_changed(self, vmid: int) -> None:
        """Call when a firewall was written: what runs takes it up at once."""
        self.journal.firewall(vmid)
        if (guest := self.guests.get(vmid)) and guest.running:
            self.engine.filter(self.blueprint(guest))

    def copy_firewall(self, source: int, target: int) -> None:
        """What a clone does; a source without one takes the target's away."""
        self.drop_firewall(target)
        if firewall := self.firewalls.get(source):
            self.firewalls[target] = copy.deepcopy(firewall)
            self.firewall_changed(target)

    def started(self, vmid: int) -> None:
        """The engine tells: a container runs."""
        if guest := self.guests.get(vmid):
            self._pid += 1
            guest.running, guest.pid, guest.started = True, self._pid, self.schedule.wall()
            self.changed(guest)

    def stopped(self, vmid: int) -> None:
        """The engine tells: it runs no more."""
        if guest := self.guests.get(vmid):
            guest.running, guest.pid, guest.started = False, None, None
            self.changed(guest)

    def blueprint(self, guest: Guest) -> Blueprint:
        """What the engine works with while the config may go on changing."""
        firewall = copy.deepcopy(self.firewalls.get(guest.vmid))
        return Blueprint(vmid=guest.vmid, options=dict(guest.options), firewall=firewall)

    def new_mac(self) -> str:
        return "BC:24:11:" + ":".join(f"{self.rng.randrange(256):02X}" for _ in range(3))

    def seconds(self, kind: str) -> float:
        """How long the next task of that kind takes that no engine has a part in."""
        spread = self.profile.tasks.get(kind)
        return spread.draw(self.rng) if spread else 0.0

    # the config file's lock

    def flock(self, vmid: int) -> Flock:
        return self.locks.config(vmid)

    def locked(self, vmid: int, steps: Callable[[], Steps[None]]) -> Steps[None]:
        """Run steps while holding the flock; fails when it was not to be had within ten seconds."""
        flock = self.flock(vmid)
        if not (yield from flock.acquire(FLOCK_SECONDS)):
            raise lock_timeout(vmid)
        try:
            yield from steps()
        finally:
            flock.release()

    # storages

    def storage(self, name: str, node: str) -> Storage:
        storage = self.storages.get(name)
        if storage is None:
            raise died(f"storage '{name}' does not exist")
        if storage.nodes is not None and node not in storage.nodes:
            raise died(f"storage '{name}' is not available on node '{node}'")
        return storage

    def used(self, storage: Storage, node: str) -> int:
        """Bytes in use there: what it holds, what others put there, and ``GUEST_BYTES`` a guest."""
        guests = sum(
            1 for guest in self.guests.values() if _is_on(guest, storage) and (storage.shared or guest.node == node)
        )
        return sum(volume.size for volume in storage.volumes.values()) + storage.taken_on(node) + guests * GUEST_BYTES

    def room(self, storage: Storage, node: str) -> int:
        """Bytes that are free there; below zero where others fill it."""
        return storage.total - self.used(storage, node)

    # pvestatd

    def _statistics(self) -> Steps[None]:
        while True:
            yield from self.schedule.pause(self.profile.statistics)
            self.broadcast()

    def broadcast(self) -> None:
        """One cycle of pvestatd on every node that is up."""
        now = self.schedule.now()
        for node in self.nodes.values():
            if node.tells:
                node.broadcast, node.told = now, self.schedule.wall()
        for vmid in [vmid for vmid in self._unseen if self.nodes[self.guests[vmid].node].tells]:
            self._unseen.discard(vmid)
            self.ghosts.pop(vmid, None)
            guest = self.guests[vmid]
            self.seen[vmid] = Seen(
                name=guest.name,
                running=guest.running,
                template=guest.template,
                since=guest.started,
                cores=guest.cores or self.nodes[guest.node].cores,
                memory=guest.memory,
                disk=guest.disk,
            )
        for vmid in [vmid for vmid, at in self.ghosts.items() if now - at >= ROW_SECONDS]:
            if vmid not in self.guests:
                self.ghosts.pop(vmid)
                self.seen.pop(vmid, None)

    def is_told(self, node: str) -> bool:
        """Whether the last broadcast about a node and its storages is still believed."""
        return self.schedule.now() - self.nodes[node].broadcast < ROW_SECONDS

    def last_seen(self, guest: Guest) -> Seen | None:
        """What is told about a VMID: nothing if the last broadcast about it is too old, a former guest if it is not."""
        told = self.ghosts.get(guest.vmid, self.nodes[guest.node].broadcast)
        return self.seen.get(guest.vmid) if self.schedule.now() - told < ROW_SECONDS else None


def _is_on(guest: Guest, storage: Storage) -> bool:
    return guest.options.get("rootfs", "").startswith(f"{storage.name}:")

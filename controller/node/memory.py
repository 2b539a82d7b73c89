"""The engine ``memory``: containers that are nothing but time passing, with addresses and an RDP server that answers.

The network they stand in is a port of its own, so that a server can give them real loopback sockets and a simulation
none.
"""

from __future__ import annotations

import ipaddress
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from controller.node.engine import Address, Blueprint, Interface, Watcher
from controller.node.profile import Profile
from controller.node.schedule import Completion, Schedule
from controller.node.schema import split_properties

DHCP_RANGE = ipaddress.IPv4Network("127.100.0.0/16")
_LOOPBACK = Interface("lo", "00:00:00:00:00:00", (Address("inet", "127.0.0.1", 8), Address("inet6", "::1", 128)))


class GuestNetwork(Protocol):
    """Where containers get addresses and are reached."""

    def lease(self) -> str:
        """A free address of ``DHCP_RANGE``."""
        ...

    def claim(self, address: str) -> None:
        """Use a static address."""
        ...

    def open(self, address: str, *, whose: str) -> None:
        """The desktop there answers from now on, with the certificate of this container."""
        ...

    def close(self, address: str) -> None:
        """The desktop there falls silent; the address stays taken."""
        ...

    def release(self, address: str) -> None: ...


class VirtualNetwork:
    """Addresses in turn, and no sockets."""

    def __init__(self, *, first: int = 1) -> None:
        self._next = first

    def lease(self) -> str:
        address = DHCP_RANGE[self._next]
        self._next = self._next % (DHCP_RANGE.num_addresses - 2) + 1
        return str(address)

    def claim(self, address: str) -> None: ...

    def open(self, address: str, *, whose: str) -> None: ...

    def close(self, address: str) -> None: ...

    def release(self, address: str) -> None: ...


@dataclass(slots=True)
class _Life:
    """One run of a container."""

    nets: dict[str, dict[str, str]]
    addresses: dict[str, str] = field(default_factory=dict)
    """Interface name → IPv4 address."""
    booted: bool = False
    whose: str = ""
    """What tells its container from all others, also after a restart, and from the next one under its VMID."""


class MemoryEngine:
    """Durations come from the profile."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        profile: Profile,
        rng: random.Random,
        network: GuestNetwork,
        rdp_port: int,
        watcher: Watcher,
    ) -> None:
        self._watcher = watcher
        self._schedule = schedule
        self._profile = profile
        self._rng = rng
        self._network = network
        self._rdp_port = rdp_port
        self._lives: dict[int, _Life] = {}
        self._mute_all = False
        self._mute: set[int] = set()
        self._no_dhcp = False
        self._owners: dict[str, int] = {}
        self._halts: defaultdict[int, int] = defaultdict(int)
        """How often each was halted: a start that was under way then comes to nothing."""

    # operations

    def make(self, blueprint: Blueprint) -> Completion[None]:
        del blueprint
        return self._after("vzcreate")

    def clone(self, source: int, blueprint: Blueprint, *, linked: bool) -> Completion[None]:
        del source, blueprint, linked
        return self._after("vzclone")

    def start(self, blueprint: Blueprint) -> Completion[None]:
        vmid = blueprint.vmid
        halts = self._halts[vmid]
        return self._after("vzstart", lambda: self.boot(blueprint) if self._halts[vmid] == halts else None)

    def stop(self, vmid: int) -> Completion[None]:
        return self._after("vzstop", lambda: self.halt(vmid))

    def shutdown(self, vmid: int, timeout: float) -> Completion[bool]:
        seconds = self._draw("vzshutdown")
        done: Completion[bool] = Completion(self._schedule)

        def end() -> None:
            if seconds <= timeout:
                self.halt(vmid)
            done.set(seconds <= timeout)

        self._schedule.at(self._schedule.now() + min(seconds, timeout), end)
        return done

    def destroy(self, vmid: int, *, was_running: bool) -> Completion[None]:
        return self._after("vzdestroy-running" if was_running else "vzdestroy", lambda: self.halt(vmid))

    def template(self, vmid: int) -> Completion[None]:
        del vmid
        return self._after("vztemplate")

    def resize(self, vmid: int, size: int) -> Completion[None]:
        del vmid, size
        return self._after("resize")

    def snapshot(self, vmid: int, name: str) -> Completion[None]:
        del vmid, name
        return self._after("vzsnapshot")

    def drop_snapshot(self, vmid: int, name: str) -> Completion[None]:
        del vmid, name
        return self._after("vzdelsnapshot")

    def roll_back(self, vmid: int, name: str) -> Completion[None]:
        del vmid, name
        return self._after("vzrollback")

    def limit(self, vmid: int, options: Mapping[str, str]) -> None:
        """Nothing is limited that does not exist."""

    def filter(self, blueprint: Blueprint) -> None:
        """Nothing is filtered that nobody sends."""

    def interfaces(self, vmid: int) -> Completion[tuple[Interface, ...]]:
        done: Completion[tuple[Interface, ...]] = Completion(self._schedule)
        life = self._lives.get(vmid)
        rows = [_interface(name, parts, life) for name, parts in life.nets.items()] if life else []
        done.set((_LOOPBACK, *rows))
        return done

    def answers(self, address: str, port: int) -> bool:
        vmid = self._owners.get(address)
        return vmid is not None and port == self._rdp_port and self._lives[vmid].booted and not self._is_mute(vmid)

    def whose(self, address: str) -> str | None:
        """What tells the container that is there from all others; None where none is."""
        vmid = self._owners.get(address)
        return self._lives[vmid].whose if vmid is not None else None

    # the life of a container

    def boot(self, blueprint: Blueprint) -> None:
        """It runs from now on; address and desktop come later."""
        vmid = blueprint.vmid
        self.halt(vmid)
        nets = [split_properties(text) for name, text in blueprint.options.items() if name.startswith("net")]
        whose = f"{vmid} {blueprint.options.get('description', '')}"
        life = _Life({parts["name"]: parts for parts in nets if "name" in parts}, whose=whose)
        self._lives[vmid] = life
        self._watcher.started(vmid)
        self._schedule.at(self._schedule.now() + self._profile.dhcp, lambda: self._configure(vmid, life))
        self._schedule.at(self._schedule.now() + self._profile.rdp, lambda: self._answer(vmid, life))

    def _configure(self, vmid: int, life: _Life) -> None:
        if self._lives.get(vmid) is not life:
            return
        for name, parts in life.nets.items():
            wanted = parts.get("ip", "manual")
            if wanted == "dhcp" and self._no_dhcp:
                continue
            if wanted == "dhcp":
                life.addresses[name] = self._network.lease()
            elif wanted != "manual":
                life.addresses[name] = wanted.partition("/")[0]
                self._network.claim(life.addresses[name])
        self._owners.update(dict.fromkeys(life.addresses.values(), vmid))
        if life.booted:
            self._open(vmid, life)

    def _answer(self, vmid: int, life: _Life) -> None:
        if self._lives.get(vmid) is life:
            life.booted = True
            self._open(vmid, life)

    def _open(self, vmid: int, life: _Life) -> None:
        for address in life.addresses.values():
            if self._is_mute(vmid):
                self._network.close(address)
            else:
                self._network.open(address, whose=life.whose)

    def halt(self, vmid: int) -> None:
        """It runs no more, at once."""
        self._halts[vmid] += 1
        life = self._lives.pop(vmid, None)
        if life is None:
            return
        for address in life.addresses.values():
            self._owners.pop(address, None)
            self._network.release(address)
        self._watcher.stopped(vmid)

    def resume(self, vmid: int) -> bool:
        """What is only in memory does not outlive its process."""
        del vmid
        return False

    def forget(self, vmid: int) -> None:
        self.halt(vmid)

    def addresses(self, vmid: int) -> list[str]:
        """IPv4 addresses of a running container."""
        life = self._lives.get(vmid)
        return [*life.addresses.values()] if life else []

    # knobs

    def mute(self, *, vmid: int | None, silent: bool) -> None:
        """Whether the desktop of one container, or all of them, stays silent though it runs."""
        if vmid is None:
            self._mute_all = silent
            self._mute.clear()
        elif silent:
            self._mute.add(vmid)
        else:
            self._mute.discard(vmid)
        for number, life in self._lives.items():
            if life.booted and vmid in (None, number):
                self._open(number, life)

    def withhold(self, *, silent: bool) -> None:
        """Whether guests that boot from now on get no address from DHCP."""
        self._no_dhcp = silent

    def _is_mute(self, vmid: int) -> bool:
        return self._mute_all or vmid in self._mute

    def _draw(self, kind: str) -> float:
        spread = self._profile.tasks.get(kind)
        return spread.draw(self._rng) if spread else 0.0

    def _after(self, kind: str, then: Callable[[], None] | None = None) -> Completion[None]:
        done: Completion[None] = Completion(self._schedule)

        def end() -> None:
            if then:
                then()
            done.set(None)

        self._schedule.at(self._schedule.now() + self._draw(kind), end)
        return done


def _interface(name: str, parts: Mapping[str, str], life: _Life) -> Interface:
    mac = parts.get("hwaddr", "BC:24:11:00:00:00").lower()
    octets = [int(part, 16) for part in mac.split(":")]
    tail = f"{octets[0] ^ 2:02x}{octets[1]:02x}:{octets[2]:02x}ff:fe{octets[3]:02x}:{octets[4]:02x}{octets[5]:02x}"
    local = Address("inet6", str(ipaddress.IPv6Address(f"fe80::{tail}")), 64)
    if name not in life.addresses:
        return Interface(name, mac, (local,))
    wanted = parts.get("ip", "")
    prefix = 16 if wanted == "dhcp" else int(wanted.partition("/")[2] or 32)
    return Interface(name, mac, (Address("inet", life.addresses[name], prefix), local))

"""Addresses on the bridge: who has which. Safe for use from several threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping


class Leases:
    """By VMID and interface. A container keeps its addresses as long as it is there."""

    def __init__(self, free_address: Callable[[set[str]], str], *, ours: Callable[[str], bool]) -> None:
        """``ours``: whether an address is of the subnet that leases are from."""
        self._free_address = free_address
        self._ours = ours
        self._lock = threading.Lock()
        self._held: dict[int, dict[str, str]] = {}

    def take_up(self, vmid: int, addresses: Mapping[str, str]) -> None:
        """Those that a container has from an earlier process."""
        with self._lock:
            self._held[vmid] = dict(addresses)

    def lease(self, vmid: int, interface: str) -> str:
        """A free address, or the one it has, unless the subnet is another one since.

        Raises:
            HostError: all are taken.
        """
        with self._lock:
            mine = self._held.setdefault(vmid, {})
            if interface not in mine or not self._ours(mine[interface]):
                mine[interface] = self._free_address({one for held in self._held.values() for one in held.values()})
            return mine[interface]

    def claim(self, vmid: int, interface: str, address: str) -> None:
        """A static address, whoever else has it."""
        with self._lock:
            self._held.setdefault(vmid, {})[interface] = address

    def of(self, vmid: int) -> list[str]:
        with self._lock:
            return [*self._held.get(vmid, {}).values()]

    def owner(self, address: str) -> int | None:
        with self._lock:
            return next((vmid for vmid, held in self._held.items() if address in held.values()), None)

    def give_back(self, vmid: int) -> None:
        with self._lock:
            self._held.pop(vmid, None)

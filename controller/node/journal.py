"""What changed since it was last saved; kept only where somebody saves it (``state``)."""

from __future__ import annotations


class Journal:
    """VMIDs and UPIDs that changed, and whether rights, firewalls and what is left did."""

    def __init__(self) -> None:
        self.enabled = False
        self.guests: set[int] = set()
        self.tasks: dict[str, None] = {}
        """In the order of their last change."""
        self.firewalls: set[int] = set()
        self.access = False
        self.rest = False
        """Files on storages, and the addresses of the IPAM."""

    def guest(self, vmid: int) -> None:
        if self.enabled:
            self.guests.add(vmid)

    def task(self, upid: str) -> None:
        if self.enabled:
            self.tasks.pop(upid, None)
            self.tasks[upid] = None

    def firewall(self, vmid: int) -> None:
        if self.enabled:
            self.firewalls.add(vmid)

    def others(self) -> None:
        self.rest = self.enabled

    def rights(self) -> None:
        self.access = self.enabled

    def clear(self) -> None:
        self.guests.clear()
        self.tasks.clear()
        self.firewalls.clear()
        self.access = self.rest = False

    @property
    def pending(self) -> bool:
        return bool(self.guests or self.tasks or self.firewalls or self.access or self.rest)

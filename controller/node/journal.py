"""What changed since it was last saved; kept only where somebody saves it (``state``)."""

from __future__ import annotations


class Journal:
    """VMIDs and UPIDs that changed, and whether rights did."""

    def __init__(self) -> None:
        self.enabled = False
        self.guests: set[int] = set()
        self.tasks: set[str] = set()
        self.access = False

    def guest(self, vmid: int) -> None:
        if self.enabled:
            self.guests.add(vmid)

    def task(self, upid: str) -> None:
        if self.enabled:
            self.tasks.add(upid)

    def rights(self) -> None:
        self.access = self.enabled

    def clear(self) -> None:
        self.guests.clear()
        self.tasks.clear()
        self.access = False

    @property
    def pending(self) -> bool:
        return bool(self.guests or self.tasks or self.access)

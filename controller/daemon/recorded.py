"""A decorator of the port: nothing is changed in Proxmox while no record of it could be kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from controller.proxmox.around import Around
from controller.proxmox.port import Proxmox, ProxmoxError

CHANGES = frozenset(
    {
        *("create", "clone", "update", "resize", "start", "shutdown", "delete"),
        *("set_firewall_options", "add_firewall_rule", "remove_firewall_rule"),
    }
)
"""The calls that change something."""


class Unrecordable(ProxmoxError):
    """The call was not made."""

    reason = "LedgerFailing"


class Recorded(Around):
    """Most changes follow upon a write of their own; this stops those, too, whose intent was written long ago."""

    def __init__(self, port: Proxmox, problem: Callable[[], str | None]) -> None:
        """``problem`` says why nothing can be recorded now."""
        super().__init__(port)
        self._problem = problem

    def around(self, operation: str, node: str | None, vmid: int | None = None) -> AbstractContextManager[object]:
        del vmid
        if operation in CHANGES and (problem := self._problem()) is not None:
            raise Unrecordable(f"the ledger cannot be written: {problem}", operation=operation, node=node)
        return nullcontext()

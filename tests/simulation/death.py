"""Where a controller's process can die: before and after every call of Proxmox's API and every write of the ledger.

Between two such points nothing leaves the process, so that no other moment of death can be told apart from one of them.
The same points let other threads of the daemon go on, as they do while one waits for an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from random import Random

from controller.core.incarnation import Incarnation
from controller.ledger.ledger import Ledger, Note
from controller.ledger.passwords import Credential
from controller.proxmox.around import Around
from controller.proxmox.port import Proxmox
from tests.scenarios.virtual import Killed

DEEPEST = 3
"""Rounds inside of rounds; the daemon has four workers and three other loops."""


@dataclass
class Fate:
    """When the process dies next, and how often its threads get in between each other."""

    random: Random
    interleaving: float = 0.0
    """The chance that another round runs at a point."""
    left: int | None = None
    """Points that are still to be passed; None: it does not die."""
    deadly: Collection[str] | None = None
    """Only points of these names count; None: all."""
    others: Callable[[], bool] = lambda: False
    """Runs one round of another thread that is due."""
    depth: int = 0

    def doom(self, *, points: int, deadly: Collection[str] | None = None) -> None:
        self.left, self.deadly = points, deadly

    def spare(self) -> None:
        self.left = None

    def point(self, name: str) -> None:
        """Raises ``Killed`` where it was so decided."""
        if self.left is None or (self.deadly is not None and name not in self.deadly):
            return
        self.left -= 1
        if self.left <= 0:
            self.left = None
            raise Killed(name)

    def let_others_go_on(self) -> None:
        if self.depth < DEEPEST and self.random.random() < self.interleaving:
            self.depth += 1
            try:
                self.others()
            finally:
                self.depth -= 1


class MortalPort(Around):
    """A port whose every call may be the last one."""

    def __init__(self, port: Proxmox, fate: Fate) -> None:
        super().__init__(port)
        self._fate = fate

    def around(self, operation: str, node: str | None, vmid: int | None = None) -> AbstractContextManager[object]:
        del node, vmid
        return self._call(operation)

    @contextmanager
    def _call(self, operation: str) -> Iterator[None]:
        self._fate.point(f"before {operation}")
        try:
            yield
        finally:
            self._fate.point(f"after {operation}")
            self._fate.let_others_go_on()


class MortalLedger(Ledger):
    """A ledger whose every write may be the last one, whether or not it was carried out."""

    fate: Fate

    def begin(self, life: Incarnation, credential: Credential | None, *notes: Note) -> None:
        with self._write("begin"):
            super().begin(life, credential, *notes)

    def change(self, life: Incarnation, change: Callable[[Incarnation], Incarnation], *notes: Note) -> Incarnation:
        with self._write("change"):
            return super().change(life, change, *notes)

    def bury(self, life: Incarnation, change: Callable[[Incarnation], Incarnation], *notes: Note) -> Incarnation:
        with self._write("bury"):
            return super().bury(life, change, *notes)

    def forget(self, life: Incarnation, *notes: Note) -> None:
        with self._write("forget"):
            super().forget(life, *notes)

    def rest_vmid(self, vmid: int, *, seconds: float) -> None:
        with self._write("rest"):
            super().rest_vmid(vmid, seconds=seconds)

    def note(self, session: str, uid: str, *notes: Note) -> None:
        with self._write("note"):
            super().note(session, uid, *notes)

    @contextmanager
    def _write(self, what: str) -> Iterator[None]:
        self.fate.point(f"before {what}")
        yield
        self.fate.point(f"after {what}")


_CALLS = ("create", "clone", "start", "update", "delete", "resize")
_RECORDS = ("begin", "change", "bury", "forget", "rest")
WRITES = tuple(f"{moment} {what}" for moment in ("before", "after") for what in (*_CALLS, *_RECORDS))
"""The points around all that leaves the process: whoever dies at another one leaves the same behind."""

"""A ledger in a file that can be opened again, as a restart does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.engine.clock import VirtualClock
from controller.ledger.events import Event
from controller.ledger.ledger import Ledger


@contextmanager
def reopening(file: Path, clock: VirtualClock, told: list[Event]) -> Iterator[Callable[[], Ledger]]:
    """Each call opens the file anew and closes what was open; ``told`` gets every event."""
    ledgers: list[Ledger] = []

    def open_again() -> Ledger:
        for ledger in ledgers:
            ledger.close()
        ledgers.append(Ledger(f"sqlite:///{file}", clock=clock, on_event=told.append))
        return ledgers[-1]

    yield open_again
    for ledger in ledgers:
        ledger.close()

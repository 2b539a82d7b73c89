"""A ledger in a file of its own, under a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.engine.clock import VirtualClock
from controller.ledger.events import Event
from controller.ledger.ledger import Ledger
from tests.unit.core.given import NOW
from tests.unit.ledger.reopening import reopening


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def told() -> list[Event]:
    """What the ledger told its listener."""
    return []


@pytest.fixture
def opened(file: Path, clock: VirtualClock, told: list[Event]) -> Iterator[Callable[[], Ledger]]:
    """Opens the same file again, as a restart does."""
    with reopening(file, clock, told) as open_again:
        yield open_again


@pytest.fixture
def ledger(opened: Callable[[], Ledger]) -> Ledger:
    return opened()

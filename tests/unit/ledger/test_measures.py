"""What is told of the ledger's own work: how long each write took, and what its files take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from controller.engine.clock import VirtualClock
from controller.ledger.ledger import Ledger, Note, Superseded
from tests.unit.core.given import NOW, accepted

DONE = Note("Done", "it was done")


class Ticking(VirtualClock):
    """A quarter of a second passes between two looks at it."""

    def monotonic(self) -> float:
        self.advance(0.25)
        return super().monotonic()


@pytest.fixture
def took() -> list[float]:
    return []


@pytest.fixture
def ledger(file: Path, took: list[float]) -> Iterator[Ledger]:
    ledger = Ledger(f"sqlite:///{file}", clock=Ticking(NOW), on_write=took.append)
    yield ledger
    ledger.close()


def test_every_write_is_told_and_no_read(ledger: Ledger, took: list[float]) -> None:
    assert took == []
    ledger.begin(accepted(), None, DONE)
    ledger.note("", "", DONE)
    ledger.set_setting("paused", "yes")
    assert took == [0.25, 0.25, 0.25]
    assert (ledger.setting("paused"), len(ledger.events()), ledger.life("alice")) == ("yes", 2, accepted())
    ledger.change(accepted(), lambda life: life)
    assert len(took) == 3, "a change that changes nothing writes nothing"


def test_a_write_that_failed_took_its_time_too(ledger: Ledger, took: list[float], file: Path) -> None:
    file.rename(file.with_name("moved.db"))
    with pytest.raises(OperationalError):
        ledger.note("", "", DONE)
    assert took == [0.25]


def test_what_is_refused_before_it_is_written_is_no_write(ledger: Ledger, took: list[float]) -> None:
    ledger.begin(accepted(), None)
    with pytest.raises(Superseded):
        ledger.begin(accepted(), None)
    assert len(took) == 1


def test_its_size_is_that_of_its_file_and_its_journal(ledger: Ledger, file: Path) -> None:
    ledger.note("", "", Note("Long", "x" * 50_000))
    journal = file.with_name(f"{file.name}-wal")
    assert journal.stat().st_size > 50_000
    assert ledger.size_bytes() == file.stat().st_size + journal.stat().st_size


def test_files_that_are_gone_take_nothing(ledger: Ledger, file: Path) -> None:
    for path in file.parent.iterdir():
        path.unlink()
    assert ledger.size_bytes() == 0


def test_a_ledger_without_a_file_has_no_size() -> None:
    ledger = Ledger("sqlite://", clock=VirtualClock(NOW))
    assert ledger.size_bytes() is None
    ledger.close()

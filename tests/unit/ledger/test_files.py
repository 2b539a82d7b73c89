"""A ledger whose file goes while it is open: nothing is recorded where nobody will read it, and people are told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from controller.engine.clock import VirtualClock
from controller.ledger.ledger import Ledger, Note
from tests.unit.core.given import NOW, accepted

Opened = Callable[[], Ledger]
DONE = Note("Done", "it was done")


def journal(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def remove(file: Path) -> None:
    for path in file.parent.iterdir():
        path.unlink()


def move(file: Path) -> None:
    file.rename(file.with_name("moved.db"))


def replace(file: Path) -> None:
    other = file.with_name("other.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE something (else_ TEXT)")
    other.rename(file)


def remove_the_journal(file: Path) -> None:
    journal(file).unlink()


WAYS = {
    "removed": (remove, "ledger.db is gone"),
    "moved": (move, "ledger.db is gone"),
    "replaced": (replace, "ledger.db is another file than the one that is open"),
    "without its journal": (remove_the_journal, "ledger.db-wal is gone"),
}


@pytest.mark.parametrize(("lose", "found"), WAYS.values(), ids=WAYS.keys())
def test_nothing_is_recorded_in_a_file_that_nobody_will_read(
    ledger: Ledger, file: Path, lose: Callable[[Path], None], found: str
) -> None:
    ledger.begin(accepted(), None)
    assert ledger.problem() is None
    lose(file)
    for write in (
        lambda: ledger.begin(accepted(session="bob", uid="b" * 32), None),
        lambda: ledger.change(accepted(), lambda life: life, DONE),
        lambda: ledger.rest_vmid(30001, seconds=60),
        lambda: ledger.note("", "", DONE),
        ledger.prove_writable,
    ):
        with pytest.raises(OperationalError):
            write()
    assert [life.session for life in ledger.lives()] == ["alice"]
    assert ledger.taken_vmids() == set()
    assert ledger.events() == []
    assert ledger.trouble == (
        f"{file.parent}/{found}: put that one back, or restart the daemon to go on with what is there"
    )


def test_it_is_noticed_at_the_next_tick_without_a_write(ledger: Ledger, file: Path) -> None:
    ledger.try_again()
    assert ledger.trouble is None
    remove(file)
    ledger.try_again()
    assert ledger.trouble is not None
    assert ledger.problem() == ledger.trouble


def test_a_file_that_is_put_back_is_gone_on_with(ledger: Ledger, file: Path, opened: Opened) -> None:
    move(file)
    with pytest.raises(OperationalError):
        ledger.begin(accepted(), None)
    file.with_name("moved.db").rename(file)
    ledger.try_again()
    assert ledger.trouble is None
    ledger.begin(accepted(), None, DONE)
    assert [life.session for life in opened().lives()] == ["alice"]


def test_a_restart_goes_on_with_what_is_there(ledger: Ledger, file: Path, opened: Opened) -> None:
    ledger.begin(accepted(), None)
    remove(file)
    restarted = opened()
    assert restarted.lives() == []
    restarted.begin(accepted(), None, DONE)
    assert restarted.trouble is None


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_ledger_in_memory_has_no_file_to_lose(url: str) -> None:
    ledger = Ledger(url, clock=VirtualClock(NOW))
    ledger.note("", "", DONE)
    assert ledger.problem() is None
    ledger.close()

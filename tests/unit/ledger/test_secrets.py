"""Passwords: only in the file, only while they open something, and never in what is shown."""

from __future__ import annotations

import sqlite3
import threading
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from controller.core.incarnation import Incarnation, Stage
from controller.ledger.ledger import Ledger
from controller.ledger.passwords import Credential
from tests.unit.core.given import accepted, tombstone

PASSWORD = "correct-horse-battery-staple"
SECRET = Credential(username="user", password=PASSWORD)


def ended(life: Incarnation) -> Incarnation:
    return replace(life, stage=Stage.ENDED, ending=tombstone().ending)


def on_disk(ledger: Ledger, file: Path) -> bool:
    """Whether the password stands anywhere in the database's files, its journal written back."""
    with ledger._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return any(PASSWORD.encode() in path.read_bytes() for path in file.parent.iterdir())


def test_a_password_is_kept_while_its_life_lasts(ledger: Ledger, file: Path) -> None:
    ledger.begin(accepted(), SECRET)
    assert on_disk(ledger, file)
    assert ledger.credential("alice") == SECRET


def test_no_password_is_left_in_the_file_after_the_burial(ledger: Ledger, file: Path) -> None:
    ledger.begin(accepted(), SECRET)
    assert on_disk(ledger, file)
    ledger.bury(accepted(), ended)
    assert not on_disk(ledger, file)


@pytest.mark.parametrize("next_", ["forgotten", "a new life"])
def test_no_password_is_left_in_the_file_of_a_tombstone_that_gave_way(ledger: Ledger, file: Path, next_: str) -> None:
    ledger.begin(tombstone(), SECRET)
    assert on_disk(ledger, file)
    if next_ == "forgotten":
        ledger.forget(tombstone())
    else:
        ledger.begin(accepted(uid="uid-2"), Credential("user", "another"))
    assert not on_disk(ledger, file)


def test_a_credential_shows_whom_it_is_for_and_no_more() -> None:
    assert PASSWORD not in f"{SECRET!r} {SECRET}"
    assert "user" in repr(SECRET)


def test_a_write_that_fails_says_so_without_the_password(ledger: Ledger, file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(
            "CREATE TRIGGER fails BEFORE INSERT ON credentials BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    connection.close()
    with pytest.raises(SQLAlchemyError, match="disk full") as caught:
        ledger.begin(accepted(), SECRET)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    assert ledger.life("alice") is None


def test_what_is_shown_is_what_was_written_last(ledger: Ledger) -> None:
    """Passwords are kept after a reading, so that nobody who asks for one waits for a write."""

    def shown() -> tuple[Credential | None, str | None]:
        return ledger.credential("alice"), ledger.candidate("alice")

    assert shown() == (None, None)
    life = accepted()
    ledger.begin(life, None)
    assert shown() == (None, None)
    ledger.give(life, SECRET)
    assert shown() == (SECRET, None)
    ledger.propose(life, "next")
    assert shown() == (SECRET, "next")
    life = ledger.confirm(life, "user", lambda current: replace(current, attempts=1))
    assert shown() == (Credential(username="user", password="next"), None)
    life = ledger.bury(life, ended)
    assert shown() == (None, None)
    ledger.begin(accepted(uid="uid-2"), SECRET)
    assert shown() == (SECRET, None)
    ledger.bury(accepted(uid="uid-2"), ended)
    ledger.forget(accepted(uid="uid-2"))
    assert shown() == (None, None)


def test_a_password_is_told_while_a_write_hangs(ledger: Ledger) -> None:
    ledger.begin(accepted(), SECRET)
    assert ledger.credential("alice") == SECRET
    told: list[Credential | None] = []
    with ledger._lock:
        asker = threading.Thread(target=lambda: told.append(ledger.credential("alice")), daemon=True)
        asker.start()
        asker.join(60)
    assert told == [SECRET]

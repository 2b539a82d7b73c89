"""A new password is kept beside the present one until it was set, so that what works is always known."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.incarnation import Incarnation, Stage
from controller.engine.clock import VirtualClock
from controller.ledger.ledger import Ledger, Note, Superseded
from controller.ledger.passwords import Credential
from tests.unit.core.given import NOW, accepted, ready, tombstone

OLD = Credential(username="winux", password="old-password")


def same(life: Incarnation) -> Incarnation:
    return life


def test_the_first_candidate_stays_until_it_is_confirmed(ledger: Ledger) -> None:
    ledger.begin(ready(), OLD)
    assert ledger.candidate("alice") is None
    assert ledger.propose(ready(), "first") == "first"
    assert ledger.propose(ready(), "second") == "first", "it may have been set already"
    assert (ledger.credential("alice"), ledger.candidate("alice")) == (OLD, "first")
    ledger.confirm(ready(), "winux", same, Note("Rotated", "a new password was set"))
    assert (ledger.credential("alice"), ledger.candidate("alice")) == (Credential("winux", "first"), None)


def test_confirming_without_a_candidate_changes_no_password(ledger: Ledger) -> None:
    ledger.begin(ready(), OLD)
    ledger.confirm(ready(), "winux", same)
    assert ledger.credential("alice") == OLD


def test_a_life_without_a_password_is_given_one_and_only_one(ledger: Ledger) -> None:
    ledger.begin(ready(), None)
    assert ledger.give(ready(), OLD) == OLD
    assert ledger.give(ready(), Credential("winux", "another")) == OLD


def test_another_life_of_the_name_gets_nothing(ledger: Ledger) -> None:
    ledger.begin(ready(), OLD)
    stranger = replace(ready(), uid="uid-9")
    for act in (
        lambda: ledger.give(stranger, OLD),
        lambda: ledger.propose(stranger, "x"),
        lambda: ledger.confirm(stranger, "winux", same),
    ):
        with pytest.raises(Superseded):
            act()


def test_the_burial_erases_the_candidate_too(ledger: Ledger) -> None:
    ledger.begin(accepted(), OLD)
    ledger.propose(accepted(), "first")
    ledger.bury(accepted(), lambda life: replace(life, stage=Stage.ENDED, ending=tombstone().ending))
    assert (ledger.credential("alice"), ledger.candidate("alice")) == (None, None)


def test_a_ledger_from_before_there_were_candidates_is_opened_and_gets_them(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    first = Ledger(f"sqlite:///{file}", clock=VirtualClock(NOW))
    first.begin(ready(), OLD)
    first.close()
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE credential_candidates")
        database.execute("UPDATE incarnations SET document = json_remove(document, '$.guest', '$.spec.credentials')")
    again = Ledger(f"sqlite:///{file}", clock=VirtualClock(NOW))
    life = again.life("alice")
    assert life == ready()
    assert (again.credential("alice"), again.propose(ready(), "new")) == (OLD, "new")
    again.close()

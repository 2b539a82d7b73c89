"""Events: one sentence each, repeats counted, in order, and still there after a restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from controller.engine.clock import VirtualClock
from controller.ledger.events import WINDOW, Event, EventType, Wanted
from controller.ledger.ledger import Ledger, Note
from tests.unit.core.given import NOW, accepted

Opened = Callable[[], Ledger]

CREATING, READY = Note("Creating", "container 30101 is made on pve1"), Note("Ready", "the desktop answers")
UNCLEAR = Note("CreateUnclear", "no answer", warning=True)


def told_of(ledger: Ledger, session: str | None = None) -> list[tuple[str, int]]:
    """Reasons and counts, oldest first."""
    return [(event.reason, event.count) for event in ledger.events(session=session)]


def test_an_event_says_who_what_and_when(ledger: Ledger) -> None:
    ledger.begin(accepted(), None, Note("Accepted", "asked for by alice.yaml:3"))
    ledger.note("alice", "uid-1", UNCLEAR)
    accepted_, unclear = ledger.events()
    assert accepted_ == Event(
        session="alice",
        uid="uid-1",
        type=EventType.NORMAL,
        reason="Accepted",
        message="asked for by alice.yaml:3",
        count=1,
        first_at=NOW,
        last_at=NOW,
        id=accepted_.id,
    )
    assert (unclear.type, unclear.message) == (EventType.WARNING, "no answer")


def test_repeats_are_counted_with_their_first_and_last_time(ledger: Ledger, clock: VirtualClock) -> None:
    for _ in range(3):
        ledger.note("alice", "uid-1", UNCLEAR)
        clock.advance(10)
    (event,) = ledger.events()
    assert (event.count, event.first_at, event.last_at) == (3, NOW, NOW + 20)


@pytest.mark.parametrize(
    ("uid", "note"),
    [
        ("uid-2", UNCLEAR),
        ("uid-1", replace(UNCLEAR, message="still no answer")),
        ("uid-1", replace(UNCLEAR, reason="DestroyUnclear")),
        ("uid-1", replace(UNCLEAR, warning=False)),
    ],
    ids=["of another life", "with another message", "for another reason", "no longer a warning"],
)
def test_what_differs_is_an_event_of_its_own(ledger: Ledger, uid: str, note: Note) -> None:
    ledger.note("alice", "uid-1", UNCLEAR)
    ledger.note("alice", uid, note)
    assert [event.count for event in ledger.events()] == [1, 1]


def test_what_comes_again_later_is_a_step_of_its_own(ledger: Ledger) -> None:
    ledger.note("alice", "uid-1", CREATING, UNCLEAR, CREATING)
    assert told_of(ledger) == [("Creating", 1), ("CreateUnclear", 1), ("Creating", 1)]


def test_sentences_that_take_turns_are_told_three_times_and_counted_from_then_on(
    ledger: Ledger, clock: VirtualClock
) -> None:
    for _ in range(100):
        ledger.note("alice", "uid-1", CREATING, UNCLEAR)
        clock.advance(60)
    turns = [("Creating", 1), ("CreateUnclear", 1)]
    assert told_of(ledger) == [*turns, *turns, ("Creating", 98), ("CreateUnclear", 98)]
    last = ledger.events()[-1]
    assert (last.first_at, last.last_at) == (NOW + 2 * 60, NOW + 99 * 60), "it says from when to when"


def test_what_comes_again_after_a_long_time_is_told_again(ledger: Ledger, clock: VirtualClock) -> None:
    for _ in range(4):
        ledger.note("alice", "uid-1", CREATING, UNCLEAR)
        clock.advance(WINDOW + 1)
    assert len(ledger.events()) == 8


def test_a_count_is_news_to_whoever_follows(ledger: Ledger) -> None:
    ledger.note("alice", "uid-1", UNCLEAR)
    ledger.note("bob", "uid-2", CREATING)
    seen = ledger.events()[-1].id
    ledger.note("alice", "uid-1", UNCLEAR)
    (again,) = ledger.events(after=seen)
    assert (again.session, again.count) == ("alice", 2)
    assert [event.session for event in ledger.events()] == ["bob", "alice"], "in the order in which it last happened"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), ["Creating", "CreateUnclear", "Ready"]),
        (Wanted(type=EventType.WARNING), ["CreateUnclear"]),
        (Wanted(type=EventType.NORMAL), ["Creating", "Ready"]),
        (Wanted(reason="createunclear"), ["CreateUnclear"]),
        (Wanted(since=NOW + 60), ["CreateUnclear", "Ready"]),
        (Wanted(since=NOW + 60, type=EventType.NORMAL), ["Ready"]),
        (Wanted(session="bob"), ["Ready"]),
        (Wanted(session="bob", type=EventType.WARNING), []),
    ],
)
def test_events_are_found_by_type_reason_and_time(
    ledger: Ledger, clock: VirtualClock, wanted: Wanted, found: list[str]
) -> None:
    ledger.note("alice", "uid-1", CREATING)
    clock.advance(60)
    ledger.note("alice", "uid-1", UNCLEAR)
    clock.advance(60)
    ledger.note("bob", "uid-2", READY)
    assert [event.reason for event in ledger.find_events(wanted, limit=500)] == found


def test_a_row_is_not_broken_by_another_session(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.note("alice", "uid-1", UNCLEAR)
        ledger.note("bob", "uid-2", UNCLEAR)
        ledger.note("", "", UNCLEAR)
    assert [(event.session, event.count) for event in ledger.events()] == [("alice", 3), ("bob", 3), ("", 3)]


def test_events_come_oldest_first_and_by_session(ledger: Ledger) -> None:
    ledger.note("alice", "uid-1", CREATING)
    ledger.note("bob", "uid-2", CREATING)
    ledger.note("alice", "uid-1", READY)
    assert [event.session for event in ledger.events()] == ["alice", "bob", "alice"]
    assert told_of(ledger, "alice") == [("Creating", 1), ("Ready", 1)]
    assert ledger.events(session="carol") == []


def test_the_newest_events_are_given_and_those_after_a_known_one(ledger: Ledger) -> None:
    for number in range(5):
        ledger.note("alice", "uid-1", Note("Probing", f"try {number}"))
    assert [event.message for event in ledger.events(limit=2)] == ["try 3", "try 4"]
    known = ledger.events()[2].id
    assert [event.message for event in ledger.events(after=known)] == ["try 3", "try 4"]
    assert [event.message for event in ledger.events(after=known, limit=1)] == ["try 4"]
    assert ledger.events(after=ledger.events()[-1].id) == []


def test_events_survive_a_restart_and_go_on_behind_the_old_ones(opened: Opened) -> None:
    opened().note("alice", "uid-1", UNCLEAR, UNCLEAR)
    again = opened()
    again.note("alice", "uid-1", UNCLEAR)
    assert told_of(again) == [("CreateUnclear", 2), ("CreateUnclear", 1)]


def test_the_newest_event_tells_when_the_ledger_was_last_written(ledger: Ledger, clock: VirtualClock) -> None:
    assert ledger.newest() is None
    ledger.note("alice", "uid-1", UNCLEAR)
    ledger.note("bob", "uid-2", UNCLEAR)
    clock.advance(60)
    ledger.note("alice", "uid-1", UNCLEAR)
    assert ledger.newest() == NOW + 60


def test_a_listener_hears_of_every_event_once_it_is_recorded(ledger: Ledger, told: list[Event]) -> None:
    ledger.begin(accepted(), None, CREATING)
    ledger.note("alice", "uid-1", UNCLEAR)
    ledger.change(accepted(), lambda life: life, UNCLEAR)
    ledger.set_setting("paused", "yes", Note("Paused", "…"))
    assert [(event.session, event.reason, event.count) for event in told] == [
        ("alice", "Creating", 1),
        ("alice", "CreateUnclear", 1),
        ("alice", "CreateUnclear", 2),
        ("", "Paused", 1),
    ]


# -- a disk that fails -----------------------------------------------------------------------------------------


@pytest.fixture
def failing(ledger: Ledger, file: Path) -> Ledger:
    """A ledger whose database refuses every event with the reason Fails."""
    with sqlite3.connect(file) as connection:
        connection.execute(
            "CREATE TRIGGER fails BEFORE INSERT ON events WHEN NEW.reason = 'Fails' "
            "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    connection.close()
    return ledger


def test_what_could_not_be_recorded_was_not_done(failing: Ledger, told: list[Event], opened: Opened) -> None:
    failing.begin(accepted(), None)
    with pytest.raises(SQLAlchemyError, match="disk full"):
        failing.change(accepted(), lambda life: replace(life, failures=1), CREATING, Note("Fails", "…"))
    with pytest.raises(SQLAlchemyError, match="disk full"):
        failing.begin(accepted(session="bob", uid="uid-2"), None, Note("Fails", "…"))
    assert failing.lives() == [accepted()]
    assert failing.events() == []
    assert told == []
    assert opened().lives() == [accepted()]


def test_an_event_that_was_not_recorded_is_not_counted_on(failing: Ledger) -> None:
    """Its row is gone, and another session's event may have its number by now."""
    with pytest.raises(SQLAlchemyError, match="disk full"):
        failing.note("alice", "uid-1", UNCLEAR, Note("Fails", "…"))
    failing.note("bob", "uid-2", CREATING)
    failing.note("alice", "uid-1", UNCLEAR)
    assert told_of(failing, "bob") == [("Creating", 1)]
    assert told_of(failing, "alice") == [("CreateUnclear", 1)]

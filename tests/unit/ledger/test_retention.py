"""Which events stay: by age, by number, and until they were sent on; whose uids were ours is not forgotten."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controller.engine.clock import VirtualClock
from controller.ledger.events import EventType
from controller.ledger.ledger import Ledger, Note
from controller.ledger.retention import CHUNK, REMEMBERED, Keep, Pruned, Unsent
from tests.unit.core.given import NOW

Opened = Callable[[], Ledger]
DAY = 86_400.0


def fill(ledger: Ledger, number: int, *, session: str = "alice", uid: str = "uid-1", warning: bool = False) -> None:
    ledger.note(session, uid, *(Note("Probing", f"{session} {one}", warning=warning) for one in range(number)))


def prune(ledger: Ledger, *, before: float = 0.0, at_most: int = 1_000_000, **sinks: Unsent) -> Pruned:
    return ledger.spool.prune(Keep(before=before, at_most=at_most, unsent=sinks))


def messages(ledger: Ledger) -> list[str]:
    return [event.message for event in ledger.events(limit=10_000)]


def test_the_newest_stay_where_there_are_too_many(ledger: Ledger) -> None:
    fill(ledger, 10)
    assert prune(ledger, at_most=3) == Pruned(7, {})
    assert messages(ledger) == ["alice 7", "alice 8", "alice 9"]
    assert prune(ledger, at_most=3) == Pruned(0, {})


def test_what_is_older_than_is_kept_goes(ledger: Ledger, clock: VirtualClock) -> None:
    fill(ledger, 3)
    clock.advance(DAY)
    fill(ledger, 2, session="bob")
    assert prune(ledger, before=NOW + 1).removed == 3
    assert messages(ledger) == ["bob 0", "bob 1"]


def test_the_age_of_an_event_is_that_of_its_last_time(ledger: Ledger, clock: VirtualClock) -> None:
    ledger.note("alice", "uid-1", Note("Unclear", "…"))
    ledger.note("bob", "uid-2", Note("Unclear", "…"))
    clock.advance(DAY)
    ledger.note("alice", "uid-1", Note("Unclear", "…"))
    assert prune(ledger, before=NOW + 1).removed == 1
    assert [(event.session, event.count) for event in ledger.events()] == [("alice", 2)]


def test_the_newest_event_always_stays_so_that_ids_only_grow(ledger: Ledger) -> None:
    fill(ledger, 3)
    newest = ledger.events()[-1].id
    assert prune(ledger, before=NOW + DAY).removed == 2
    fill(ledger, 1, session="bob")
    assert [event.id for event in ledger.events()] == [newest, newest + 1]


def test_the_ledger_is_not_held_up_by_many(ledger: Ledger) -> None:
    fill(ledger, CHUNK + 500)
    assert [prune(ledger, at_most=100).removed for _ in range(3)] == [CHUNK, 400, 0]


# -- what was not sent on --------------------------------------------------------------------------------------


def test_what_was_not_sent_on_stays_though_it_is_old_and_too_much(ledger: Ledger) -> None:
    fill(ledger, 10)
    fourth = ledger.events()[3].id
    assert prune(ledger, at_most=5, before=NOW + DAY, webhook=Unsent(after=fourth)) == Pruned(4, {})
    assert messages(ledger)[0] == "alice 4"


def test_the_slowest_sink_counts(ledger: Ledger) -> None:
    fill(ledger, 10)
    ids = [event.id for event in ledger.events()]
    sinks = {"file": Unsent(after=ids[-1]), "webhook": Unsent(after=ids[1])}
    assert prune(ledger, at_most=6, **sinks) == Pruned(2, {})


def test_beyond_twice_as_many_it_goes_and_is_counted(ledger: Ledger) -> None:
    fill(ledger, 10)
    first = ledger.events()[0].id
    pruned = prune(ledger, at_most=3, webhook=Unsent(after=first), file=Unsent(after=first + 2))
    assert pruned == Pruned(4, {"webhook": 3, "file": 1})
    assert len(messages(ledger)) == 6


def test_what_a_sink_does_not_want_is_not_dropped(ledger: Ledger) -> None:
    fill(ledger, 10)
    assert prune(ledger, at_most=3, webhook=Unsent(after=0, types=[EventType.WARNING])) == Pruned(4, {})


def test_the_next_for_a_sink_are_the_oldest_that_it_wants(ledger: Ledger) -> None:
    fill(ledger, 3)
    fill(ledger, 3, session="bob", warning=True)
    ledger.note("", "", Note("Own", "…", warning=True))
    unsent = Unsent(after=0, types=[EventType.WARNING], but=["Own"])
    found = ledger.spool.next(unsent, limit=2)
    assert [event.message for event in found.events] == ["bob 0", "bob 1"]
    rest = ledger.spool.next(Unsent(after=found.upto, types=[EventType.WARNING], but=["Own"]), limit=2)
    assert [event.message for event in rest.events] == ["bob 2"]
    assert rest.upto == ledger.spool.newest(), "nothing up to the last one is for it"
    waiting = ledger.spool.waiting(unsent)
    assert (waiting.count, waiting.oldest_at) == (3, NOW)


# -- uids ------------------------------------------------------------------------------------------------------


def test_a_uid_is_known_though_its_events_are_gone(ledger: Ledger, opened: Opened) -> None:
    """Or a container out of a backup, which was ours, would be left alone as a stranger."""
    fill(ledger, 1, uid="uid-old")
    fill(ledger, 5, session="bob", uid="uid-2")
    prune(ledger, at_most=2)
    again = opened()
    assert "alice 0" not in messages(again)
    assert (again.knows("uid-old"), again.knows("uid-2"), again.knows("uid-never")) == (True, True, False)


@pytest.mark.parametrize(("after", "known"), [(REMEMBERED - 1, True), (REMEMBERED + 1, False)])
def test_a_uid_is_forgotten_a_year_after_its_last_event(
    ledger: Ledger, clock: VirtualClock, after: float, known: bool
) -> None:
    fill(ledger, 1, uid="uid-old")
    fill(ledger, 1, session="", uid="")
    prune(ledger, at_most=1)
    clock.advance(after)
    fill(ledger, 1, session="bob", uid="uid-2")
    fill(ledger, 1, session="", uid="")
    prune(ledger, at_most=1)
    assert ledger.knows("uid-old") is known


def test_looking_for_what_may_go_is_no_proof_that_the_ledger_can_be_written(ledger: Ledger) -> None:
    ledger.trouble = "database or disk is full"
    prune(ledger, at_most=100)
    assert ledger.trouble == "database or disk is full"

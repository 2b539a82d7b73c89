"""Sending events on: in order, at least once, over failures and restarts, and never about itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from controller.deliveries import lane
from controller.deliveries.deliveries import PRUNE_EVERY, RETRY_CAP, Deliveries, Plan
from controller.deliveries.lane import AT_ONCE, LONGEST_PAUSE, REFUSED_PAUSE, TELL_AFTER
from controller.deliveries.sink import NotTaken
from controller.engine.clock import VirtualClock
from controller.ledger.events import Event, EventType
from controller.ledger.ledger import Ledger, Note
from tests.unit.ledger.reopening import reopening

NOW = 1_800_000_000.0
STOP = threading.Event()
READY = Note("Ready", "the desktop answers")
UNCLEAR = Note("CreateUnclear", "no answer", warning=True)


@dataclass
class Sink:
    """Takes what it is given, unless it is told to fail."""

    name: str = "webhook"
    types: tuple[EventType, ...] = tuple(EventType)
    secret: str = ""
    fails: NotTaken | None = field(default=None, compare=False)
    batches: list[list[Event]] = field(default_factory=list, compare=False)
    tries: list[list[int]] = field(default_factory=list, compare=False)
    most: int = field(default=10_000, compare=False)

    @property
    def place(self) -> str:
        return f"the {self.name} of the test"

    @property
    def taken(self) -> list[Event]:
        return [event for batch in self.batches for event in batch]

    def send(self, events: Sequence[Event], stop: threading.Event) -> None:
        assert not stop.is_set()
        self.tries.append([event.id for event in events])
        if len(events) > self.most:
            raise NotTaken("it answered 413", refused=True, too_much=True)
        if self.fails is not None:
            raise self.fails
        self.batches.append(list(events))

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Seen:
    deliveries: list[tuple[str, bool]] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)

    def drop(self, sink: str, count: int) -> None:
        self.dropped[sink] = self.dropped.get(sink, 0) + count


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def noted() -> list[Event]:
    """What the ledger ever recorded."""
    return []


@pytest.fixture
def opened(file: Path, clock: VirtualClock, noted: list[Event]) -> Iterator[Callable[[], Ledger]]:
    with reopening(file, clock, noted) as open_again:
        yield open_again


@pytest.fixture
def ledger(opened: Callable[[], Ledger]) -> Ledger:
    return opened()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def begin(clock: VirtualClock, seen: Seen) -> Callable[..., Deliveries]:
    def begin(
        ledger: Ledger, *sinks: Sink, keep: float = 90 * 86_400.0, at_most: int = 1000, right: bool = True
    ) -> Deliveries:
        return Deliveries(
            ledger,
            Plan(keep=keep, at_most=at_most, sinks=sinks),
            clock=clock,
            random=Random(1),
            observe_delivery=lambda sink, ok: seen.deliveries.append((sink, ok)),
            observe_dropped=seen.drop,
            clock_right=lambda: right,
        )

    return begin


Begin = Callable[..., Deliveries]


def told(ledger: Ledger) -> list[str]:
    """Reasons of what the controller said about itself."""
    return [event.reason for event in ledger.events(session="", limit=10_000)]


def some(ledger: Ledger, number: int, *, first: int = 0) -> None:
    ledger.note("alice", "uid-1", *(Note("Probing", f"try {first + one}") for one in range(number)))


def test_events_are_sent_in_order_and_once(ledger: Ledger, begin: Begin, seen: Seen) -> None:
    file, webhook = Sink("file"), Sink()
    deliveries = begin(ledger, file, webhook)
    some(ledger, 250)
    for _ in range(3):
        deliveries.round(STOP)
    for sink in (file, webhook):
        assert [event.message for event in sink.taken] == [f"try {number}" for number in range(250)]
        assert [len(batch) for batch in sink.batches] == [AT_ONCE, AT_ONCE, 50]
    assert deliveries.backlog() == {"file": (0, 0.0), "webhook": (0, 0.0)}
    assert seen.deliveries == [("file", True)] * 3 + [("webhook", True)] * 3


def test_a_new_sink_gets_what_happens_from_now_on(ledger: Ledger, begin: Begin) -> None:
    ledger.note("alice", "uid-1", UNCLEAR)
    sink = Sink()
    deliveries = begin(ledger, sink)
    ledger.note("alice", "uid-1", READY)
    deliveries.round(STOP)
    assert [event.reason for event in sink.taken] == ["Ready"]


def test_a_count_is_sent_too(ledger: Ledger, begin: Begin) -> None:
    sink = Sink()
    deliveries = begin(ledger, sink)
    for _ in range(3):
        ledger.note("alice", "uid-1", UNCLEAR)
        deliveries.round(STOP)
    assert [event.count for event in sink.taken] == [1, 2, 3]
    assert len({event.id for event in sink.taken}) == 3, "a receiver that sees an id again can skip it"


def test_a_sink_gets_the_types_that_it_wants(ledger: Ledger, begin: Begin) -> None:
    sink = Sink(types=(EventType.WARNING,))
    deliveries = begin(ledger, sink, at_most=100)
    ledger.note("alice", "uid-1", READY, UNCLEAR)
    some(ledger, 300)
    deliveries.round(STOP)
    assert [event.reason for event in sink.taken] == ["CreateUnclear"]
    assert len(ledger.events(limit=1000)) == 100, "what it does not want is not kept for it"


# -- failures --------------------------------------------------------------------------------------------------


def test_what_was_not_taken_comes_again_as_it_was(ledger: Ledger, begin: Begin, clock: VirtualClock) -> None:
    sink = Sink(fails=NotTaken("it answered 503"))
    deliveries = begin(ledger, sink)
    some(ledger, 2)
    deliveries.round(STOP)
    some(ledger, 1, first=2)
    clock.advance(RETRY_CAP)
    sink.fails = None
    deliveries.round(STOP)
    first, again, rest = sink.tries
    assert first == again, "the same message, which a receiver knows by its id"
    assert [event.message for event in sink.taken] == ["try 0", "try 1", "try 2"]
    assert len(rest) == 1


def test_a_sink_that_fails_is_tried_ever_more_rarely(ledger: Ledger, begin: Begin, clock: VirtualClock) -> None:
    sink = Sink(fails=NotTaken("it answered 503"))
    deliveries = begin(ledger, sink)
    some(ledger, 1)
    for _ in range(3600):
        deliveries.round(STOP)
        clock.advance(1)
    assert 10 <= len(sink.tries) <= 30
    assert deliveries.backlog()["webhook"][0] == 1
    assert deliveries.backlog()["webhook"][1] == pytest.approx(3600, abs=2)


def test_one_sink_that_fails_holds_up_no_other(ledger: Ledger, begin: Begin) -> None:
    file, webhook = Sink("file"), Sink(fails=NotTaken("it answered 503"))
    deliveries = begin(ledger, webhook, file)
    some(ledger, 3)
    deliveries.round(STOP)
    assert (len(file.taken), len(webhook.taken)) == (3, 0)


@pytest.mark.parametrize(
    ("error", "bounds"),
    [
        (NotTaken("it answered 503"), (0.5, 1.0)),
        (NotTaken("it answered 429", pause=120.0), (120.0, 120.0)),
        (NotTaken("it answered 429", pause=1e9), (LONGEST_PAUSE, LONGEST_PAUSE)),
        (NotTaken("it answered 401", refused=True), (REFUSED_PAUSE, REFUSED_PAUSE)),
    ],
    ids=["trouble", "asks for a pause", "asks for ever", "refuses"],
)
def test_how_long_a_sink_is_left_alone(
    ledger: Ledger, begin: Begin, clock: VirtualClock, error: NotTaken, bounds: tuple[float, float]
) -> None:
    least, most = bounds
    sink = Sink(fails=error)
    deliveries = begin(ledger, sink)
    some(ledger, 1)
    deliveries.round(STOP)
    clock.advance(least - 0.01)
    deliveries.round(STOP)
    assert len(sink.tries) == 1
    clock.advance(most - least + 0.02)
    deliveries.round(STOP)
    assert len(sink.tries) == 2


def test_what_is_too_much_at_once_is_sent_in_smaller_parts(ledger: Ledger, begin: Begin) -> None:
    sink = Sink(most=30)
    deliveries = begin(ledger, sink)
    some(ledger, 100)
    for _ in range(20):
        deliveries.round(STOP)
    assert [event.message for event in sink.taken] == [f"try {number}" for number in range(100)]
    assert told(ledger) == []


def test_a_blip_is_not_told(ledger: Ledger, begin: Begin, clock: VirtualClock) -> None:
    sink = Sink(fails=NotTaken("it answered 503"))
    deliveries = begin(ledger, sink)
    some(ledger, 1)
    deliveries.round(STOP)
    clock.advance(5)
    sink.fails = None
    deliveries.round(STOP)
    assert told(ledger) == []


def test_what_lasts_is_told_once_and_so_is_its_end(ledger: Ledger, begin: Begin, clock: VirtualClock) -> None:
    sink = Sink(fails=NotTaken("connection refused"))
    deliveries = begin(ledger, sink)
    some(ledger, 1)
    for _ in range(1000):
        deliveries.round(STOP)
        clock.advance(TELL_AFTER)
    sink.fails = None
    clock.advance(RETRY_CAP)
    deliveries.round(STOP)
    assert told(ledger) == ["EventsNotDelivered", "EventsDelivered"]
    failed, again = ledger.events(session="")
    assert (
        failed.message == "the webhook of the test takes no events: connection refused; they are kept and tried again"
    )
    assert (failed.type, failed.count) == (EventType.WARNING, 1)
    assert again.message == "the webhook of the test takes events again"


def test_a_refusal_is_told_at_once(ledger: Ledger, begin: Begin) -> None:
    deliveries = begin(ledger, Sink(fails=NotTaken("it answered 401 Unauthorized", refused=True)))
    some(ledger, 1)
    deliveries.round(STOP)
    assert told(ledger) == ["EventsNotDelivered"]


def test_a_sink_that_fails_every_other_time_is_given_nothing_to_do_by_that(
    ledger: Ledger, begin: Begin, clock: VirtualClock
) -> None:
    """What is said about the sinks is not sent on, or one event would go on for ever."""
    file, webhook = Sink("file"), Sink()
    deliveries = begin(ledger, file, webhook)
    some(ledger, 1)
    for number in range(200):
        refuses = NotTaken("it answered 401", refused=True) if number % 2 == 0 else None
        file.fails = webhook.fails = refuses
        deliveries.round(STOP)
        clock.advance(REFUSED_PAUSE)
    assert len(file.tries) == len(webhook.tries) == 2
    assert {event.reason for event in [*file.taken, *webhook.taken]} == {"Probing"}
    assert set(told(ledger)) == {"EventsNotDelivered", "EventsDelivered"}
    assert deliveries.backlog() == {"file": (0, 0.0), "webhook": (0, 0.0)}


def test_a_dead_sink_looks_dead_though_what_waits_is_counted_on(
    ledger: Ledger, begin: Begin, clock: VirtualClock
) -> None:
    deliveries = begin(ledger, Sink(fails=NotTaken("connection refused")))
    for _ in range(60):
        ledger.note("alice", "uid-1", UNCLEAR)
        deliveries.round(STOP)
        clock.advance(60)
    count, age = deliveries.backlog()["webhook"]
    assert count == 1
    assert age == pytest.approx(3600, abs=1)


def test_a_ledger_that_fails_is_waited_for(ledger: Ledger, begin: Begin, file: Path, clock: VirtualClock) -> None:
    sink = Sink()
    deliveries = begin(ledger, sink)
    some(ledger, 1)
    away = file.rename(file.with_suffix(".away"))
    began = clock.monotonic()
    deliveries.round(STOP)
    assert [event.message for event in sink.taken] == ["try 0"]
    assert clock.monotonic() > began, "it waits before it tries again"
    away.rename(file)
    some(ledger, 1, first=1)
    deliveries.round(STOP)
    assert [event.message for event in sink.taken] == ["try 0", "try 1"], "nothing twice"


# -- restarts and reloads --------------------------------------------------------------------------------------


def test_a_restart_goes_on_where_it_ended(opened: Callable[[], Ledger], begin: Begin) -> None:
    ledger, sink = opened(), Sink()
    deliveries = begin(ledger, sink)
    some(ledger, 3)
    deliveries.round(STOP)
    some(ledger, 3, first=3)
    ledger = opened()
    some(ledger, 1, first=6)
    after = Sink()
    begin(ledger, after).round(STOP)
    assert [event.message for event in after.taken] == ["try 3", "try 4", "try 5", "try 6"]


def test_a_restart_before_anything_was_sent_loses_nothing(opened: Callable[[], Ledger], begin: Begin) -> None:
    ledger = opened()
    begin(ledger, Sink())
    some(ledger, 3)
    after = Sink()
    begin(opened(), after).round(STOP)
    assert len(after.taken) == 3


def test_another_secret_is_used_at_once_with_what_waits(ledger: Ledger, begin: Begin) -> None:
    wrong = Sink(secret="old", fails=NotTaken("it answered 401", refused=True))
    deliveries = begin(ledger, wrong)
    some(ledger, 2)
    deliveries.round(STOP)
    right = Sink(secret="new")
    deliveries.follow(Plan(keep=deliveries.plan.keep, at_most=1000, sinks=(right,)))
    deliveries.round(STOP)
    assert [event.message for event in right.taken] == ["try 0", "try 1"]
    assert told(ledger) == ["EventsNotDelivered", "EventsDelivered"]


def test_a_sink_that_was_taken_out_is_not_flooded_when_it_comes_back(
    ledger: Ledger, begin: Begin, clock: VirtualClock
) -> None:
    sink = Sink()
    deliveries = begin(ledger, sink)
    deliveries.follow(Plan(keep=1e9, at_most=1000))
    clock.advance(PRUNE_EVERY)
    deliveries.round(STOP)
    assert deliveries.backlog() == {}
    some(ledger, 5)
    deliveries.follow(Plan(keep=1e9, at_most=1000, sinks=(sink,)))
    deliveries.round(STOP)
    some(ledger, 1, first=5)
    deliveries.round(STOP)
    assert [event.message for event in sink.taken] == ["try 5"]


# -- retention -------------------------------------------------------------------------------------------------


def test_old_events_are_cleared_away_now_and_then(ledger: Ledger, begin: Begin, clock: VirtualClock) -> None:
    deliveries = begin(ledger, keep=3600.0)
    some(ledger, 5)
    clock.advance(3601)
    some(ledger, 1, first=5)
    deliveries.round(STOP)
    assert [event.message for event in ledger.events()] == ["try 5"]


def test_nothing_is_old_while_the_clock_is_wrong(ledger: Ledger, begin: Begin, clock: VirtualClock) -> None:
    deliveries = begin(ledger, keep=3600.0, right=False)
    some(ledger, 5)
    clock.skew(10 * 365 * 86_400.0)
    some(ledger, 1, first=5)
    deliveries.round(STOP)
    assert len(ledger.events()) == 6


def test_what_waits_too_long_is_dropped_counted_and_told_once(
    ledger: Ledger, begin: Begin, clock: VirtualClock, seen: Seen, noted: list[Event]
) -> None:
    sink = Sink(fails=NotTaken("connection refused"))
    deliveries = begin(ledger, sink, at_most=100)
    for number in range(5):
        some(ledger, 100, first=100 * number)
        deliveries.round(STOP)
        clock.advance(PRUNE_EVERY)
    deliveries.round(STOP)
    assert seen.dropped["webhook"] == pytest.approx(300, abs=3)
    sink.fails = None
    clock.advance(RETRY_CAP)
    for _ in range(3):
        deliveries.round(STOP)
    assert [event.id for event in sink.taken] == sorted({event.id for event in sink.taken})
    assert sink.taken[-2].message == "try 499"
    assert sink.taken[-1].message == (
        f"{seen.dropped['webhook']} events were removed before the webhook of the test took them"
    ), "the receiver learns that there is a gap"
    own = [event.reason for event in noted if event.session == ""]
    assert own == ["EventsDropped", "EventsNotDelivered", "EventsDelivered", "EventsMissing"]


# -- the loop --------------------------------------------------------------------------------------------------


def test_the_loop_ends_when_it_is_asked_to_and_gives_signs_of_life(
    ledger: Ledger, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, beats = threading.Event(), []
    sink = Sink()
    deliveries = begin(ledger, sink)
    monkeypatch.setattr(deliveries, "_beat", lambda: (beats.append(1), len(beats) >= 10 and stop.set()))
    some(ledger, 1)
    deliveries.told(ledger.events()[-1])
    deliveries.run(stop)
    assert len(sink.taken) == 1
    assert len(beats) >= 10


def test_a_long_queue_lets_others_have_their_turn(ledger: Ledger, begin: Begin) -> None:
    file, webhook = Sink("file"), Sink()
    deliveries = begin(ledger, file, webhook, at_most=100_000)
    some(ledger, AT_ONCE * lane.BATCHES * 2)
    deliveries.round(STOP)
    assert len(file.batches) == len(webhook.batches) == lane.BATCHES
    assert deliveries.backlog()["file"][0] == AT_ONCE * lane.BATCHES

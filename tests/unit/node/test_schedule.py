"""Processes, locks and time: what runs when, and what an interrupted process leaves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controller.engine.clock import VirtualClock
from controller.node.errors import Refusal, died
from controller.node.schedule import Completion, Flock, Schedule, Steps, until


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def schedule(clock: VirtualClock) -> Schedule:
    return Schedule(clock)


def holder(schedule: Schedule, flock: Flock, log: list[str], name: str, *, hold: float, patience: float) -> Steps[None]:
    if not (yield from flock.acquire(patience)):
        log.append(f"{schedule.now():g} {name} gave up")
        return
    try:
        log.append(f"{schedule.now():g} {name} in")
        yield from schedule.pause(hold)
    finally:
        log.append(f"{schedule.now():g} {name} out")
        flock.release()


def test_events_run_in_the_order_of_their_times_each_at_its_own(schedule: Schedule, clock: VirtualClock) -> None:
    seen: list[tuple[str, float, float]] = []

    def note(name: str) -> Callable[[], None]:
        return lambda: seen.append((name, schedule.now(), schedule.wall()))

    schedule.at(3, note("late"))
    schedule.at(1, note("first"))
    schedule.at(1, note("second"))
    clock.advance(5)
    schedule.settle()
    start = clock.now() - 5
    assert seen == [("first", 1, start + 1), ("second", 1, start + 1), ("late", 3, start + 3)]
    assert schedule.now() == 5


def test_a_process_returns_what_it_waited_for(schedule: Schedule, clock: VirtualClock) -> None:
    answer: Completion[int] = Completion(schedule)

    def steps() -> Steps[int]:
        yield from schedule.pause(2)
        return (yield from until(answer)) + 1

    process = schedule.spawn(steps())
    answer.set(41)
    schedule.settle()
    assert not process.outcome.done
    clock.advance(2)
    schedule.settle()
    assert process.outcome.result() == 42


def test_a_lock_is_had_by_one_in_order_and_for_a_limited_time(schedule: Schedule, clock: VirtualClock) -> None:
    flock, log = Flock(schedule), list[str]()
    for name in ("a", "b", "c"):
        schedule.spawn(holder(schedule, flock, log, name, hold=6, patience=10))
    clock.advance(100)
    schedule.settle()
    assert log == ["0 a in", "6 a out", "6 b in", "10 c gave up", "12 b out"]
    assert not flock.held


def test_a_killed_holder_frees_the_lock_for_the_next(schedule: Schedule, clock: VirtualClock) -> None:
    flock, log = Flock(schedule), list[str]()
    first = schedule.spawn(holder(schedule, flock, log, "a", hold=60, patience=10))
    schedule.spawn(holder(schedule, flock, log, "b", hold=1, patience=10))
    schedule.settle()
    clock.advance(1)
    schedule.settle()
    first.kill(died("killed"))
    clock.advance(5)
    schedule.settle()
    assert log == ["0 a in", "1 a out", "1 b in", "2 b out"]
    with pytest.raises(Refusal):
        first.outcome.result()


def test_a_waiter_that_is_killed_passes_on_the_lock_it_was_just_given(schedule: Schedule) -> None:
    flock, log = Flock(schedule), list[str]()
    first = schedule.spawn(holder(schedule, flock, log, "a", hold=60, patience=90))
    second = schedule.spawn(holder(schedule, flock, log, "b", hold=60, patience=90))
    schedule.spawn(holder(schedule, flock, log, "c", hold=60, patience=90))
    schedule.settle()
    first.kill(died("killed"))
    second.kill(died("killed"))
    schedule.settle()
    assert log == ["0 a in", "0 a out", "0 c in"]


def test_an_interrupted_process_may_clean_up_and_wait_while_it_does(schedule: Schedule, clock: VirtualClock) -> None:
    log: list[str] = []

    def steps() -> Steps[None]:
        try:
            yield from schedule.pause(60)
        except Refusal as signal:
            yield from schedule.pause(1)
            log.append(f"{schedule.now():g} cleaned up after: {signal}")

    process = schedule.spawn(steps())
    schedule.settle()
    process.throw(died("received interrupt"))
    clock.advance(90)
    schedule.settle()
    assert log == ["1 cleaned up after: received interrupt"]
    assert process.outcome.done


def test_the_first_outcome_counts(schedule: Schedule) -> None:
    completion: Completion[int] = Completion(schedule)
    completion.set(1)
    completion.set(2)
    completion.fail(died("late"))
    assert completion.result() == 1

"""The queue in virtual time: what is due when, and never twice at once."""

from random import Random

import pytest

from controller.engine.backoff import Backoff
from controller.engine.clock import VirtualClock
from controller.engine.workqueue import QueueStats, WorkQueue


class Seen:
    def __init__(self) -> None:
        self.waits: list[float] = []
        self.works: list[float] = []

    def queued(self, seconds: float) -> None:
        self.waits.append(seconds)

    def worked(self, seconds: float) -> None:
        self.works.append(seconds)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def queue(clock: VirtualClock) -> WorkQueue:
    return WorkQueue(clock, Backoff(base=1, cap=8, jitter=0, random=Random(1)))


def drain(queue: WorkQueue) -> list[str]:
    keys = []
    while (key := queue.get_nowait()) is not None:
        keys.append(key)
        queue.done(key)
    return keys


def test_a_key_added_twice_is_worked_on_once_in_order_of_arrival(queue: WorkQueue) -> None:
    for key in ["b", "a", "b", "c", "a"]:
        queue.add(key)
    assert len(queue) == 3
    assert drain(queue) == ["b", "a", "c"]


def test_a_key_added_while_it_is_worked_on_is_due_after_done_and_not_before(queue: WorkQueue) -> None:
    queue.add("a")
    assert queue.get_nowait() == "a"
    queue.add("a")
    queue.add("a")
    assert queue.get_nowait() is None
    queue.done("a")
    assert drain(queue) == ["a"]


def test_the_earliest_of_several_moments_counts(queue: WorkQueue, clock: VirtualClock) -> None:
    queue.add_after("a", 30)
    queue.add_after("a", 10)
    queue.add_at("a", 20)
    assert queue.next_due() == 10
    clock.advance(9.9)
    assert queue.get_nowait() is None
    clock.advance(0.1)
    assert drain(queue) == ["a"]
    clock.advance(100)
    assert drain(queue) == []
    assert queue.next_due() is None


def test_a_key_made_due_now_still_comes_at_its_moment(queue: WorkQueue, clock: VirtualClock) -> None:
    queue.add_after("a", 10)
    queue.add("a")
    assert drain(queue) == ["a"]
    clock.advance(10)
    assert drain(queue) == ["a"]


def test_a_moment_that_comes_during_the_work_waits_for_its_end(queue: WorkQueue, clock: VirtualClock) -> None:
    queue.add("a")
    queue.get_nowait()
    queue.add_after("a", 1)
    clock.advance(5)
    assert queue.get_nowait() is None
    queue.done("a")
    assert drain(queue) == ["a"]


def test_failures_back_off_and_success_forgets(queue: WorkQueue, clock: VirtualClock) -> None:
    delays = []
    queue.add("a")
    for _ in range(5):
        clock.advance((queue.next_due() or 0) - clock.monotonic())
        key = queue.get_nowait()
        assert key == "a"
        delays.append(queue.retry("a"))
        queue.done("a")
    assert delays == [1, 2, 4, 8, 8]
    assert queue.failures("a") == 5
    queue.forget("a")
    assert queue.failures("a") == 0


def test_a_moment_before_the_end_of_the_backoff_is_kept(queue: WorkQueue, clock: VirtualClock) -> None:
    queue.add("a")
    queue.get_nowait()
    queue.add_after("a", 0.5)
    queue.retry("a")
    queue.done("a")
    clock.advance(0.5)
    assert drain(queue) == ["a"]


def test_done_of_a_key_that_nobody_took_is_an_error(queue: WorkQueue) -> None:
    queue.add("a")
    with pytest.raises(ValueError, match="nobody works on that key"):
        queue.done("a")


def test_after_a_shutdown_without_drain_nothing_is_handed_out(queue: WorkQueue) -> None:
    queue.add("a")
    queue.shutdown(drain=False)
    queue.add("b")
    assert queue.get(None) is None
    assert queue.stats() == QueueStats(adds_total=1)


def test_a_drain_hands_out_what_is_due_and_drops_what_is_not(queue: WorkQueue, clock: VirtualClock) -> None:
    queue.add("working")
    assert queue.get_nowait() == "working"
    queue.add("working")
    queue.add("ready")
    queue.add_after("later", 5)
    queue.shutdown(drain=True)
    queue.add("too late")
    assert queue.get(None) == "ready"
    assert queue.get(None) is None
    queue.done("working")
    assert queue.get(None) == "working"
    queue.retry("working")
    queue.done("working")
    clock.advance(100)
    assert queue.get(None) is None
    assert queue.next_due() is None


def test_a_drain_that_takes_too_long_can_be_cut_short(queue: WorkQueue) -> None:
    queue.add("a")
    queue.shutdown(drain=True)
    queue.shutdown(drain=False)
    assert queue.get(None) is None


def test_stats_tell_what_metrics_need(queue: WorkQueue, clock: VirtualClock) -> None:
    queue.add("old")
    queue.add("young")
    queue.add("waiting")
    queue.add("waiting")
    queue.add_after("delayed", 60)
    queue.get_nowait()
    clock.advance(4)
    queue.get_nowait()
    clock.advance(1)
    queue.retry("young")
    assert queue.stats() == QueueStats(
        depth=1, delayed=2, processing=2, adds_total=3, retries_total=1, longest_running_seconds=5
    )


def test_the_observer_is_told_how_long_keys_were_due_and_worked_on(clock: VirtualClock) -> None:
    seen = Seen()
    queue = WorkQueue(clock, Backoff(random=Random(1)), observer=seen)
    queue.add("now")
    queue.add_after("later", 10)
    clock.advance(3)
    queue.get_nowait()
    clock.advance(2)
    queue.done("now")
    clock.advance(6)
    queue.get_nowait()
    assert seen.waits == [3, 1]
    assert seen.works == [2]


def test_ten_thousand_delayed_keys_come_out_in_order(queue: WorkQueue, clock: VirtualClock) -> None:
    keys = [f"session/{n}" for n in range(10_000)]
    Random(1).shuffle(keys)
    for key in keys:
        queue.add_after(key, float(key.removeprefix("session/")) + 100)
        queue.add_after(key, float(key.removeprefix("session/")) + 1)
    assert queue.next_due() == 1
    clock.advance(10_000)
    assert drain(queue) == [f"session/{n}" for n in range(10_000)]

"""The queue against a model of it: every history of adds, delays, work and time keeps the promises."""

from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controller.engine.backoff import Backoff
from controller.engine.clock import VirtualClock
from controller.engine.workqueue import WorkQueue

KEYS = st.sampled_from(["a", "b", "c", "d"])
CAP = 8.0


class QueueHistories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.queue = WorkQueue(self.clock, Backoff(base=1, cap=CAP, random=Random(1)))
        self.due: set[str] = set()
        self.later: dict[str, float] = {}
        self.working: set[str] = set()
        self.failures: dict[str, int] = {}

    def come_due(self) -> None:
        for key in [key for key, when in self.later.items() if when <= self.clock.monotonic()]:
            del self.later[key]
            self.due.add(key)

    def delay(self, key: str, when: float) -> None:
        self.later[key] = min(when, self.later.get(key, when))
        self.come_due()

    @rule(key=KEYS)
    def add(self, key: str) -> None:
        self.queue.add(key)
        self.due.add(key)

    @rule(key=KEYS, seconds=st.integers(0, 20))
    def add_after(self, key: str, seconds: int) -> None:
        self.queue.add_after(key, seconds)
        self.delay(key, self.clock.monotonic() + seconds)

    @rule(key=KEYS, when=st.integers(0, 60))
    def add_at(self, key: str, when: int) -> None:
        self.queue.add_at(key, when)
        self.delay(key, when)

    @rule(seconds=st.integers(0, 15))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.come_due()

    @rule()
    def take(self) -> None:
        key = self.queue.get_nowait()
        if key is None:
            assert self.due <= self.working, "a due key that nobody works on was not handed out"
            return
        assert key in self.due, "a key was handed out that nobody asked for"
        assert key not in self.working, "a key is worked on by two at once"
        self.due.remove(key)
        self.working.add(key)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def succeed(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.working)))
        self.queue.forget(key)
        self.failures.pop(key, None)
        self.queue.done(key)
        self.working.remove(key)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.working)))
        delay = self.queue.retry(key)
        assert 0 < delay <= CAP
        self.failures[key] = self.failures.get(key, 0) + 1
        self.delay(key, self.clock.monotonic() + delay)
        self.queue.done(key)
        self.working.remove(key)

    @invariant()
    def the_numbers_agree_with_the_model(self) -> None:
        stats = self.queue.stats()
        assert stats.depth == len(self.due - self.working) == len(self.queue)
        assert stats.delayed == len(self.later)
        assert stats.processing == len(self.working)
        assert self.queue.next_due() == min(self.later.values(), default=None)
        assert all(self.queue.failures(key) == self.failures.get(key, 0) for key in "abcd")


QueueHistories.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestQueueHistories = QueueHistories.TestCase

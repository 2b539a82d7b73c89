"""Processes in the clock's time: generators that wait for timers, locks and operations, run by one thread.

A process yields what it waits for and goes on when that is done. Nothing here blocks, sleeps or does I/O: whoever owns
the schedule calls ``settle()`` when the clock may have moved, and learns from ``next_due()`` when to do so again. So
the same processes run in real time behind a server and in virtual time inside a simulation. Events that became due
together run in the order of their times, each at its own logical ``now()``.
"""

from __future__ import annotations

import heapq
import itertools
import logging
from collections import deque
from collections.abc import Callable, Generator
from typing import Generic, TypeAlias, TypeVar

from controller.engine.clock import Clock

T = TypeVar("T")
LOG = logging.getLogger(__name__)


class Awaited:
    """Something that will be done once. Callbacks run soon after, never inside the caller's stack."""

    __slots__ = ("_callbacks", "_schedule", "done")

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._callbacks: list[Callable[[], None]] = []
        self.done = False

    def then(self, callback: Callable[[], None]) -> None:
        if self.done:
            self._schedule.soon(callback)
        else:
            self._callbacks.append(callback)

    def _finish(self) -> None:
        self.done = True
        for callback in self._callbacks:
            self._schedule.soon(callback)
        self._callbacks.clear()


class Completion(Awaited, Generic[T]):
    """A result to come. Setting it again does nothing: the first outcome counts."""

    __slots__ = ("_error", "_value")

    def __init__(self, schedule: Schedule) -> None:
        super().__init__(schedule)
        self._value: T | None = None
        self._error: Exception | None = None

    def set(self, value: T) -> None:
        if not self.done:
            self._value = value
            self._finish()

    def fail(self, error: Exception) -> None:
        if not self.done:
            self._error = error
            self._finish()

    def result(self) -> T:
        """The value, or raises the error it failed with. Only once ``done``."""
        if not self.done:
            raise RuntimeError("asked for the result of something that is not done")
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set() stored a T, which may itself be None


Steps: TypeAlias = Generator[Awaited, None, T]
"""The body of a process: yields what it waits for, returns a T."""


def until(completion: Completion[T]) -> Steps[T]:
    """Wait for a completion and take its result: ``value = yield from until(…)``."""
    yield completion
    return completion.result()


class Process(Generic[T]):
    """A running generator. ``outcome`` is done when it ended."""

    def __init__(self, schedule: Schedule, steps: Steps[T]) -> None:
        self.outcome: Completion[T] = Completion(schedule)
        self._steps = steps
        self._wake = 0
        schedule.soon(self._resume(0))

    def throw(self, error: Exception) -> None:
        """Raise an error at the point where the process waits, as a signal does: it may clean up."""
        if not self.outcome.done:
            self._step(error)

    def kill(self, error: Exception) -> None:
        """End the process where it stands, without clean-up but for what the kernel frees (``finally`` blocks)."""
        if not self.outcome.done:
            self._steps.close()
            self.outcome.fail(error)

    def _resume(self, wake: int) -> Callable[[], None]:
        def resume() -> None:
            if wake == self._wake and not self.outcome.done:
                self._step(None)

        return resume

    def _step(self, error: Exception | None) -> None:
        self._wake += 1
        try:
            awaited = self._steps.throw(error) if error else next(self._steps)
        except StopIteration as stop:
            self.outcome.set(stop.value)
        except Exception as failure:  # its owner decides: the outcome carries it
            self.outcome.fail(failure)
        else:
            awaited.then(self._resume(self._wake))


class Schedule:
    """The queue of what is due, and the logical time. Not safe for use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now = clock.monotonic()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._settling = False

    def now(self) -> float:
        """Monotonic seconds; inside an event, the time at which it was due."""
        return self._now

    def wall(self) -> float:
        """Unix seconds at ``now()``."""
        return self._clock.now() - (self._clock.monotonic() - self._now)

    def at(self, due: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (max(due, self._now), next(self._order), action))

    def soon(self, action: Callable[[], None]) -> None:
        self.at(self._now, action)

    def timer(self, seconds: float) -> Completion[None]:
        """Done after so many seconds."""
        completion: Completion[None] = Completion(self)
        self.at(self._now + seconds, lambda: completion.set(None))
        return completion

    def pause(self, seconds: float) -> Steps[None]:
        """Wait inside a process; no time at all is no wait."""
        if seconds > 0:
            yield self.timer(seconds)

    def spawn(self, steps: Steps[T]) -> Process[T]:
        return Process(self, steps)

    def next_due(self) -> float | None:
        """The monotonic time of the next event."""
        return self._heap[0][0] if self._heap else None

    def settle(self) -> None:
        """Run all that is due by the clock. Called again from inside an event it does nothing."""
        if self._settling:
            return
        self._settling = True
        try:
            while self._heap and self._heap[0][0] <= self._clock.monotonic():
                due, _, action = heapq.heappop(self._heap)
                self._now = max(self._now, due)
                action()
            self._now = max(self._now, self._clock.monotonic())
        finally:
            self._settling = False


class Flock:
    """A lock that is held by one process at a time and waited for in order, for a limited time."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._waiting: deque[Completion[bool]] = deque()
        self.held = False

    def acquire(self, timeout: float) -> Steps[bool]:
        """Whether it was got within ``timeout`` seconds. Whoever got it releases it in a ``finally``."""
        if not self.held:
            self.held = True
            return True
        turn: Completion[bool] = Completion(self._schedule)
        self._waiting.append(turn)
        self._schedule.at(self._schedule.now() + timeout, lambda: turn.set(False))
        try:
            return (yield from until(turn))
        except BaseException:
            self._leave(turn)
            raise

    def release(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done:
                turn.set(True)
                return
        self.held = False

    def _leave(self, turn: Completion[bool]) -> None:
        """A waiter was interrupted: if the lock is already its own, it passes it on."""
        if turn.done and turn.result():
            self.release()
        else:
            turn.set(False)

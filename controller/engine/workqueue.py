"""The queue of keys between those who notice something and those who work on it.

It holds keys, never events: a key that is added twice before somebody takes it is worked on once. What waits for a
moment is in ``delays``, how long a failure waits in ``backoff``; threads are the business of ``workers``.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from controller.engine.backoff import Backoff
from controller.engine.clock import Clock
from controller.engine.delays import DelayHeap


class QueueObserver(Protocol):
    """Told about every key that was taken and finished; called without the queue's lock."""

    def queued(self, seconds: float) -> None:
        """A key waited so long between being due and being taken."""
        ...

    def worked(self, seconds: float) -> None:
        """A key was worked on so long."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """What the queue looks like now."""

    depth: int = 0
    """Keys that are due and not taken."""
    delayed: int = 0
    processing: int = 0
    adds_total: int = 0
    """Keys that became due; an add that changed nothing does not count."""
    retries_total: int = 0
    longest_running_seconds: float = 0.0
    """Of the keys being worked on, the time since the oldest was taken; 0 when there is none."""


class WorkQueue:
    """A de-duplicated, delaying, retrying queue. One key is never worked on by two at once.

    ``get`` a key, work, then always ``done`` it; before that, ``forget`` it on success or ``retry`` it on failure. A
    key that is added while it is worked on is due again after ``done``.

    ``recheck`` is how long a ``get`` sleeps at most before it looks at the clock again: sleeping does not count the
    time that the machine is suspended, the clock does.
    """

    def __init__(
        self, clock: Clock, limiter: Backoff, *, observer: QueueObserver | None = None, recheck: float = 5.0
    ) -> None:
        self._clock = clock
        self._limiter = limiter
        self._observer = observer
        self._recheck = recheck
        self._changed = threading.Condition()
        self._ready: deque[str] = deque()
        self._dirty: dict[str, float] = {}
        """Keys to work on, with the moment from which they were due; a superset of ``_ready``."""
        self._processing: dict[str, float] = {}
        """Keys being worked on, with the moment they were taken."""
        self._delays = DelayHeap()
        self._closed = False
        self._abandoned = False
        self._adds = 0
        self._retries = 0

    def __len__(self) -> int:
        """Keys that are due and not taken."""
        with self._changed:
            self._promote()
            return len(self._ready)

    def add(self, key: str) -> None:
        """Make the key due now. A moment it also waits for stays."""
        with self._changed:
            if not self._closed:
                self._make_due(key, self._clock.monotonic())

    def add_after(self, key: str, seconds: float) -> None:
        """Make the key due in ``seconds``; the earliest of several moments counts."""
        self.add_at(key, self._clock.monotonic() + seconds)

    def add_at(self, key: str, when: float) -> None:
        """Make the key due at ``when`` on the monotonic clock; the earliest of several moments counts."""
        with self._changed:
            if self._closed:
                return
            before = self._delays.next_due()
            self._delays.add(key, when)
            if before is None or when < before:
                # Everybody sleeps until the old earliest moment; who wakes first takes the new one.
                self._changed.notify_all()

    def retry(self, key: str) -> float:
        """Make a key that failed due again after its backoff; returns the seconds."""
        with self._changed:
            delay = self._limiter.failed(key)
            self._retries += 1
        self.add_after(key, delay)
        return delay

    def forget(self, key: str) -> None:
        """The key succeeded, or is gone: its next failure waits as long as a first one."""
        with self._changed:
            self._limiter.forget(key)

    def failures(self, key: str) -> int:
        """How often the key failed in a row."""
        with self._changed:
            return self._limiter.failures(key)

    def get(self, timeout: float | None) -> str | None:
        """Take a key, waiting up to ``timeout`` seconds (None: for ever). None when there was none, or at shutdown.

        It waits in real time: in virtual time use ``get_nowait``.
        """
        start = self._clock.monotonic()
        with self._changed:
            while True:
                taken = self._take()
                if taken is not None or self._closed:
                    break
                now = self._clock.monotonic()
                left = self._recheck if timeout is None else start + timeout - now
                if left <= 0:
                    break
                due = self._delays.next_due()
                until_due = self._recheck if due is None else max(0.0, due - now)
                self._changed.wait(min(left, until_due, self._recheck))
        return self._report_taken(taken)

    def get_nowait(self) -> str | None:
        """Take a key if one is due."""
        with self._changed:
            taken = self._take()
        return self._report_taken(taken)

    def done(self, key: str) -> None:
        """The work on a key that was taken is over, however it ended."""
        with self._changed:
            taken_at = self._processing.pop(key, None)
            if taken_at is None:
                raise ValueError(f"done({key!r}): nobody works on that key")
            worked = self._clock.monotonic() - taken_at
            if key in self._dirty:
                self._ready.append(key)
                self._changed.notify()
        if self._observer is not None:
            self._observer.worked(worked)

    def shutdown(self, *, drain: bool) -> None:
        """Take no more keys in and drop the delayed ones; ``drain`` hands out what is due already, else nothing."""
        with self._changed:
            self._promote()
            self._closed = True
            self._abandoned = self._abandoned or not drain
            self._delays.clear()
            if self._abandoned:
                self._ready.clear()
                self._dirty.clear()
            self._changed.notify_all()

    def next_due(self) -> float | None:
        """The monotonic time of the earliest delayed key; None when no key is delayed."""
        with self._changed:
            return self._delays.next_due()

    def stats(self) -> QueueStats:
        with self._changed:
            self._promote()
            oldest = min(self._processing.values(), default=None)
            return QueueStats(
                depth=len(self._ready),
                delayed=len(self._delays),
                processing=len(self._processing),
                adds_total=self._adds,
                retries_total=self._retries,
                longest_running_seconds=0.0 if oldest is None else self._clock.monotonic() - oldest,
            )

    def _make_due(self, key: str, since: float) -> None:
        if key in self._dirty:
            return
        self._dirty[key] = since
        self._adds += 1
        if key not in self._processing:
            self._ready.append(key)
            self._changed.notify()

    def _promote(self) -> None:
        for key, when in self._delays.pop_due(self._clock.monotonic()):
            self._make_due(key, when)

    def _take(self) -> tuple[str, float] | None:
        self._promote()
        if not self._ready:
            return None
        key = self._ready.popleft()
        now = self._clock.monotonic()
        waited = now - self._dirty.pop(key)
        self._processing[key] = now
        return key, waited

    def _report_taken(self, taken: tuple[str, float] | None) -> str | None:
        if taken is None:
            return None
        key, waited = taken
        if self._observer is not None:
            self._observer.queued(waited)
        return key

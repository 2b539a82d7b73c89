"""Time as a dependency: production reads the machine's clocks, simulations turn their own.

Nothing else in the package may read a clock or sleep.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Where the program gets the time from. Safe to use from several threads."""

    def now(self) -> float:
        """The wall clock in Unix seconds. It may jump; never subtract two readings to wait."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow, also while the machine is suspended; the origin is arbitrary."""
        ...

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        """Wait until the event is set (True) or ``timeout`` seconds passed (False)."""
        ...


class SystemClock:
    """The machine's own clocks. ``monotonic`` counts suspended time too where the kernel can tell it."""

    _monotonic_id = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.clock_gettime(self._monotonic_id)

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        return event.wait(timeout)


def kernel_microseconds() -> int:
    """CLOCK_MONOTONIC, as service managers compare messages by it. Not to wait by: it stands while suspended."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


class VirtualClock:
    """A clock that stands still until it is turned: for simulations and tests.

    ``wait`` never blocks: it advances the time by the whole timeout unless the event is set already.
    ``skew`` moves the wall clock alone, as a bad NTP answer does.
    """

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._seconds = 0.0
        self._start = start
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._start + self._seconds

    def monotonic(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass; never backwards."""
        if seconds < 0:
            raise ValueError(f"time does not run backwards: {seconds}")
        with self._lock:
            self._seconds += seconds

    def skew(self, seconds: float) -> None:
        """Set the wall clock forwards or back without letting time pass."""
        with self._lock:
            self._start += seconds

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        if event.is_set():
            return True
        if timeout is None:
            raise RuntimeError("waiting for ever in virtual time: nobody would turn the clock")
        self.advance(timeout)
        return event.is_set()

"""The calls of the last minute: how many, how long, and which went wrong. For people who look on, not for metrics."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from controller.engine.clock import Clock
from controller.proxmox.limits import Call

WINDOW = 60.0
"""Seconds that are looked back over."""
MOST = 10_000
"""Calls that are remembered at most; beyond that the window is shorter. 160 a second are more than a node answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Of the calls that ended in the last ``seconds``."""

    seconds: float
    """Less than ``WINDOW`` soon after the start."""
    calls: int = 0
    errors: int = 0
    median: float | None = None
    """Seconds of a call; None without one."""
    slow: float | None = None
    """Seconds within which 95 of 100 calls ended."""
    last_error: str | None = None
    """Operation and reason of the last call that went wrong, as ``create: Timeout``; None without one."""


class RecentCalls:
    """Fed by ``Instrumented``, from whichever thread made the call. Safe to use from several threads."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock.monotonic()
        self._ended: deque[tuple[float, Call]] = deque(maxlen=MOST)

    def add(self, call: Call) -> None:
        with self._lock:
            self._ended.append((self._clock.monotonic(), call))

    def summary(self) -> Summary:
        now = self._clock.monotonic()
        with self._lock:
            while self._ended and self._ended[0][0] <= now - WINDOW:
                self._ended.popleft()
            since = self._ended[0][0] if len(self._ended) == MOST else max(self._began, now - WINDOW)
            calls = [call for _, call in self._ended]
        took = sorted(call.seconds for call in calls)
        wrong = [call for call in calls if call.outcome != "ok" and not _tells_absence(call)]
        return Summary(
            seconds=now - since,
            calls=len(calls),
            errors=len(wrong),
            median=took[len(took) // 2] if took else None,
            slow=took[min(len(took) - 1, len(took) * 95 // 100)] if took else None,
            last_error=f"{wrong[-1].operation}: {wrong[-1].outcome}" if wrong else None,
        )


_ABOUT_ONE = frozenset({"config", "status", "addresses"})


def _tells_absence(call: Call) -> bool:
    """Whether it asked about a container and learned that it is gone, which is an answer.

    Who has rights on a pool alone is forbidden to read what does not exist (measured on PVE 9.2).
    """
    return call.operation in _ABOUT_ONE and call.outcome in {"NotFound", "Forbidden"}

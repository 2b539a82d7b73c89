"""Waiting for something to become true, with a deadline: no test of this suite sleeps for a fixed time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from controller.engine.clock import SystemClock

T = TypeVar("T")
CLOCK = SystemClock()
PATIENCE = 45.0
"""Seconds after which something that should happen counts as not happening; a busy machine takes its time."""
_NEVER = threading.Event()


def until(
    condition: Callable[[], T], *, what: str, within: float = PATIENCE, every: float = 0.05, show: object = None
) -> T:
    """The first true value of a condition. ``show`` is called for the text of the failure, where it can be called."""
    deadline = CLOCK.monotonic() + within
    while not (value := condition()):
        if CLOCK.monotonic() > deadline:
            seen = show() if callable(show) else show if show is not None else value
            raise AssertionError(f"not within {within:.0f} s: {what}; seen last: {seen}")
        CLOCK.wait(_NEVER, every)
    return value


def throughout(condition: Callable[[], bool], *, until_true: Callable[[], object], what: str, within: float) -> None:
    """The condition holds at every look until something else becomes true."""
    deadline = CLOCK.monotonic() + within
    while True:
        assert condition(), what
        if until_true():
            return
        assert CLOCK.monotonic() < deadline, f"the end of the watch did not come within {within:.0f} s ({what})"
        CLOCK.wait(_NEVER, 0.05)

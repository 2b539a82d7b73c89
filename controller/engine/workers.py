"""Named threads that run loops, start them again when they raise, and know when each last gave a sign of life.

What a loop does is the caller's business, and so are signals.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import structlog

from controller.engine.backoff import Backoff
from controller.engine.clock import Clock

Loop = Callable[[threading.Event], object]
"""Runs until the event is set. It is to look at the event, or to be woken by what its owner closes, within seconds."""

_LOG = structlog.get_logger("winux.daemon")
_HEALTHY_AFTER = 60.0
"""A loop that ran so long before it raised waits as after a first failure."""


@dataclass(slots=True)
class _Running:
    thread: threading.Thread
    beat: float
    """When it last gave a sign of life, on the monotonic clock."""


class Threads:
    """Supervised loops. A loop that raises, or returns unasked, is logged, counted and started again after a backoff.

    Loops call ``beat`` once a round. The threads are daemon threads: one that hangs cannot keep the process alive.
    """

    def __init__(self, clock: Clock, *, random: Random, restart_base: float = 1.0, restart_cap: float = 30.0) -> None:
        self._clock = clock
        self._backoff = Backoff(base=restart_base, cap=restart_cap, random=random)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[str, _Running] = {}
        self._panics = 0

    def start(self, name: str, loop: Loop) -> None:
        """Run the loop in a new thread of that name until ``stop``."""
        with self._lock:
            if name in self._running:
                raise ValueError(f"there is a thread named {name!r} already")
            thread = threading.Thread(target=self._supervise, args=(name, loop), name=name, daemon=True)
            self._running[name] = _Running(thread=thread, beat=self._clock.monotonic())
            thread.start()

    def beat(self) -> None:
        """The calling thread is alive. Does nothing in threads that were not started here."""
        current = threading.current_thread()
        with self._lock:
            running = self._running.get(current.name)
            if running is not None and running.thread is current:
                running.beat = self._clock.monotonic()

    def ages(self) -> dict[str, float]:
        """Seconds since each thread's last beat, by name."""
        with self._lock:
            now = self._clock.monotonic()
            return {name: now - running.beat for name, running in self._running.items()}

    def stuck(self, after: float) -> list[str]:
        """One sentence for every thread that gave no sign of life for ``after`` seconds."""
        return [
            f"the thread {name} gave no sign of life for {age:.0f} s (allowed: {after:.0f} s)"
            for name, age in self.ages().items()
            if age > after
        ]

    @property
    def panics(self) -> int:
        """How often a loop raised or returned unasked."""
        with self._lock:
            return self._panics

    @property
    def stopping(self) -> threading.Event:
        """Set by ``stop``; the same event that the loops are given."""
        return self._stop

    def stop(self, timeout: float) -> list[str]:
        """Ask all loops to end and wait up to ``timeout`` seconds; returns the names of those that did not."""
        self._stop.set()
        deadline = self._clock.monotonic() + timeout
        with self._lock:
            threads = [running.thread for running in self._running.values()]
        for thread in threads:
            thread.join(max(0.0, deadline - self._clock.monotonic()))
        return [thread.name for thread in threads if thread.is_alive()]

    def _supervise(self, name: str, loop: Loop) -> None:
        while not self._stop.is_set():
            began = self._clock.monotonic()
            try:
                loop(self._stop)
            except BaseException as error:  # a SystemExit would end the thread without a word
                self._restart_later(name, began, error)
            else:
                if not self._stop.is_set():
                    self._restart_later(name, began, None)

    def _restart_later(self, name: str, began: float, error: BaseException | None) -> None:
        with self._lock:
            self._panics += 1
            if self._clock.monotonic() - began >= _HEALTHY_AFTER:
                self._backoff.forget(name)
            delay = self._backoff.failed(name)
        reason = "it returned though nobody asked it to" if error is None else f"{type(error).__name__}: {error}"
        _LOG.error("a thread's loop ended and starts again", thread=name, reason=reason, again_in=delay, exc_info=error)
        self.beat()
        self._clock.wait(self._stop, delay)
        self.beat()

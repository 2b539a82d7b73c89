"""Asks many guests at once whether their desktop can be reached, without ever making the asker wait.

What one question is, is in ``controller.guest.rdp``; when to ask again is the reconciler's business.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from controller.guest.rdp import Negotiate, ProbeResult, negotiate

Target = tuple[str, int]


class Probing(Protocol):
    """What the reconciler sees of a prober."""

    def check(self, key: str, address: str, port: int) -> ProbeResult | None:
        """The result of the last question, once; None while it is being asked. Never blocks."""
        ...

    def forget(self, key: str) -> None:
        """Throw away what is known about ``key``, whose guest is gone."""
        ...

    def close(self) -> None: ...


class Prober:
    """Asks in its own threads. ``on_done(key)`` is called from one of them when ``check(key, …)`` has a result."""

    def __init__(
        self,
        negotiate: Negotiate = negotiate,
        *,
        on_done: Callable[[str], None],
        workers: int = 16,
        timeout: float = 3.0,
    ) -> None:
        self._negotiate = negotiate
        self._on_done = on_done
        self._timeout = timeout
        self._lock = threading.Lock()
        self._asked: dict[str, tuple[Target, Future[ProbeResult]]] = {}
        self._threads = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="probe")
        self._closed = False

    def check(self, key: str, address: str, port: int) -> ProbeResult | None:
        """As ``Probing.check``. An answer from another address than the one asked for now is not given."""
        target = (address, port)
        with self._lock:
            if self._closed:
                return None
            known = self._asked.get(key)
            if known is not None and known[0] == target:
                if not known[1].done():
                    return None
                del self._asked[key]
                return known[1].result()
            question = self._threads.submit(self._negotiate, address, port, timeout=self._timeout)
            self._asked[key] = (target, question)
        # outside of the lock: a question that is answered already calls back at once, in this thread
        question.add_done_callback(lambda answered: self._answered(key, answered))
        return None

    def forget(self, key: str) -> None:
        with self._lock:
            known = self._asked.pop(key, None)
        if known is not None:
            known[1].cancel()

    def close(self) -> None:
        """Ask nothing more; waits for the questions that are being asked, at most their time-out."""
        with self._lock:
            self._closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _answered(self, key: str, question: Future[ProbeResult]) -> None:
        with self._lock:
            known = self._asked.get(key)
            wanted = not self._closed and known is not None and known[1] is question
        if wanted:
            self._on_done(key)


class InlineProber:
    """Asks in the caller's thread and answers at once: for simulations, whose guests answer without a network."""

    def __init__(self, negotiate: Negotiate = negotiate, *, timeout: float = 3.0) -> None:
        self._negotiate = negotiate
        self._timeout = timeout

    def check(self, key: str, address: str, port: int) -> ProbeResult | None:
        del key
        return self._negotiate(address, port, timeout=self._timeout)

    def forget(self, key: str) -> None:
        """Remembers nothing."""

    def close(self) -> None:
        """Has nothing open."""

"""Questions that are asked in threads, so that whoever wants the answer never waits: he comes back when it is there.

What is asked, and of whom, is the business of others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Generic, TypeVar

What = TypeVar("What")
Answer = TypeVar("Answer")


class Questions(Generic[What, Answer]):
    """One at a time for each key. ``on_done(key)`` is called from one of the threads when there is an answer."""

    def __init__(self, *, on_done: Callable[[str], None], workers: int, name: str) -> None:
        self._on_done = on_done
        self._lock = threading.Lock()
        self._asked: dict[str, tuple[What, Future[Answer]]] = {}
        self._threads = ThreadPoolExecutor(max_workers=workers, thread_name_prefix=name)
        self._closed = False

    def ask(self, key: str, what: What, question: Callable[[], Answer]) -> Answer | None:
        """The answer, once; None while it is being asked. The answer to another ``what`` than this is not given.

        Never blocks. What the question raised is raised here.
        """
        with self._lock:
            if self._closed:
                return None
            known = self._asked.get(key)
            if known is not None and known[0] == what:
                if not known[1].done():
                    return None
                del self._asked[key]
                return known[1].result()
            # What is logged on the way to the answer belongs to the pass that asks.
            asked = self._threads.submit(copy_context().run, question)
            self._asked[key] = (what, asked)
        # outside of the lock: a question that is answered already calls back at once, in this thread
        asked.add_done_callback(lambda answered: self._answered(key, answered))
        return None

    def forget(self, key: str) -> None:
        """Throw away what was asked for a key."""
        with self._lock:
            known = self._asked.pop(key, None)
        if known is not None:
            known[1].cancel()

    def close(self) -> None:
        """Ask nothing more; waits for the questions that are being asked."""
        with self._lock:
            self._closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _answered(self, key: str, asked: Future[Answer]) -> None:
        with self._lock:
            known = self._asked.get(key)
            wanted = not self._closed and known is not None and known[1] is asked
        if wanted:
            self._on_done(key)

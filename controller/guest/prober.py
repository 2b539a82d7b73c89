"""Asks many guests at once whether their desktop can be reached, without ever making the asker wait.

What one question is, is in ``controller.guest.rdp``; when to ask again is the reconciler's business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from controller.engine.questions import Questions
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
        self._timeout = timeout
        self._questions: Questions[Target, ProbeResult] = Questions(on_done=on_done, workers=workers, name="probe")

    def check(self, key: str, address: str, port: int) -> ProbeResult | None:
        """As ``Probing.check``. An answer from another address than the one asked for now is not given."""
        timeout = self._timeout
        return self._questions.ask(key, (address, port), lambda: self._negotiate(address, port, timeout=timeout))

    def forget(self, key: str) -> None:
        self._questions.forget(key)

    def close(self) -> None:
        """Ask nothing more; waits for the questions that are being asked, at most their time-out."""
        self._questions.close()


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

"""Reaches many guests at once without ever making the asker wait, as ``controller.guest.prober`` does for desktops.

What one call is, is in ``controller.guest.ssh``; which call is due is the reconciler's business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from controller.engine.questions import Questions
from controller.guest.ssh import Answer, Call, Failed, Run

_What = tuple[str, str]
"""Name and address of a call."""


class Reaching(Protocol):
    """What the reconciler sees of the way into guests."""

    @property
    def public_key(self) -> str | None:
        """The line for a guest's ``authorized_keys``; None: the controller has no key, and no way in."""
        ...

    def ask(self, key: str, call: Call) -> Answer | None:
        """The answer to the call, once; None while it is carried out. Never blocks."""
        ...

    def forget(self, key: str) -> None:
        """Throw away what is known about ``key``, whose guest is gone. A call under way is not stopped."""
        ...

    def close(self) -> None: ...


class NoWay:
    """No key, and no way in."""

    public_key: str | None = None

    def ask(self, key: str, call: Call) -> Answer | None:
        del key
        return Failed(reason="NoGuestKey", message=f"{call.address}: there is no guest.sshKeyFile in the settings")

    def forget(self, key: str) -> None:
        """Remembers nothing."""

    def close(self) -> None:
        """Has nothing open."""


class Reach:
    """Calls in its own threads. ``on_done(key)`` is called from one of them when ``ask(key, …)`` has an answer."""

    def __init__(self, run: Run, *, public_key: str, on_done: Callable[[str], None], workers: int = 16) -> None:
        self.public_key: str | None = public_key
        self._run = run
        self._questions: Questions[_What, Answer] = Questions(on_done=on_done, workers=workers, name="guest")

    def ask(self, key: str, call: Call) -> Answer | None:
        """As ``Reaching.ask``. The answer to another call than the one asked for now is not given."""
        return self._questions.ask(key, (call.name, call.address), lambda: self._run(call))

    def forget(self, key: str) -> None:
        self._questions.forget(key)

    def close(self) -> None:
        """Begin nothing more; waits for the calls that are being carried out, at most their time-out."""
        self._questions.close()


class InlineReach:
    """Calls in the caller's thread and answers at once: for simulations, whose guests answer without a network."""

    def __init__(self, run: Run, *, public_key: str) -> None:
        self.public_key: str | None = public_key
        self._run = run

    def ask(self, key: str, call: Call) -> Answer | None:
        del key
        return self._run(call)

    def forget(self, key: str) -> None:
        """Remembers nothing."""

    def close(self) -> None:
        """Has nothing open."""

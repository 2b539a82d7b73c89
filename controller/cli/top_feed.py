"""What ``winux top`` shows, asked of the daemon again and again: in a thread of its own, so that keys never wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from controller.admin.client import AdminClient, NoDaemon, Refused
from controller.admin.models import ControllerStatus, EventView, SessionView
from controller.admin.vital_models import Vitals
from controller.engine.clock import Clock

EVENTS = 50
"""The newest that are asked for; more fit on no screen."""
PATIENCE = 4.0
"""How many times as long as the questions took is waited until the next: a big site is not asked all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """The events of one session."""

    session: str
    events: tuple[EventView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All answers of one moment."""

    status: ControllerStatus
    vitals: Vitals
    sessions: tuple[SessionView, ...]
    events: tuple[EventView, ...]
    details: Details | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The last good picture, and why there is no newer one."""

    picture: Picture
    at: float
    """When that was, by the monotonic clock."""
    trouble: str | None = None
    """One sentence; None while all is well."""


class Feed:
    """``run`` is for a thread; ``seen`` and ``failure`` may be read from any."""

    def __init__(
        self, client: AdminClient, *, clock: Clock, period: float, on_news: Callable[[], None] = lambda: None
    ) -> None:
        self._client = client
        self._clock = clock
        self._period = period
        self._on_news = on_news
        self._hurry = threading.Event()
        self._over = False
        self._focus: str | None = None
        self.seen: Seen | None = None
        self.failure: Exception | None = None
        """What ended the thread unasked."""

    def look(self) -> Seen:
        """Ask once.

        Raises:
            NoDaemon, Refused: there is no answer, and never was one.
        """
        try:
            self.seen = Seen(picture=self._ask(), at=self._clock.monotonic())
        except (NoDaemon, Refused) as error:
            if self.seen is None:
                raise
            self.seen = replace(self.seen, trouble=str(error))
        return self.seen

    def focus(self, session: str | None) -> None:
        """The session whose details are wanted."""
        if session != self._focus:
            self._focus = session
            self._hurry.set()

    def run(self) -> None:
        """Until ``stop``."""
        try:
            while not self._over:
                began = self._clock.monotonic()
                self.look()
                self._on_news()
                took = self._clock.monotonic() - began
                self._clock.wait(self._hurry, max(self._period, PATIENCE * took))
                self._hurry.clear()
        except Exception as error:
            self.failure = error
            self._on_news()

    def stop(self) -> None:
        self._over = True
        self._hurry.set()

    def _ask(self) -> Picture:
        client, focus = self._client, self._focus
        return Picture(
            status=client.status(),
            vitals=client.vitals(),
            sessions=client.sessions(),
            events=self._events(None),
            details=Details(session=focus, events=self._events(focus)) if focus else None,
        )

    def _events(self, session: str | None) -> tuple[EventView, ...]:
        """Those that were seen last where the ledger cannot be read: a notice says so, and the rest is still true."""
        try:
            return self._client.events(session=session, limit=EVENTS)
        except Refused:
            before = self.seen.picture if self.seen is not None else None
            if before is None:
                return ()
            if session is None:
                return before.events
            return before.details.events if before.details is not None and before.details.session == session else ()

"""One sink and how far it got: what it was sent, what waits, when it is tried again, and what people are told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy.exc import OperationalError

from controller.deliveries.sink import OWN_REASONS, NotTaken, Sink
from controller.engine.backoff import Backoff
from controller.engine.clock import Clock
from controller.ledger.events import Event
from controller.ledger.ledger import Ledger, Note
from controller.ledger.retention import Unsent, Waiting

AT_ONCE = 100
"""Events of a batch."""
BATCHES = 10
"""Batches in a row until others have their turn."""
TELL_AFTER = 60.0
"""Seconds for which a sink may fail before people are told, unless it refuses."""
REFUSED_PAUSE = 300.0
"""Seconds until a sink that refuses is tried again: somebody may have changed its mind."""
LONGEST_PAUSE = 900.0
"""Seconds for which a sink may ask to be left alone."""
COUNT_EVERY = 10.0
"""Seconds between two counts of what waits."""


def cursor_key(sink: str) -> str:
    """The ledger's setting of the id up to which a sink has everything."""
    return f"events-sent-{sink}"


@dataclass(frozen=True, slots=True)
class Backlog:
    count: int = 0
    oldest_at: float | None = None
    """When the oldest that waits happened, by the wall clock."""
    stuck_since: float | None = None
    """Since when nothing was taken though something waited, on the monotonic clock."""


@dataclass(slots=True, kw_only=True)
class Lane:
    """Used by one thread; ``backlog`` may be read by any."""

    sink: Sink
    ledger: Ledger
    clock: Clock
    backoff: Backoff
    observe: Callable[[str, bool], None]
    cursor: int = 0
    backlog: Backlog = field(default_factory=Backlog)
    _written: int = -1
    """The cursor as the ledger has it."""
    _batch: tuple[Event, ...] = ()
    """Tried and not taken: it comes again as it was, so that a receiver knows the message again."""
    _upto: int = 0
    _at_once: int = AT_ONCE
    _again_at: float = 0.0
    _counted_at: float = 0.0
    _told: bool = False
    _dropped: int = 0
    """Events that were removed unsent since the sink last took any."""

    @property
    def unsent(self) -> Unsent:
        return Unsent(after=self.cursor, types=self.sink.types, but=OWN_REASONS)

    def begin(self) -> None:
        """Take up where the ledger says that it ended. A sink that it does not know gets what happens from now on."""
        written = self.ledger.setting(cursor_key(self.sink.name))
        self.cursor = int(written) if written is not None else self.ledger.spool.newest()
        self._written = self.cursor if written is not None else -1
        with suppress(OperationalError):  # it is written again with every round
            self.write_cursor()

    def lead_to(self, sink: Sink) -> None:
        """From now on there, or there in another way, with what waits."""
        if sink != self.sink:
            self.sink.close()
            self.sink = sink
        self.backoff.forget(sink.name)
        self._again_at = 0.0

    def write_cursor(self) -> None:
        """So that a restart goes on from here. Raises ``OperationalError`` where the ledger cannot be written."""
        if self._written != self.cursor:
            self.ledger.set_setting(cursor_key(self.sink.name), str(self.cursor))
            self._written = self.cursor

    def serve(self, stop: threading.Event, beat: Callable[[], None]) -> bool:
        """Send what waits, if it is time; False where more waits that could be sent at once.

        Raises:
            OperationalError: the ledger failed.
        """
        self.write_cursor()
        for _ in range(BATCHES):
            beat()
            if stop.is_set() or self.clock.monotonic() < self._again_at:
                break
            if not self._next_batch():
                self._idle()
                return True
            try:
                self.sink.send(self._batch, stop)
            except NotTaken as error:
                if not stop.is_set():
                    self._failed(error)
                break
            self._taken()
        else:
            self._count()
            return False
        self._count_now_and_then()
        return True

    def dropped(self, count: int) -> None:
        """Retention removed so many events that wait here: people are told once, the sink when it is well again."""
        self._batch = ()
        first, self._dropped = self._dropped == 0, self._dropped + count
        if first:
            what = "more events wait than are kept (twice events.atMost): the oldest are removed unsent"
            self._say("EventsDropped", f"{self.sink.place}: {what}", warning=True)

    # -- inside ------------------------------------------------------------------------------------------------

    def _next_batch(self) -> bool:
        if not self._batch:
            found = self.ledger.spool.next(self.unsent, limit=self._at_once)
            self._batch, self._upto = found.events, found.upto
        return bool(self._batch)

    def _idle(self) -> None:
        self.cursor = self._upto
        self.backlog = Backlog()

    def _taken(self) -> None:
        self.observe(self.sink.name, True)
        self.cursor, self._batch, self._at_once = self._upto, (), AT_ONCE
        self.backlog = Backlog()
        self.backoff.forget(self.sink.name)
        self.write_cursor()
        if self._told:
            self._told = False
            self._say("EventsDelivered", f"{self.sink.place} takes events again")
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            self._say(
                "EventsMissing", f"{dropped} events were removed before {self.sink.place} took them", warning=True
            )

    def _failed(self, error: NotTaken) -> None:
        self.observe(self.sink.name, False)
        now = self.clock.monotonic()
        pause = self.backoff.failed(self.sink.name)
        if error.refused:
            pause = REFUSED_PAUSE
        if error.pause is not None:
            pause = max(pause, min(error.pause, LONGEST_PAUSE))
        if error.too_much and len(self._batch) > 1:
            self._at_once, self._batch, pause = len(self._batch) // 2, (), 0.0
        self._again_at = now + pause
        since = self.backlog.stuck_since if self.backlog.stuck_since is not None else now
        self._count(since)
        if pause and not self._told and (error.refused or now - since >= TELL_AFTER):
            self._told = True
            said = f"{self.sink.place} takes no events: {error}; they are kept and tried again"
            self._say("EventsNotDelivered", said, warning=True)

    def _say(self, reason: str, message: str, *, warning: bool = False) -> None:
        self.ledger.note("", "", Note(reason, message, warning=warning))

    def _count_now_and_then(self) -> None:
        if self.clock.monotonic() - self._counted_at >= COUNT_EVERY:
            self._count(self.backlog.stuck_since)

    def _count(self, stuck_since: float | None = None) -> None:
        self._counted_at = self.clock.monotonic()
        waiting: Waiting = self.ledger.spool.waiting(self.unsent)
        self.backlog = Backlog(waiting.count, waiting.oldest_at, stuck_since if waiting.count else None)

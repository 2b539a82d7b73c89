"""Events: what was decided and done, one sentence each, kept in the ledger. Repeats are counted, not repeated.

An event that is counted once more takes the next id: whoever asks for what is behind an id that he knows sees new
events and new counts alike, in the order in which they happened. How long events are kept is in ``retention``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select

from controller.core.model import Timestamp
from controller.ledger.schema import events

WINDOW = 600.0
"""Seconds in which a sentence that comes again is looked for, though others came between."""
TOLD_APART = 3
"""Times that it is told on its own before it is counted on: a story of a few steps stays whole, a flood does not."""
_SENTENCES = 12
"""Events of a session that are remembered."""
_SESSIONS = 16_384
"""Sessions whose last events are remembered."""


class EventType(StrEnum):
    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One sentence with a reason code. ``session`` is empty where it is about the controller itself."""

    session: str
    uid: str
    type: EventType
    reason: str
    message: str
    count: int = 1
    first_at: Timestamp = 0.0
    last_at: Timestamp = 0.0
    id: int = 0
    """Grows with every event and every count."""

    def same_as(self, other: Event) -> bool:
        return (self.uid, self.type, self.reason, self.message) == (other.uid, other.type, other.reason, other.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events somebody asks for; by default all."""

    session: str | None = None
    after: int = 0
    """Only those with a greater id."""
    type: EventType | None = None
    reason: str | None = None
    """In whatever case."""
    since: Timestamp = 0.0
    """Only those that happened then or later, if only the last time."""

    def narrow(self, query: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
        query = query.where(events.c.id > self.after)
        if self.session is not None:
            query = query.where(events.c.session == self.session)
        if self.type is not None:
            query = query.where(events.c.type == self.type.value)
        if self.reason is not None:
            query = query.where(func.lower(events.c.reason) == self.reason.lower())
        return query.where(events.c.last_at >= self.since) if self.since else query


class EventLog:
    """Writes and reads events within a caller's transaction; remembers the last ones of each session to count on."""

    def __init__(self) -> None:
        self._recent: OrderedDict[str, list[Event]] = OrderedDict()

    def write(self, connection: Connection, event: Event) -> Event:
        recent = self._recent.setdefault(event.session, [])
        self._recent.move_to_end(event.session)
        before = self._to_count_on(recent, event)
        written = self._count_on(connection, before, event) if before is not None else None
        if written is None:
            written = _insert(connection, event)
        recent[:] = [*(one for one in recent if one is not before), written][-_SENTENCES:]
        if len(self._recent) > _SESSIONS:
            self._recent.popitem(last=False)
        return written

    @staticmethod
    def _to_count_on(recent: list[Event], event: Event) -> Event | None:
        """The last event, where it is the same; one before it, where the same was told apart often enough."""
        if recent and recent[-1].same_as(event):
            return recent[-1]
        same = [one for one in recent if one.same_as(event)]
        flood = len(same) >= TOLD_APART and event.last_at - same[-1].last_at <= WINDOW
        return same[-1] if flood else None

    @staticmethod
    def _count_on(connection: Connection, before: Event, event: Event) -> Event | None:
        """Counted once more; None where its row is gone: pruned, or rolled back and its id reused."""
        same = {name: getattr(before, name) for name in ("id", "session", "uid", "reason", "message", "first_at")}
        if connection.execute(select(events.c.id).filter_by(**same)).first() is None:
            return None
        # The old row goes after the new one came, or SQLite would give its id again.
        counted = _insert(connection, replace(before, count=before.count + 1, last_at=event.last_at))
        connection.execute(delete(events).where(events.c.id == before.id))
        return counted

    def read(self, connection: Connection, wanted: Wanted, *, limit: int) -> list[Event]:
        """The newest ``limit`` events that are wanted, oldest first."""
        query = wanted.narrow(select(*events.c)).order_by(events.c.id.desc()).limit(limit)
        return events_of(connection.execute(query).mappings())[::-1]


def _insert(connection: Connection, event: Event) -> Event:
    values = {name: getattr(event, name) for name in events.c.keys() if name != "id"}  # noqa: SIM118
    result = connection.execute(insert(events).returning(events.c.id), [values])
    return replace(event, id=int(result.scalar_one()))


def events_of(rows: Iterable[RowMapping]) -> list[Event]:
    """Rows of the table as events, in their order."""
    return [
        Event(
            session=row["session"],
            uid=row["uid"],
            type=EventType(row["type"]),
            reason=row["reason"],
            message=row["message"],
            count=row["count"],
            first_at=row["first_at"],
            last_at=row["last_at"],
            id=row["id"],
        )
        for row in rows
    ]

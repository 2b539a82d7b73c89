"""Events: what was decided and done, one sentence each, kept in the ledger. Repeats are counted, not repeated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select, update

from controller.core.model import Timestamp
from controller.ledger.schema import events

KEPT = 50_000
"""Events that are kept at least; older ones are removed now and then."""


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

    def same_as(self, other: Event) -> bool:
        return (self.uid, self.type, self.reason, self.message) == (other.uid, other.type, other.reason, other.message)


class EventLog:
    """Writes and reads events within a caller's transaction; remembers the last one of each session to count on."""

    def __init__(self) -> None:
        self._last: dict[str, Event] = {}

    def write(self, connection: Connection, event: Event) -> Event:
        last = self._last.get(event.session)
        written = self._count_on(connection, last, event) if last is not None and last.same_as(event) else None
        if written is None:
            values = {name: getattr(event, name) for name in events.c.keys() if name != "id"}  # noqa: SIM118
            result = connection.execute(insert(events).returning(events.c.id), [values])
            written = replace(event, id=int(result.scalar_one()))
            if written.id % 1000 == 0:
                connection.execute(delete(events).where(events.c.id <= written.id - KEPT))
        self._last[event.session] = written
        return written

    @staticmethod
    def _count_on(connection: Connection, last: Event, event: Event) -> Event | None:
        """The last event, counted once more; None where its row is gone: pruned, or rolled back and its id reused."""
        counted = replace(last, count=last.count + 1, last_at=event.last_at)
        same = {name: getattr(last, name) for name in ("id", "session", "uid", "reason", "message", "first_at")}
        result = connection.execute(
            update(events).filter_by(**same).values(count=counted.count, last_at=counted.last_at)
        )
        return counted if result.rowcount else None

    def read(self, connection: Connection, *, session: str | None, after: int, limit: int) -> list[Event]:
        """The newest ``limit`` events with an id above ``after``, oldest first."""
        query = select(events).where(events.c.id > after).order_by(events.c.id.desc()).limit(limit)
        if session is not None:
            query = query.where(events.c.session == session)
        found = [
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
            for row in connection.execute(query).mappings()
        ]
        return found[::-1]

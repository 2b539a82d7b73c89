"""Which events stay, and which of them are still to be sent on: the table of events is the spool of all sinks.

What was not sent on yet stays longer than the rest, up to twice as many events as are kept at most. The newest event
always stays: ids only grow as long as the greatest one is there. When and where events are sent is not said here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select

from controller.core.model import Timestamp
from controller.ledger.events import Event, EventType, events_of
from controller.ledger.schema import events, remembered

HARD = 2
"""How many times ``at_most`` there may be while some were not sent on."""
CHUNK = 2000
"""Events that are removed in one go: the ledger is not to be held up."""
REMEMBERED = 365 * 86_400.0
"""Seconds for which a uid is known after its last event is gone: longer than backups of containers are kept.

A container that carries our marker and a uid that nobody knows is left alone, and people are told.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """What a sink still wants: events with an id above ``after``, of these types, but none for these reasons."""

    after: int
    types: Collection[EventType] = tuple(EventType)
    but: Collection[str] = ()

    def clause(self) -> ColumnElement[bool]:
        types = [type_.value for type_ in self.types]
        return and_(events.c.id > self.after, events.c.type.in_(types), events.c.reason.not_in(self.but))


@dataclass(frozen=True, slots=True)
class Batch:
    """The oldest that a sink still wants. ``upto``: up to this id there is nothing else for it."""

    events: tuple[Event, ...]
    upto: int


@dataclass(frozen=True, slots=True)
class Waiting:
    count: int
    oldest_at: Timestamp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """``before``: what last happened earlier may go; ``at_most``: as many may stay; ``unsent`` by sink."""

    before: Timestamp
    at_most: int
    unsent: Mapping[str, Unsent]


@dataclass(frozen=True, slots=True)
class Pruned:
    """``dropped``: of these, by sink, how many were not sent on."""

    removed: int
    dropped: Mapping[str, int]


Transaction = Callable[[], AbstractContextManager[Connection]]


class Spool:
    """The ledger's events as what is to be sent on and cleared away. Safe to use from several threads."""

    def __init__(self, *, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    def next(self, unsent: Unsent, *, limit: int) -> Batch:
        with self._reading() as connection:
            newest = _newest(connection)
            query = select(events).where(unsent.clause()).order_by(events.c.id).limit(limit)
            found = tuple(events_of(connection.execute(query).mappings()))
        return Batch(found, found[-1].id if len(found) == limit else max(newest, unsent.after))

    def waiting(self, unsent: Unsent) -> Waiting:
        """Counts all of them: not for every scrape."""
        with self._reading() as connection:
            row = connection.execute(select(func.count(), func.min(events.c.last_at)).where(unsent.clause())).one()
        return Waiting(int(row[0]), row[1])

    def newest(self) -> int:
        """The greatest id; 0 without any event."""
        with self._reading() as connection:
            return _newest(connection)

    def prune(self, keep: Keep) -> Pruned:
        """Remove what need not stay, at most ``CHUNK`` of it; what is left is a matter of the next time.

        Raises:
            OperationalError: the ledger cannot be written.
        """
        with self._reading() as connection:
            upto = _may_go(connection, keep)
        if upto is None:
            return Pruned(0, {})  # and nothing is written, which would look as if the ledger could be written
        with self._writing() as connection:
            return _remove(connection, events.c.id <= upto, keep.unsent)


def _may_go(connection: Connection, keep: Keep) -> int | None:
    """The id up to which events are to be removed now."""
    newest = _newest(connection)
    sent = min((unsent.after for unsent in keep.unsent.values()), default=newest)
    may_go = min(max(_beyond(connection, keep.at_most), _older(connection, keep.before)), sent)
    bound = min(max(may_go, _beyond(connection, HARD * keep.at_most)), newest - 1)
    chunk = select(events.c.id).where(events.c.id <= bound).order_by(events.c.id).limit(CHUNK)
    return connection.execute(select(func.max(chunk.subquery().c.id))).scalar()


def _remove(connection: Connection, going: ColumnElement[bool], sinks: Mapping[str, Unsent]) -> Pruned:
    dropped = {
        sink: connection.execute(select(func.count()).select_from(events).where(going, unsent.clause())).scalar_one()
        for sink, unsent in sinks.items()
    }
    _remember(connection, going)
    removed = connection.execute(delete(events).where(going)).rowcount
    return Pruned(removed, {sink: count for sink, count in dropped.items() if count})


def is_remembered(connection: Connection, uid: str) -> bool:
    """Whether there is an event of a life with this uid, or was one in the last year."""
    kept = select(events.c.uid).where(events.c.uid == uid)
    gone = select(remembered.c.uid).where(remembered.c.uid == uid)
    return any(connection.execute(query.limit(1)).first() is not None for query in (kept, gone))


def _remember(connection: Connection, going: ColumnElement[bool]) -> None:
    query = select(events.c.uid, func.max(events.c.last_at)).where(going, events.c.uid != "").group_by(events.c.uid)
    uids = {row[0]: float(row[1]) for row in connection.execute(query)}
    if not uids:
        return
    connection.execute(delete(remembered).where(remembered.c.uid.in_(uids)))
    connection.execute(insert(remembered), [{"uid": uid, "last_at": at} for uid, at in uids.items()])
    connection.execute(delete(remembered).where(remembered.c.last_at < max(uids.values()) - REMEMBERED))


def _newest(connection: Connection) -> int:
    return connection.execute(select(func.max(events.c.id))).scalar() or 0


def _beyond(connection: Connection, number: int) -> int:
    """The id up to which events are beyond the newest ``number``; 0 where there are not so many."""
    query = select(events.c.id).order_by(events.c.id.desc()).offset(number).limit(1)
    return connection.execute(query).scalar() or 0


def _older(connection: Connection, before: Timestamp) -> int:
    """The id up to which nothing happened since ``before``."""
    query = select(events.c.id).where(events.c.last_at >= before).order_by(events.c.id).limit(1)
    first_kept = connection.execute(query).scalar()
    return int(first_kept) - 1 if first_kept is not None else _newest(connection)

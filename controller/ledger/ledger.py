"""The ledger: intents, lives, tombstones, credentials and events, in a database and mirrored in memory.

One process writes it at a time, so reads come from memory and every write goes to the database first. Changes are
functions from the current life to the next, applied under a lock: a worker that was busy with Proxmox for seconds
cannot overwrite what an administrator extended meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from controller.core.incarnation import Incarnation
from controller.core.model import Timestamp
from controller.engine.clock import Clock
from controller.ledger import passwords, retention, schema
from controller.ledger.database import open_database
from controller.ledger.events import Event, EventLog, EventType, Wanted
from controller.ledger.files import OpenFiles
from controller.ledger.passwords import Credential
from controller.ledger.rows import life_of, row_of, vmid_of


class Superseded(Exception):
    """The life that was to be changed is no longer the session's current one."""


@dataclass(frozen=True, slots=True)
class Note:
    """An event to record together with a change."""

    reason: str
    message: str
    warning: bool = False


class Ledger:
    """Safe to use from several threads."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        on_event: Callable[[Event], None] | None = None,
        on_write: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """Opens and loads it. ``on_write`` is told the seconds that each write took, also one that failed.

        Raises:
            LedgerError: it cannot be opened; the sentence says why.
        """
        self._clock = clock
        self._on_event = on_event
        self._on_write = on_write
        self._lock = threading.RLock()
        self._engine = open_database(url)
        self._events = EventLog()
        self.spool = retention.Spool(reading=self._reading, writing=self._writing)
        self._lives: dict[str, Incarnation] = {}
        self._by_vmid: dict[int, str] = {}
        self._resting: dict[int, Timestamp] = {}
        self._secrets: dict[str, passwords.Secrets] = {}
        """As last read: pages show them while classes are being made, and shall wait for no write."""
        self.trouble: str | None = None
        """Why the last write failed, such as "database or disk is full"; None while it can be written."""
        with self._engine.begin() as connection:
            for (document,) in connection.execute(select(schema.incarnations.c.document)):
                self._index(life_of(document))
            for vmid, until in connection.execute(select(schema.resting.c.vmid, schema.resting.c.until)):
                self._resting[vmid] = until
        self._files = OpenFiles(self._engine.url)

    def close(self) -> None:
        with self._lock:
            self._engine.dispose()

    def problem(self) -> str | None:
        """Why nothing can be recorded: the last write failed, or the files are gone. Asks no database."""
        return self.trouble or self._files.problem()

    def size_bytes(self) -> int | None:
        """What its files take, the journal included; None where it is on a server or in memory. Asks no database."""
        return self._files.size_bytes()

    def try_again(self) -> None:
        """Now and then: notice files that are gone; after a failure, whether it can be written by now. Never raises."""
        if self.problem() is not None:
            with suppress(OperationalError):
                self.prove_writable()

    def prove_writable(self) -> None:
        """Write something, so that nothing is begun of which no record could be kept.

        Raises:
            OperationalError: it cannot be written.
        """
        self.set_setting("written-again", str(self._clock.now()))

    # -- lives -------------------------------------------------------------------------------------------------

    def life(self, session: str) -> Incarnation | None:
        """The session's current life, or its tombstone."""
        return self._lives.get(session)

    def lives(self) -> list[Incarnation]:
        """Every current life and every tombstone. Waits for nobody: a write that hangs holds up no monitoring."""
        return list(self._lives.copy().values())

    def session_at(self, vmid: int) -> str | None:
        """The session whose life has this VMID, meant or made."""
        return self._by_vmid.get(vmid)

    def knows(self, uid: str) -> bool:
        """Whether a life has this uid, or one had it: as far back as events reach, and a year beyond."""
        with self._lock, self._engine.connect() as connection:
            if any(life.uid == uid for life in self._lives.values()):
                return True
            return retention.is_remembered(connection, uid)

    def begin(self, life: Incarnation, credential: Credential | None, *notes: Note) -> None:
        """A new life; a tombstone of the same session gives way.

        Raises:
            Superseded: the session has a life that has not ended, or another session has its VMID.
        """
        with self._lock:
            before = self._lives.get(life.session)
            if before is not None and not before.ended:
                raise Superseded(f"session {life.session} lives already")
            with self._writing(life.session) as connection:
                if before is not None:
                    self._erase(connection, before)
                try:
                    connection.execute(insert(schema.incarnations).values(row_of(life)))
                except IntegrityError as error:
                    taken = (
                        f", or VMID {vmid} belongs to another session" if (vmid := vmid_of(life)) is not None else ""
                    )
                    raise Superseded(f"session {life.session} lives already{taken}") from error
                if credential is not None:
                    passwords.put(connection, life.session, credential)
                written = self._note(connection, life.session, life.uid, notes)
            self._index(life, before)
        self._publish(written)

    def change(self, life: Incarnation, change: Callable[[Incarnation], Incarnation], *notes: Note) -> Incarnation:
        """Applies ``change`` to the life as it is by now and records the outcome; returns it.

        Raises:
            Superseded: the session has another life by now, or none, or another session has the VMID.
        """
        return self._change(life, change, notes)

    def bury(self, life: Incarnation, change: Callable[[Incarnation], Incarnation], *notes: Note) -> Incarnation:
        """As ``change``, for the last one: the credentials go, since they open nothing any more."""
        return self._change(life, change, notes, last=True)

    def _change(
        self,
        life: Incarnation,
        change: Callable[[Incarnation], Incarnation],
        notes: tuple[Note, ...],
        *,
        last: bool = False,
        confirmed: str | None = None,
    ) -> Incarnation:
        with self._lock:
            before = self._current(life)
            after = change(before)
            if after == before and not notes and not last and confirmed is None:
                return before
            with self._writing(life.session if last or confirmed is not None else None) as connection:
                if confirmed is not None:
                    passwords.confirm(connection, life.session, username=confirmed)
                if last:
                    passwords.erase(connection, life.session)
                if after != before:
                    row = row_of(after)
                    try:
                        connection.execute(
                            update(schema.incarnations).where(schema.incarnations.c.session == life.session).values(row)
                        )
                    except IntegrityError as error:
                        raise Superseded(f"VMID {row['vmid']} belongs to another session") from error
                written = self._note(connection, life.session, life.uid, notes)
            self._index(after, before)
        self._publish(written)
        return after

    def forget(self, life: Incarnation, *notes: Note) -> None:
        """Removes a tombstone and its credentials."""
        with self._lock:
            current = self._lives.get(life.session)
            if current is None or current.uid != life.uid:
                return
            if not current.ended:
                raise Superseded(f"session {life.session} has not ended: it cannot be forgotten")
            with self._writing(life.session) as connection:
                self._erase(connection, current)
                written = self._note(connection, life.session, life.uid, notes)
            self._unindex(current)
        self._publish(written)

    def credential(self, session: str) -> Credential | None:
        return self._secrets_of(session).credential

    def candidate(self, session: str) -> str | None:
        """The password that is about to be set in the guest, or was when the process died."""
        return self._secrets_of(session).candidate

    def give(self, life: Incarnation, credential: Credential) -> Credential:
        """The credential of a life that has none yet; returns the one that it has from now on.

        Raises:
            Superseded: the session has another life by now, or none.
        """
        with self._lock:
            self._current(life)
            with self._writing(life.session) as connection:
                return passwords.get(connection, life.session) or passwords.put(connection, life.session, credential)

    def propose(self, life: Incarnation, password: str) -> str:
        """Keep a new password beside the present one before it is set; returns the candidate, which may be older.

        Raises:
            Superseded: the session has another life by now, or none.
        """
        with self._lock:
            self._current(life)
            with self._writing(life.session) as connection:
                return passwords.candidate(connection, life.session) or passwords.propose(
                    connection, life.session, password
                )

    def confirm(
        self, life: Incarnation, username: str, change: Callable[[Incarnation], Incarnation], *notes: Note
    ) -> Incarnation:
        """As ``change``; in the same write the candidate, which was set, becomes the password."""
        return self._change(life, change, notes, confirmed=username)

    # -- VMIDs that rest ---------------------------------------------------------------------------------------

    def rest_vmid(self, vmid: int, *, seconds: float) -> None:
        """A freed VMID is not handed out again for a while: late events and stale rows may still name it."""
        now = self._clock.now()
        until = now + seconds
        with self._lock:
            with self._writing() as connection:
                connection.execute(delete(schema.resting).where(schema.resting.c.until <= now))
                connection.execute(delete(schema.resting).where(schema.resting.c.vmid == vmid))
                connection.execute(insert(schema.resting).values(vmid=vmid, until=until))
            self._resting = {other: end for other, end in self._resting.items() if end > now} | {vmid: until}

    def taken_vmids(self) -> set[int]:
        """VMIDs of lives and those that rest."""
        now = self._clock.now()
        return set(self._by_vmid.copy()) | {vmid for vmid, until in self._resting.items() if until > now}

    # -- events ------------------------------------------------------------------------------------------------

    def note(self, session: str, uid: str, *notes: Note) -> None:
        """Records events alone. ``session`` is empty for what concerns the controller."""
        with self._lock, self._writing() as connection:
            written = self._note(connection, session, uid, notes)
        self._publish(written)

    def events(self, *, session: str | None = None, after: int = 0, limit: int = 500) -> list[Event]:
        """The newest events, oldest first; all sessions' where ``session`` is None."""
        return self.find_events(Wanted(session=session, after=after), limit=limit)

    def find_events(self, wanted: Wanted, *, limit: int) -> list[Event]:
        """The newest of those that are wanted, oldest first."""
        with self._reading() as connection:
            return self._events.read(connection, wanted, limit=limit)

    def newest(self) -> Timestamp | None:
        """When the last event was recorded, by the wall clock of then."""
        with self._lock, self._engine.connect() as connection:
            newest = connection.execute(select(func.max(schema.events.c.last_at))).scalar()
        return float(newest) if newest is not None else None

    # -- settings ----------------------------------------------------------------------------------------------

    def setting(self, key: str) -> str | None:
        """What the controller wrote down about itself, such as that an administrator paused it."""
        with self._lock, self._engine.connect() as connection:
            row = connection.execute(select(schema.settings.c.value).where(schema.settings.c.key == key)).first()
        return str(row.value) if row is not None else None

    def set_setting(self, key: str, value: str | None, *notes: Note) -> None:
        with self._lock, self._writing() as connection:
            connection.execute(delete(schema.settings).where(schema.settings.c.key == key))
            if value is not None:
                connection.execute(insert(schema.settings).values(key=key, value=value))
            written = self._note(connection, "", "", notes)
        self._publish(written)

    # -- inside ------------------------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._lock, self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self, session: str | None = None) -> Iterator[Connection]:
        """``session``: whose passwords this may change."""
        with self._lock:
            began = self._clock.monotonic()
            try:
                with self._engine.begin() as connection:
                    yield connection
                    if (lost := self._files.problem()) is not None:
                        # Nothing may be done that only a file knows of which nobody will read again.
                        raise OperationalError(None, None, FileNotFoundError(lost))
            except OperationalError as error:
                self.trouble = reason_of(error)
                raise
            finally:
                if session is not None:
                    self._secrets.pop(session, None)
                self._on_write(self._clock.monotonic() - began)
            self.trouble = None

    def _secrets_of(self, session: str) -> passwords.Secrets:
        known = self._secrets.get(session)
        if known is None:
            with self._lock, self._engine.connect() as connection:
                known = passwords.read(connection, session)
                if session in self._lives:
                    self._secrets[session] = known
        return known

    def _current(self, life: Incarnation) -> Incarnation:
        current = self._lives.get(life.session)
        if current is None or current.uid != life.uid:
            raise Superseded(f"session {life.session} has another life by now")
        return current

    def _index(self, life: Incarnation, before: Incarnation | None = None) -> None:
        """Readers take no lock: they find the life before or this one, and never none in between."""
        self._lives[life.session] = life
        vmid, freed = vmid_of(life), vmid_of(before) if before is not None else None
        if vmid is not None:
            self._by_vmid[vmid] = life.session
        if freed is not None and freed != vmid and self._by_vmid.get(freed) == life.session:
            del self._by_vmid[freed]

    def _unindex(self, life: Incarnation) -> None:
        self._lives.pop(life.session, None)
        if (vmid := vmid_of(life)) is not None and self._by_vmid.get(vmid) == life.session:
            del self._by_vmid[vmid]

    def _erase(self, connection: Connection, life: Incarnation) -> None:
        connection.execute(delete(schema.incarnations).where(schema.incarnations.c.session == life.session))
        passwords.erase(connection, life.session)

    def _note(self, connection: Connection, session: str, uid: str, notes: tuple[Note, ...]) -> list[Event]:
        now = self._clock.now()
        return [
            self._events.write(
                connection,
                Event(
                    session=session,
                    uid=uid,
                    type=EventType.WARNING if note.warning else EventType.NORMAL,
                    reason=note.reason,
                    message=note.message,
                    first_at=now,
                    last_at=now,
                ),
            )
            for note in notes
        ]

    def _publish(self, written: list[Event]) -> None:
        if self._on_event is not None:
            for event in written:
                self._on_event(event)


def reason_of(error: OperationalError) -> str:
    """What the database said, such as "database or disk is full", without the statement."""
    return (str(error.orig).splitlines() or ["unknown"])[0]

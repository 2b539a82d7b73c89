"""Opens the ledger's database: SQLite in a file that only its owner can read, or PostgreSQL by its URL."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, insert, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from controller.ledger.schema import SCHEMA_VERSION, metadata, settings

_POSTGRESQL = "postgresql+psycopg"
_INSTALL = "`pip install 'psycopg[binary]'`"


class LedgerError(Exception):
    """The ledger cannot be used; ``str()`` says why and what to do."""


def open_database(url: str) -> Engine:
    """The database behind a URL such as ``sqlite:////var/lib/winux/ledger.db``, its tables made if need be.

    Raises:
        LedgerError: a URL that is none, a file that cannot be opened, a driver that is not installed, a schema from a
            newer version.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Neither the URL nor the error is shown: either may hold the password.
        raise LedgerError(
            "the ledger's URL cannot be read: expected one such as sqlite:////var/lib/winux/ledger.db or "
            "postgresql+psycopg://winux:PASSWORD@127.0.0.1/winux, with special characters of the password as %XX"
        ) from None
    try:
        engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else server(parsed)
        metadata.create_all(engine, tables=[settings])
        _check_version(engine)
        metadata.create_all(engine)
    except (SQLAlchemyError, OSError) as error:
        raise LedgerError(f"the ledger {_shown(parsed)} cannot be opened: {_first_line(error)}") from error
    return engine


def server(url: URL) -> Engine:
    """The database of a server; nothing is asked of it yet.

    Raises:
        LedgerError: its driver is not installed.
    """
    if url.drivername == "postgresql":
        url = url.set(drivername=_POSTGRESQL)  # which driver that means depends on SQLAlchemy's release
    try:
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    except ImportError as error:
        why = f"needs a driver that cannot be loaded ({_first_line(error)})"
        other = "" if url.drivername == _POSTGRESQL else f"write {_POSTGRESQL}:// instead, and "
        raise LedgerError(f"the ledger {_shown(url)} {why}: {other}run {_INSTALL}") from error


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made before SQLite opens it: the journal files inherit this mode, and there is no moment with another one.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
    # One connection, used under the ledger's lock: SQLite has one writer anyway.
    engine = create_engine(
        url,
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "timeout": 30},
        hide_parameters=True,  # a failed statement is logged; its parameters may be credentials
    )

    @event.listens_for(engine, "connect")
    def durable(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # the DBAPI's own type
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # an intent has to survive a power cut before its call is made
        cursor.execute("PRAGMA secure_delete=ON")  # an erased password is overwritten, not just unlinked
        cursor.close()

    return engine


def _check_version(engine: Engine) -> None:
    with engine.begin() as connection:
        row = connection.execute(select(settings.c.value).where(settings.c.key == "schema")).first()
        if row is None:
            connection.execute(insert(settings).values(key="schema", value=str(SCHEMA_VERSION)))
        elif int(row.value) > SCHEMA_VERSION:
            raise LedgerError(
                f"the ledger was written by a newer winux-controller (schema {row.value}, this one knows "
                f"{SCHEMA_VERSION}): run that version"
            )


def _shown(url: URL) -> str:
    """Without its password, nor its query, which may hold one too."""
    return url.set(query={}).render_as_string(hide_password=True)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

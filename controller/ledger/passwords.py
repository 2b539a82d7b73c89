"""The passwords of sessions in the database: the one that works, and while it is changed the one about to be set."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, select

from controller.ledger.schema import candidates, credentials


@dataclass(frozen=True, slots=True)
class Credential:
    """What a person logs in with. The password is hidden from ``repr``."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Secrets:
    """All that opens a session: the password that works, and the one that is about to be set."""

    credential: Credential | None = None
    candidate: str | None = field(default=None, repr=False)


def read(connection: Connection, session: str) -> Secrets:
    return Secrets(get(connection, session), candidate(connection, session))


def get(connection: Connection, session: str) -> Credential | None:
    row = connection.execute(select(credentials).where(credentials.c.session == session)).first()
    return Credential(row.username, row.password) if row is not None else None


def put(connection: Connection, session: str, credential: Credential) -> Credential:
    """In the place of whatever there was."""
    connection.execute(delete(credentials).where(credentials.c.session == session))
    connection.execute(
        insert(credentials).values(session=session, username=credential.username, password=credential.password)
    )
    return credential


def candidate(connection: Connection, session: str) -> str | None:
    password = connection.execute(select(candidates.c.password).where(candidates.c.session == session)).scalar()
    return str(password) if password is not None else None


def propose(connection: Connection, session: str, password: str) -> str:
    connection.execute(insert(candidates).values(session=session, password=password))
    return password


def confirm(connection: Connection, session: str, *, username: str) -> None:
    """The candidate becomes the password; without one nothing changes."""
    password = candidate(connection, session)
    if password is not None:
        put(connection, session, Credential(username, password))
        connection.execute(delete(candidates).where(candidates.c.session == session))


def erase(connection: Connection, session: str) -> None:
    connection.execute(delete(credentials).where(credentials.c.session == session))
    connection.execute(delete(candidates).where(candidates.c.session == session))

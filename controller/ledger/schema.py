"""The tables of the ledger, for SQLite and PostgreSQL alike.

The keys and the unique index are the last line of defence for "a session never has two containers": whatever the code
above believes, the database takes neither a second life for a name nor one VMID for two lives.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text, text

SCHEMA_VERSION = 1

metadata = MetaData()

incarnations = Table(
    "incarnations",
    metadata,
    Column("session", String(80), primary_key=True, comment="one life per session, or its tombstone"),
    Column("uid", String(64), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("vmid", Integer, nullable=True),
    Column("document", Text, nullable=False, comment="the Incarnation as JSON; the columns beside it are for indexes"),
    Index(
        "one_life_per_vmid",
        "vmid",
        unique=True,
        sqlite_where=text("vmid IS NOT NULL"),
        postgresql_where=text("vmid IS NOT NULL"),
    ),
)

credentials = Table(
    "credentials",
    metadata,
    Column("session", String(80), primary_key=True),
    Column("username", String(64), nullable=False),
    Column("password", Text, nullable=False),
)

candidates = Table(
    "credential_candidates",
    metadata,
    Column("session", String(80), primary_key=True),
    Column("password", Text, nullable=False, comment="about to be set in the guest: it or the one before works"),
)
"""A table of its own and no column: a database of before gets it when it is opened, and nothing is altered."""

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("session", String(80), nullable=False, comment="empty: about the controller itself"),
    Column("uid", String(64), nullable=False),
    Column("type", String(16), nullable=False, comment="Normal or Warning"),
    Column("reason", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_at", Float, nullable=False),
    Column("last_at", Float, nullable=False),
    Index("events_by_session", "session", "id"),
)

remembered = Table(
    "remembered_uids",
    metadata,
    Column("uid", String(64), primary_key=True, comment="of a life whose events are gone"),
    Column("last_at", Float, nullable=False),
)

resting = Table(
    "resting_vmids",
    metadata,
    Column("vmid", Integer, primary_key=True),
    Column("until", Float, nullable=False),
)

settings = Table(
    "settings",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

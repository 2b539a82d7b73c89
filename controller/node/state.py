"""A cluster that survives its process: what changed is written to a file before the answer leaves.

The state machine notes what changed in its journal; whoever serves it calls ``save`` after each turn. A start with the
file is like the boot after a power cut: containers are stopped but for those with ``onboot``, tasks that ran have
'unexpected status', and their locks are still there. The format is this module's own.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

from pydantic import TypeAdapter

from controller.node.access import Access, AclKey, Group, Identity, Pool, Token, User
from controller.node.cluster import Cluster
from controller.node.firewall import Firewall
from controller.node.guest import Guest
from controller.node.ipam import Lease
from controller.node.storage import Volume
from controller.node.tasks import Task

_TABLES = """
CREATE TABLE IF NOT EXISTS guests (vmid INTEGER PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (upid TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS access (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS firewalls (vmid INTEGER PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rest (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL);
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _GuestRecord:
    node: str
    kind: str
    options: dict[str, str]
    pending: dict[str, str] = dataclasses.field(default_factory=dict)
    pending_deletes: set[str] = dataclasses.field(default_factory=set)
    snapshots: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _TaskRecord:
    node: str
    pid: int
    pstart: int
    started: int
    kind: str
    subject: str
    owner: Identity
    ended: int | None
    exit_status: str | None
    log: list[str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    path: str
    kind: str
    name: str
    role: str
    inherited: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _AccessRecord:
    users: dict[str, User]
    tokens: dict[str, Token]
    roles: dict[str, list[str]]
    pools: dict[str, Pool]
    grants: list[_Grant]
    groups: dict[str, Group] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _RestRecord:
    volumes: dict[str, dict[str, Volume]]
    """Storage → volume."""
    leases: dict[str, Lease]
    datacenter: dict[str, str] = dataclasses.field(default_factory=dict)


_GUEST, _TASK, _ACCESS = TypeAdapter(_GuestRecord), TypeAdapter(_TaskRecord), TypeAdapter(_AccessRecord)
_FIREWALL, _REST = TypeAdapter(Firewall), TypeAdapter(_RestRecord)
_KEYS = {"guests": "vmid", "tasks": "upid", "access": "one", "firewalls": "vmid", "rest": "one"}


class StateFile:
    """One SQLite file, readable by its owner only: it holds the tokens' secrets. Used from one thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_TABLES)

    def close(self) -> None:
        self._database.close()

    def save(self, cluster: Cluster) -> None:
        """Write what is dirty, all or nothing."""
        journal = cluster.journal
        if not journal.pending:
            return
        self._database.execute("BEGIN IMMEDIATE")
        for vmid in journal.guests:
            if guest := cluster.guests.get(vmid):
                self._put("guests", vmid, _GUEST.dump_json(_guest_record(guest)))
            else:
                self._database.execute("DELETE FROM guests WHERE vmid = ?", (vmid,))
        for upid in journal.tasks:
            if task := cluster.tasks.all.get(upid):
                self._put("tasks", upid, _TASK.dump_json(_task_record(task)))
            else:
                self._database.execute("DELETE FROM tasks WHERE upid = ?", (upid,))
        for vmid in journal.firewalls:
            if firewall := cluster.firewalls.get(vmid):
                self._put("firewalls", vmid, _FIREWALL.dump_json(firewall))
            else:
                self._database.execute("DELETE FROM firewalls WHERE vmid = ?", (vmid,))
        if journal.access:
            self._put("access", 1, _ACCESS.dump_json(_access_record(cluster.access)))
        if journal.rest:
            self._put("rest", 1, _REST.dump_json(_rest_record(cluster)))
        self._database.execute("COMMIT")
        journal.clear()

    def load(self, cluster: Cluster) -> bool:
        """Fill a cluster that has its storages but nothing else; False if the file is fresh.

        From now on the cluster notes what changes.
        """
        cluster.journal.enabled = True
        row = self._database.execute("SELECT document FROM access").fetchone()
        if row is None:
            return False
        _fill_access(cluster.access, _ACCESS.validate_json(row[0]))
        for vmid, document in self._database.execute("SELECT vmid, document FROM guests ORDER BY rowid"):
            kept = _GUEST.validate_json(document)
            node = kept.node if kept.node in cluster.nodes else cluster.entry
            guest = Guest(vmid, node, kept.options, kind=kept.kind)
            guest.pending, guest.pending_deletes = kept.pending, kept.pending_deletes
            guest.snapshots = kept.snapshots
            cluster.add(guest)
        for vmid, document in self._database.execute("SELECT vmid, document FROM firewalls"):
            cluster.firewalls[vmid] = _FIREWALL.validate_json(document)
        for (document,) in self._database.execute("SELECT document FROM rest"):
            _fill_rest(cluster, _REST.validate_json(document))
        rows = self._database.execute("SELECT document FROM tasks ORDER BY rowid")
        tasks = [_TASK.validate_json(document) for (document,) in rows]
        for record in sorted(tasks, key=lambda record: record.ended is None):  # what was under way ends now
            _restore_task(cluster, record)
        for guest in cluster.guests.values():
            if cluster.engine.resume(guest.vmid):
                continue
            if guest.options.get("onboot") == "1" and guest.lock is None:
                if guest.take_pending():
                    cluster.changed(guest)
                cluster.engine.boot(cluster.blueprint(guest))
        cluster.broadcast()
        return True

    def _put(self, table: str, key: int | str, document: bytes) -> None:
        name = _KEYS[table]
        statement = f"INSERT OR REPLACE INTO {table} ({name}, document) VALUES (?, ?)"  # noqa: S608  # of _KEYS
        self._database.execute(statement, (key, document.decode()))  # as the last row


def _guest_record(guest: Guest) -> _GuestRecord:
    return _GuestRecord(
        node=guest.node,
        kind=guest.kind,
        options=guest.options,
        pending=guest.pending,
        pending_deletes=guest.pending_deletes,
        snapshots=guest.snapshots,
    )


def _rest_record(cluster: Cluster) -> _RestRecord:
    volumes = {name: storage.volumes for name, storage in cluster.storages.items()}
    return _RestRecord(volumes=volumes, leases=cluster.ipam.leases, datacenter=cluster.datacenter.options)


def _fill_rest(cluster: Cluster, record: _RestRecord) -> None:
    """Storages are those of this start; one that is no longer there takes its files with it."""
    for name, volumes in record.volumes.items():
        if name in cluster.storages:
            cluster.storages[name].volumes = volumes
    cluster.ipam.leases = record.leases
    cluster.datacenter.options = record.datacenter


def _task_record(task: Task) -> _TaskRecord:
    return _TaskRecord(
        node=task.node,
        pid=task.pid,
        pstart=task.pstart,
        started=task.started,
        kind=task.kind,
        subject=task.subject,
        owner=task.owner,
        ended=task.ended,
        exit_status=task.exit_status,
        log=task.log,
    )


def _restore_task(cluster: Cluster, record: _TaskRecord) -> None:
    task = Task(
        node=record.node,
        pid=record.pid,
        pstart=record.pstart,
        started=record.started,
        kind=record.kind,
        subject=record.subject,
        owner=record.owner,
    )
    task.log = record.log
    task.exit_status = record.exit_status or "unexpected status"
    task.ended = record.ended or int(cluster.schedule.wall())
    cluster.tasks.restore(task)


def _access_record(access: Access) -> _AccessRecord:
    grants = [
        _Grant(path=path, kind=key.kind, name=key.name, role=role, inherited=inherited)
        for path, entries in access.acl.items()
        for key, roles in entries.items()
        for role, inherited in roles.items()
    ]
    return _AccessRecord(
        users=access.users,
        tokens=access.tokens,
        roles={name: sorted(held) for name, held in access.roles.items()},
        pools=access.pools,
        grants=grants,
        groups=access.groups,
    )


def _fill_access(access: Access, record: _AccessRecord) -> None:
    access.users, access.tokens, access.groups = record.users, record.tokens, record.groups
    kept = {name: frozenset(held) for name, held in record.roles.items()}
    access.roles = kept | dict(access.rights.roles)  # the built-in ones are those of the release that starts
    access.pools = record.pools
    access.pool_of = {vmid: name for name, pool in record.pools.items() for vmid in pool.vmids}
    access.acl = {}
    for one in record.grants:
        access.grant(one.path, AclKey(one.kind, one.name), [one.role], propagate=one.inherited)
    access.changed()

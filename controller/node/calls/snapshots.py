"""Snapshots of containers: take, list, drop, roll back (PVE::API2::LXC::Snapshot, PVE::AbstractConfig).

A call checks next to nothing, not even whether the container is there: the task does, and its exit status says so. It
holds the flock only while it writes the config; in between, a lock stands in the config, and stays there when the
worker is killed, or when dropping or rolling back fails halfway.
"""

from __future__ import annotations

import re
from functools import partial

from controller.node import formats
from controller.node.calls import power
from controller.node.context import Context
from controller.node.errors import Refusal, died
from controller.node.guest import Guest, shown
from controller.node.parameters import BOOLEAN, GUEST, TEXT
from controller.node.schedule import Steps, until
from controller.node.schema import Param, Schema, split_properties
from controller.node.storage import Storage
from controller.node.tasks import Task

_NAME = Param(required=True, format=formats.config_id, max_length=40)
ONE: Schema = {**GUEST, "snapname": _NAME}
TAKE: Schema = {**ONE, "description": TEXT}
DROP: Schema = {**ONE, "force": BOOLEAN}
ROLL_BACK: Schema = {**ONE, "start": BOOLEAN}

_RESERVED = ("current", "vzdump")
_OWN = frozenset({"snapstate", "snaptime", "lock", "description"})
"""What a snapshot does not share with the config it was taken of."""


def list_snapshots(context: Context) -> list[dict[str, object]]:
    """Oldest first, though Proxmox VE gives no order; the last row is the container as it is."""
    guest = context.guest
    rows = [_row(name, options) for name, options in guest.snapshots.items()]
    now: dict[str, object] = {
        "name": "current",
        "description": "You are here!",
        "digest": guest.digest,
        "running": int(guest.running),
    }
    return [*rows, now | ({"parent": guest.options["parent"]} if "parent" in guest.options else {})]


def _row(name: str, options: dict[str, str]) -> dict[str, object]:
    row: dict[str, object] = {
        "name": name,
        "snaptime": int(options.get("snaptime", "0")),
        "description": shown(options).get("description", ""),
    }
    return row | {key: options[key] for key in ("parent", "snapstate") if key in options}


def index(context: Context) -> list[dict[str, str]]:
    """Says the same of any name."""
    del context
    return [{"cmd": "rollback"}, {"cmd": "config"}]


def _check_unlocked(guest: Guest) -> None:
    if guest.lock is not None:
        raise died(f"CT is locked ({guest.lock})")


def config_of(guest: Guest, name: str) -> dict[str, str]:
    """The options of a snapshot."""
    if name not in guest.snapshots:
        raise died(f"snapshot '{name}' does not exist")
    return guest.snapshots[name]


# take


def take(context: Context) -> str:
    """Returns the UPID, also for a container that is not there."""
    name = context.text("snapname")
    if name in _RESERVED:
        raise died(f"unable to use snapshot name '{name}' (reserved name)")
    return context.fork("vzsnapshot", context.vmid, lambda task: _take(context, task, name)).upid


def _take(context: Context, task: Task, name: str) -> Steps[None]:
    yield from context.cluster.locked(context.vmid, lambda: _prepare(context, name))
    guest = context.guest
    try:
        yield from context.work(task, partial(context.cluster.engine.snapshot, guest.vmid, name))
    except Refusal:
        task.say("snapshot create failed: starting cleanup")
        _forget(context, guest, name)
        raise
    yield from context.cluster.locked(context.vmid, lambda: _commit(context, name))


def _prepare(context: Context, name: str) -> Steps[None]:
    yield from ()
    guest = context.guest
    if guest.template:
        raise died("you can't take a snapshot if it's a template")
    _check_unlocked(guest)
    if name in guest.snapshots:
        raise died(f"snapshot name '{name}' already used")
    if not all(storage and storage.snapshots for storage in _volumes(context, guest.options).values()):
        raise died("snapshot feature is not available")
    context.cluster.check_writable(guest.node, guest.vmid)
    for other in guest.snapshots.values():
        if other.get("parent") == name:
            del other["parent"]
    taken = {key: value for key, value in guest.options.items() if key not in _OWN and not key.startswith("unused")}
    taken |= {"snapstate": "prepare", "snaptime": str(int(context.cluster.schedule.wall()))}
    if comment := context.text("description"):
        taken["description"] = comment.rstrip("\n")
    guest.snapshots[name] = taken
    guest.options["lock"] = "snapshot"
    context.cluster.changed(guest)


def _commit(context: Context, name: str) -> Steps[None]:
    yield from ()
    guest = context.guest
    if guest.lock != "snapshot":
        raise died("missing snapshot lock")
    context.cluster.check_writable(guest.node, guest.vmid)
    del config_of(guest, name)["snapstate"]
    del guest.options["lock"]
    guest.options["parent"] = name
    context.cluster.changed(guest)


def _volumes(context: Context, options: dict[str, str]) -> dict[str, Storage | None]:
    """The volumes of root disk and mount points with their storages; a directory of the node has none."""
    found: dict[str, Storage | None] = {}
    for key, value in options.items():
        if key == "rootfs" or re.fullmatch(r"mp\d+", key):
            volume = split_properties(value, "volume")["volume"]
            name, colon, _ = volume.partition(":")
            found[volume] = context.cluster.storage(name, context.node) if colon else None
    return found


# drop


def drop(context: Context) -> str:
    name = context.text("snapname")
    return context.fork("vzdelsnapshot", context.vmid, lambda task: _drop(context, task, name)).upid


def _drop(context: Context, task: Task, name: str) -> Steps[None]:
    config_of(context.guest, name)
    yield from context.cluster.locked(context.vmid, lambda: _begin_drop(context, name))
    guest = context.guest
    try:
        yield from context.work(task, partial(context.cluster.engine.drop_snapshot, guest.vmid, name))
    except Refusal as failure:
        if not context.flag("force"):
            raise
        task.say(failure.reason)
    yield from context.cluster.locked(context.vmid, lambda: _end_drop(context, name))


def _begin_drop(context: Context, name: str) -> Steps[None]:
    yield from ()
    guest = context.guest
    _check_unlocked(guest)
    context.cluster.check_writable(guest.node, guest.vmid)
    context.cluster.set_lock(guest, "snapshot-delete")
    if guest.template:
        raise died("you can't delete a snapshot if vm is a template")
    config_of(guest, name)["snapstate"] = "delete"
    context.cluster.changed(guest)


def _end_drop(context: Context, name: str) -> Steps[None]:
    yield from ()
    guest = context.guest
    if guest.lock != "snapshot-delete":
        raise died("encountered invalid lock, expected 'snapshot-delete'")
    config_of(guest, name)
    context.cluster.check_writable(guest.node, guest.vmid)
    _forget(context, guest, name)


def _forget(context: Context, guest: Guest, name: str) -> None:
    """A snapshot goes, with the lock; whoever named it as parent gets its parent."""
    parent = guest.snapshots.pop(name).get("parent")
    for options in (guest.options, *guest.snapshots.values()):
        if options.get("parent") == name:
            if parent is None:
                del options["parent"]
            else:
                options["parent"] = parent
    guest.options.pop("lock", None)
    context.cluster.changed(guest)


# roll back


def roll_back(context: Context) -> str:
    """A running container is killed first; ``start`` starts it again in a task of its own."""
    name = context.text("snapname")
    return context.fork("vzrollback", context.vmid, lambda task: _roll_back(context, task, name)).upid


def _roll_back(context: Context, task: Task, name: str) -> Steps[None]:
    yield from context.cluster.locked(context.vmid, lambda: _begin_roll_back(context, name))
    yield from context.work(task, partial(context.cluster.engine.roll_back, context.vmid, name))
    yield from context.cluster.locked(context.vmid, lambda: _end_roll_back(context, name))
    if context.flag("start"):
        power.fork_start(context, context.guest)


def _begin_roll_back(context: Context, name: str) -> Steps[None]:
    guest = context.guest
    if guest.template:
        raise died("you can't rollback if vm is a template")
    kept = config_of(guest, name)
    for volume, storage in _volumes(context, kept).items():
        if storage and storage.newest_only and name != [*guest.snapshots][-1]:
            raise died(f"can't rollback, '{name}' is not most recent snapshot on '{volume}'")
    if "snapstate" in kept:
        raise died(f"unable to rollback to incomplete snapshot (snapstate = {kept['snapstate']})")
    _check_unlocked(guest)
    if guest.running:
        yield from until(context.cluster.engine.stop(guest.vmid))
    context.cluster.check_writable(guest.node, guest.vmid)
    context.cluster.set_lock(guest, "rollback")


def _end_roll_back(context: Context, name: str) -> Steps[None]:
    """The config becomes that of then; its description stays that of now, and what was pending is gone."""
    yield from ()
    guest = context.guest
    if guest.running:
        raise died(f"unable to rollback vm {guest.vmid}: vm is running")
    if guest.lock != "rollback":
        raise died("got wrong lock")
    context.cluster.check_writable(guest.node, guest.vmid)
    kept = {key: value for key, value in guest.options.items() if key == "description" or key.startswith("unused")}
    then = {key: value for key, value in config_of(guest, name).items() if key not in _OWN}
    guest.pending, guest.pending_deletes = {}, set()
    guest.options = kept | then | {"parent": name}
    context.cluster.changed(guest)

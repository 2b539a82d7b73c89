"""Clone a container, and make one a template.

A clone locks its source for as long as it runs, linked or not, so that clones of one template fail unless they come one
after the other; the new config with lock ``create`` is there before the reply.
"""

from __future__ import annotations

import re
from functools import partial

from controller.node import room
from controller.node.calls import options as opt
from controller.node.calls import snapshots
from controller.node.cluster import CREATE_FLOCK_SECONDS, FLOCK_SECONDS
from controller.node.context import Context
from controller.node.errors import Refusal, died, forbidden, lock_timeout
from controller.node.guest import Guest, size_in_bytes
from controller.node.schedule import Steps
from controller.node.schema import join_properties, split_properties
from controller.node.tasks import Task

_NOT_COPIED = frozenset({"template", "lock", "parent", "snaptime", "snapstate"})


def check_rights(context: Context) -> None:
    """Before any parameter is looked at. An or-tree that fails says no more than that."""
    context.need(f"/vms/{context.text('vmid')}", "VM.Clone")
    pool = context.params.get("pool")
    if context.may(f"/vms/{context.text('newid')}", "VM.Allocate"):
        return
    if pool is None or not context.may(f"/pool/{pool}", "VM.Allocate"):
        raise forbidden()


def clone(context: Context) -> Steps[str]:
    """Returns the UPID, whose id is the source. Waits up to ten seconds for the lock of the source's config."""
    cluster, pool = context.cluster, context.params.get("pool")
    if pool is not None and pool not in cluster.access.pools:
        raise forbidden(f"pool '{pool}' does not exist")
    _check_target(context)
    cluster.check_quorum()
    source, newid = (yield from _locked(context)), int(context.text("newid"))
    yield from _reserved(context, newid)
    full = context.flag("full") if "full" in context.params else not source.template
    if not full and "storage" in context.params:
        raise died("parameter 'storage' not allowed for linked clones")
    snapshot = context.text("snapname")
    options = snapshots.config_of(source, snapshot) if snapshot else source.options
    copy, disks = _copy(context, source, options, newid, full=full)
    rootfs = disks["rootfs"]
    cluster.set_lock(source, "disk")
    cluster.add(copy)
    cluster.copy_firewall(source.vmid, newid)

    def body(task: Task) -> Steps[None]:
        operation = partial(cluster.engine.clone, source.vmid, cluster.blueprint(copy), linked=not full)
        try:
            yield from room.allocate(context, task, rootfs, source.node)
            yield from context.work(task, operation)
            if full:
                room.check_written(context, task, rootfs, source.node, vmid=newid, copied=True)
            if pool is not None:
                failed = f"can't add VM {newid} to pool '{pool}'"
                yield from cluster.locks.with_users(failed, lambda: cluster.access.join_pool(newid, pool))
        except Refusal as failure:
            if source.lock == "disk":
                cluster.set_lock(source, None)
            cluster.remove(copy)
            raise died(f"clone failed: {failure.reason}") from failure
        copy.options.update(disks)
        cluster.set_lock(copy, None)
        cluster.set_lock(source, None)

    return context.fork("vzclone", source.vmid, body).upid


def _locked(context: Context) -> Steps[Guest]:
    """The source, with no other lock on it."""
    flock = context.cluster.flock(context.vmid)
    if not (yield from flock.acquire(FLOCK_SECONDS)):
        raise lock_timeout(context.vmid)
    flock.release()
    source = context.guest
    if source.lock is not None:
        raise died(f"CT is locked ({source.lock})")
    return source


def _reserved(context: Context, newid: int) -> Steps[None]:
    flock = context.cluster.flock(newid)
    if not (yield from flock.acquire(CREATE_FLOCK_SECONDS)):
        raise lock_timeout(newid)
    flock.release()
    context.cluster.check_free(newid)


def _check_target(context: Context) -> None:
    target, name = context.text("target", context.node), context.text("storage")
    if target not in context.cluster.nodes:
        raise died(f"no such cluster node '{target}'")
    if name:
        context.cluster.storage(name, context.node)
        if target != context.node and not context.cluster.storage(name, target).shared:
            raise died(f"can't clone to non-shared storage '{name}'")


def _disk(context: Context, source: Guest, newid: int, option: str, value: str, *, full: bool) -> str:
    """One of the clone's disks, if it may be made."""
    snapshot = "snapname" in context.params
    parts = split_properties(value, "volume")
    volume = parts.get("volume", "")
    if volume.startswith("/"):
        kind = "device" if volume.startswith("/dev/") else "bind"
        raise died(f"unable to clone mountpoint '{option}' (type {kind})")
    name = context.text("storage") if full else ""
    storage = context.cluster.storage(name or volume.partition(":")[0], source.node)
    context.need(f"/storage/{storage.name}", "Datastore.AllocateSpace")
    if full and source.running and not snapshot:
        raise died(context.cluster.release.running_clone)
    if not full and not (storage.clones_of_snapshots if snapshot else storage.clones and source.template):
        raise died(f"Linked clone feature for '{volume}' is not available")
    gib = size_in_bytes(parts.get("size", "0")) >> 30
    fresh = split_properties(storage.disk(newid, gib), "volume")
    if not full:
        fresh["volume"] = f"{volume}/{fresh['volume'].partition(':')[2]}"
    return join_properties(parts | fresh, first="volume")


def _copy(
    context: Context, source: Guest, given: dict[str, str], newid: int, *, full: bool
) -> tuple[Guest, dict[str, str]]:
    """All that is copied, and the disks to come; ``given`` are the source's options of now, or of a snapshot.

    Networks keep everything but their MAC, a static address too.
    """
    options: dict[str, str] = {}
    disks: dict[str, str] = {}
    for name, value in sorted(given.items()):
        if name == "rootfs" or re.fullmatch(r"mp\d+", name):
            disk = _disk(context, source, newid, name, value, full=full)
            disks[name] = disk.replace("-disk-0", f"-disk-{len(disks)}")
        elif re.fullmatch(r"net\d+", name):
            opt.check_bridges(context, value)
            parts = split_properties(value) | {"hwaddr": context.cluster.new_mac()}
            options[name] = join_properties(parts, first="name")
        elif name not in _NOT_COPIED and not name.startswith("unused"):
            options[name] = value
    target = context.text("target", source.node)
    if target != source.node and not all(_is_shared(context, disk) for disk in disks.values()):
        raise died(f"can't clone CT to node '{target}' (CT uses local storage)")
    for name in ("hostname", "description"):
        if context.text(name):
            opt.apply(context, options, {name: context.text(name)})
    return Guest(newid, target, options | {"lock": "create"}), disks


def _is_shared(context: Context, disk: str) -> bool:
    return context.cluster.storages[disk.partition(":")[0]].shared


def template(context: Context) -> None:
    """Answers null though it forks a task; the task holds no lock."""
    guest = context.guest
    if guest.lock is not None:
        raise died(f"CT is locked ({guest.lock})")
    if guest.snapshots:
        raise died("unable to create template, because CT contains snapshots")
    if guest.template:
        raise died("you can't convert a template to a template")
    if guest.running:
        raise died("you can't convert a CT to template if the CT is running")
    context.fork("vztemplate", guest.vmid, lambda task: _convert(context, task, guest))


def _convert(context: Context, task: Task, guest: Guest) -> Steps[None]:
    yield from context.work(task, lambda: context.cluster.engine.template(guest.vmid))
    parts = split_properties(guest.options["rootfs"], "volume")
    storage = context.cluster.storages[parts["volume"].partition(":")[0]]
    parts["volume"] = storage.base(parts["volume"])
    guest.write(guest.options | {"template": "1", "rootfs": join_properties(parts, first="volume")})
    context.cluster.changed(guest)

"""Clone a container, and make one a template.

A clone locks its source for as long as it runs, linked or not, so that clones of one template fail unless they come one
after the other; the new config with lock ``create`` is there before the reply.
"""

from __future__ import annotations

from functools import partial

from controller.node.calls import options as opt
from controller.node.context import Context
from controller.node.errors import Refusal, died, forbidden
from controller.node.guest import Guest
from controller.node.schedule import Steps
from controller.node.schema import join_properties, split_properties
from controller.node.tasks import Task

_NOT_COPIED = frozenset({"rootfs", "template", "lock", "parent", "snaptime"})


def check_rights(context: Context) -> None:
    """Before any parameter is looked at. An or-tree that fails says no more than that."""
    context.need(f"/vms/{context.text('vmid')}", "VM.Clone")
    pool = context.params.get("pool")
    if context.may(f"/vms/{context.text('newid')}", "VM.Allocate"):
        return
    if pool is None or not context.may(f"/pool/{pool}", "VM.Allocate"):
        raise forbidden()


def clone(context: Context) -> str:
    """Returns the UPID, whose id is the source."""
    cluster = context.cluster
    cluster.check_quorum()
    pool = context.params.get("pool")
    if pool is not None and pool not in cluster.access.pools:
        raise forbidden(f"pool '{pool}' does not exist")
    source, newid = context.guest, int(context.text("newid"))
    target = context.text("target", source.node)
    if target not in cluster.nodes:
        raise died(f"no such cluster node '{target}'")
    full = context.flag("full") if "full" in context.params else not source.template
    if not full and "storage" in context.params:
        raise died("parameter 'storage' not allowed for linked clones")
    if source.lock is not None:
        raise died(f"CT is locked ({source.lock})")
    cluster.check_free(newid)
    rootfs = _disk(context, source, newid, full=full)
    _check_target(context, source, target, rootfs)
    copy = _copy(context, source, newid, target)
    cluster.set_lock(source, "disk")
    cluster.add(copy)

    def body(task: Task) -> Steps[None]:
        operation = partial(cluster.engine.clone, source.vmid, cluster.blueprint(copy), linked=not full)
        try:
            yield from context.work(task, operation)
        except Refusal as failure:
            if source.lock == "disk":
                cluster.set_lock(source, None)
            cluster.remove(copy)
            raise died(f"clone failed: {failure.reason}") from failure
        copy.options["rootfs"] = rootfs
        cluster.set_lock(copy, None)
        cluster.set_lock(source, None)
        if pool is not None:
            cluster.access.join_pool(copy.vmid, pool)

    return context.fork("vzclone", source.vmid, body).upid


def _disk(context: Context, source: Guest, newid: int, *, full: bool) -> str:
    """The clone's root disk, if it may be made."""
    parts = split_properties(source.options.get("rootfs", ""), "volume")
    volume = parts.get("volume", "")
    name = context.text("storage") if full else ""
    storage = context.cluster.storage(name or volume.partition(":")[0], source.node)
    if full and source.running:
        raise died("Full clone of a running container is only possible from a snapshot")
    if not full and not (storage.clones and source.template):
        raise died(f"Linked clone feature for '{volume}' is not available")
    context.need(f"/storage/{storage.name}", "Datastore.AllocateSpace")
    gib = max(source.disk >> 30, 0)
    fresh = split_properties(storage.disk(newid, gib), "volume")
    if not full:
        fresh["volume"] = f"{volume}/{fresh['volume'].partition(':')[2]}"
    return join_properties(parts | fresh, first="volume")


def _check_target(context: Context, source: Guest, target: str, rootfs: str) -> None:
    storage = context.cluster.storages[rootfs.partition(":")[0]]
    if target != source.node and not storage.shared:
        raise died(f"Can't clone container to another node, because storage '{storage.name}' is local")


def _copy(context: Context, source: Guest, newid: int, target: str) -> Guest:
    """All that is copied; networks keep everything but their MAC, a static address too."""
    options = {name: value for name, value in source.options.items() if name not in _NOT_COPIED}
    for name, parts in source.nets().items():
        opt.check_bridges(context, options[name])
        options[name] = join_properties(parts | {"hwaddr": context.cluster.new_mac()}, first="name")
    for name in ("hostname", "description"):
        if name in context.params:
            opt.apply(context, options, {name: context.text(name)})
    return Guest(newid, target, options | {"lock": "create"})


def template(context: Context) -> None:
    """Answers null though it forks a task; the task holds no lock."""
    guest = context.guest
    if guest.lock is not None:
        raise died(f"CT is locked ({guest.lock})")
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

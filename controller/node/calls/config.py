"""Read and change a container's config (PVE::API2::LXC::Config), and grow its disk."""

from __future__ import annotations

from controller.node import room
from controller.node.calls import options as opt
from controller.node.calls import pending, snapshots
from controller.node.cluster import FLOCK_SECONDS
from controller.node.context import Context
from controller.node.errors import died, invalid, lock_timeout
from controller.node.formats import split_list
from controller.node.guest import Guest, shown, size_in_bytes
from controller.node.schedule import Steps
from controller.node.schema import join_properties, split_properties
from controller.node.tasks import Task

_REQUIRED = ("hostname", "memory", "rootfs")
_LIMITS = {"cores", "cpulimit", "cpuunits", "memory", "swap"}


def read(context: Context) -> dict[str, object]:
    """Of a snapshot, of now, or as after the next start."""
    guest, snapshot = context.guest, context.text("snapshot")
    if snapshot and context.flag("current"):
        raise invalid(dict.fromkeys(("snapshot", "current"), "cannot use 'snapshot' parameter with 'current'"))
    if snapshot:
        answer = shown(snapshots.config_of(guest, snapshot)) | {"digest": guest.digest}
    else:
        answer = guest.config(current=context.flag("current"))
    if "env" in answer and not context.may(f"/vms/{guest.vmid}", "VM.Config.Options"):
        del answer["env"]
    return answer


def update(context: Context) -> Steps[None]:
    """Waits up to ten seconds for the config's flock; lock and digest are checked under it."""
    changes = {name: value for name, value in context.params.items() if opt.is_option(name)}
    delete, revert = split_list(context.text("delete")), split_list(context.text("revert"))
    if not changes and not {"delete", "revert"} & {*context.params}:
        raise died("no options specified")
    flock = context.cluster.flock(context.vmid)
    if not (yield from flock.acquire(FLOCK_SECONDS)):
        raise lock_timeout(context.vmid)
    try:
        _check(context, changes, delete, revert)
        _write(context, changes, delete, revert)
    finally:
        flock.release()


def _check(context: Context, changes: dict[str, str], delete: list[str], revert: list[str]) -> None:
    """In the order of PVE::API2::LXC::Config: the guest, its lock, the digest, rights, then what is asked for."""
    guest, release = context.guest, context.cluster.release.number
    check_unlocked(guest)
    check_digest(context, guest)
    unprivileged = guest.options.get("unprivileged") == "1"
    for names in (delete, revert):
        opt.check_rights(context, guest.vmid, {}, delete=names, old=guest.options, unprivileged=unprivileged)
    for name in revert:
        if not opt.is_option(name, release=release):
            raise invalid({"revert": f"unknown option '{name}'"})
        if name in changes:
            raise invalid({"revert": f"you can't use '-{name}' and '-revert {name}' at the same time"})
    for name in delete:
        if not opt.is_option(name, release=release):
            raise invalid({"delete": f"unknown option '{name}'"})
        if name in changes:
            raise invalid({"delete": f"you can't use '-{name}' and -delete {name}' at the same time"})
        if name in revert:
            raise invalid({"delete": f"you can't use '-delete {name}' and '-revert {name}' at the same time"})
    opt.check_rights(context, guest.vmid, changes, old=guest.options, unprivileged=unprivileged)


def _write(context: Context, changes: dict[str, str], delete: list[str], revert: list[str]) -> None:
    guest = context.guest
    for name in delete:
        if name in _REQUIRED:
            raise died(f"unable to delete required option '{name}'")
        if name == "unprivileged":
            raise died("unable to delete read-only option: 'unprivileged'")
    if "unprivileged" in changes:
        raise died("unable to modify read-only option: 'unprivileged'")
    context.cluster.check_writable(guest.node, guest.vmid)
    if not pending.change(context, guest, changes=changes, delete=delete, revert=revert):
        return
    context.cluster.changed(guest)
    if guest.running and _LIMITS & {*changes, *delete}:
        context.cluster.engine.limit(guest.vmid, guest.options)
    if guest.running and any(name.startswith("net") for name in changes):
        context.cluster.engine.filter(context.cluster.blueprint(guest))


def check_unlocked(guest: Guest) -> None:
    if guest.lock is not None:
        raise died(f"CT is locked ({guest.lock})")


def check_digest(context: Context, guest: Guest) -> None:
    if context.text("digest", guest.digest) != guest.digest:
        raise died("detected modified configuration - file changed by other user? Try again.")


def resize(context: Context) -> str:
    """Grow a disk, never shrink it."""
    guest, disk = context.guest, context.text("disk")
    check_unlocked(guest)
    check_digest(context, guest)
    if disk not in guest.options:
        raise died(f"no such mount point '{disk}'")
    parts = split_properties(guest.options[disk], "volume")
    storage = parts["volume"].partition(":")[0]
    context.need(f"/storage/{storage}", "Datastore.AllocateSpace")
    now, asked = size_in_bytes(parts.get("size", "0")), context.text("size")
    size = now + size_in_bytes(asked[1:]) if asked.startswith("+") else size_in_bytes(asked)
    if size < now:
        raise died("unable to shrink disk size")
    return context.fork("resize", guest.vmid, lambda task: _grow(context, task, disk, size)).upid


def _grow(context: Context, task: Task, disk: str, size: int) -> Steps[None]:
    def steps() -> Steps[None]:
        guest = context.guest
        check_unlocked(guest)
        full = room.full_by_fault(task)
        yield from context.work(task, lambda: context.cluster.engine.resize(guest.vmid, size))
        room.check_grown(context, task, guest.options[disk], full=full is not None)
        parts = split_properties(guest.options[disk], "volume")
        parts["size"] = f"{size >> 30}G" if size % (1 << 30) == 0 else f"{size >> 20}M"
        guest.write(guest.options | {disk: join_properties(parts, first="volume")})
        context.cluster.changed(guest)

    yield from context.cluster.locked(context.vmid, steps)

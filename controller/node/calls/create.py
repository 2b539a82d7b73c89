"""``POST /nodes/N/lxc``: the reservation of the VMID and the task ``vzcreate``; what is checked before: ``admission``.

While it unpacks, the config holds nothing but ``lock: create``; membership of the pool comes last; a start that was
asked for is a task of its own, whose failure the create does not notice.
"""

from __future__ import annotations

from controller.node import room
from controller.node.calls import admission, power
from controller.node.cluster import CREATE_FLOCK_SECONDS, FLOCK_SECONDS
from controller.node.context import Context
from controller.node.engine import Blueprint
from controller.node.errors import Refusal, died, lock_timeout
from controller.node.guest import Guest
from controller.node.schedule import Steps
from controller.node.storage import Volume
from controller.node.tasks import Task

_NOT_SYSTEMD = "Systemd 252 detected. You may need to enable nesting."


def create(context: Context) -> Steps[str]:
    """Returns the UPID. Waits up to five seconds for the lock of the config that does not exist yet."""
    vmid, pool = context.vmid, context.params.get("pool")
    options = admission.admit(context)
    verb = "restore" if context.flag("restore") else "create"
    guest = yield from _reserve(context, vmid, verb)
    return context.fork(f"vz{verb}", vmid, lambda task: _work(context, task, guest, options, pool)).upid


def _reserve(context: Context, vmid: int, verb: str) -> Steps[Guest]:
    """A config that holds the lock and nothing else. The VMID may be taken while it waits."""
    cluster, flock = context.cluster, context.cluster.flock(vmid)
    try:
        if not (yield from flock.acquire(CREATE_FLOCK_SECONDS)):
            raise lock_timeout(vmid)
        flock.release()
        guest = cluster.guests.get(vmid) if context.flag("restore") and context.flag("force") else None
        if guest is None:
            cluster.check_free(vmid)
            guest = Guest(vmid, context.node, {"lock": "create"})
            cluster.add(guest)
        elif guest.lock is not None:
            raise died(f"CT is locked ({guest.lock})")
        else:
            cluster.set_lock(guest, "create")
    except Refusal as failure:
        raise died(f"unable to {verb} CT {vmid} - {failure.reason}") from failure
    return guest


def _work(context: Context, task: Task, guest: Guest, options: dict[str, str], pool: str | None) -> Steps[None]:
    cluster, vmid = context.cluster, guest.vmid
    flock = cluster.flock(vmid)
    if not (yield from flock.acquire(FLOCK_SECONDS)):
        raise lock_timeout(vmid)
    try:
        try:
            yield from _unpack(context, task, guest, options)
        except Refusal as failure:
            _undo(context, guest)
            verb = task.kind.removeprefix("vz")
            raise died(f"unable to {verb} CT {vmid} - {failure.reason}") from failure
        if pool is not None:
            failed = f"can't add VM {vmid} to pool '{pool}'"
            yield from cluster.locks.with_users(failed, lambda: cluster.access.join_pool(vmid, pool))
    finally:
        flock.release()
    if context.flag("start"):
        power.fork_start(context, guest)


def _undo(context: Context, guest: Guest) -> None:
    """What was there before a restore stays. Without quorum nothing can be removed, and the lock stays too."""
    if not context.cluster.quorate:
        return
    if "rootfs" in guest.options:
        context.cluster.set_lock(guest, None)
    else:
        context.cluster.remove(guest)


def _unpack(context: Context, task: Task, guest: Guest, options: dict[str, str]) -> Steps[None]:
    archive = context.text("ostemplate")
    volume = _volume(context, archive)
    if volume is None:
        raise died(f"volume '{archive}' does not exist")
    blueprint = Blueprint(
        vmid=guest.vmid,
        archive=archive,
        options=options,
        password=context.params.get("password"),
        ssh_keys=context.params.get("ssh-public-keys"),
    )
    yield from room.allocate(context, task, options["rootfs"], guest.node)
    task.say(f"extracting archive '{archive}'")
    yield from context.work(task, lambda: context.cluster.engine.make(blueprint))
    room.check_written(context, task, options["rootfs"], guest.node, vmid=guest.vmid)
    context.cluster.check_writable(guest.node, guest.vmid)
    guest.write(options)
    context.cluster.changed(guest)
    task.say("Detected container architecture: amd64")
    if context.cluster.release.warns_of_nesting:
        _warn_of_systemd(task, volume, options)
    yield from context.cluster.schedule.pause(context.cluster.profile.finishing)


def _volume(context: Context, volume_id: str) -> Volume | None:
    return context.cluster.storage(volume_id.partition(":")[0], context.node).volumes.get(volume_id)


def _warn_of_systemd(task: Task, volume: Volume, options: dict[str, str]) -> None:
    if volume.systemd and "nesting=1" not in options.get("features", ""):
        task.warn(_NOT_SYSTEMD)

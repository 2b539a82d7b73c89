"""``DELETE /nodes/N/lxc/ID``: checked at once and again in the task ``vzdestroy``, which leaves no right behind."""

from __future__ import annotations

from functools import partial

from controller.node.context import Context
from controller.node.errors import Refusal, died
from controller.node.guest import Guest
from controller.node.schedule import Steps, until
from controller.node.tasks import Fate, Task

MOMENT = 0.01
"""Seconds for which a config is locked ``destroyed``, and for which its VMID is free before the task ends."""


def destroy(context: Context) -> str:
    _check(context)
    return context.fork("vzdestroy", context.vmid, lambda task: _work(context, task)).upid


def _check(context: Context) -> Guest:
    guest = context.guest
    if guest.options.get("protection") == "1":
        raise died(f"can't remove CT {guest.vmid} - protection mode enabled")
    if guest.lock is not None:
        raise died(f"CT is locked ({guest.lock})")
    if guest.running and not context.flag("force"):
        raise died(f"unable to destroy CT {guest.vmid} - container is running")
    return guest


def _work(context: Context, task: Task) -> Steps[None]:
    cluster = context.cluster

    def steps() -> Steps[None]:
        guest = _check(context)
        cluster.check_writable(guest.node, guest.vmid)
        _refuse_used_base(context, guest)
        was_running = guest.running
        if was_running:
            task.say(f"forced to stop CT {guest.vmid} before destroying!")
        yield from _lock_storage(context, guest)
        yield from _remove_disks(context, task, guest, was_running=was_running)
        cluster.set_lock(guest, "destroyed")
        moment = min(MOMENT, cluster.profile.finishing)
        yield from context.work(task, lambda: cluster.schedule.timer(moment))
        failed = f"access permissions cleanup for VM {guest.vmid} failed"
        yield from cluster.locks.with_users(failed, lambda: cluster.access.forget_guest(guest.vmid))
        cluster.remove(guest)
        yield from cluster.schedule.pause(moment)

    yield from cluster.locked(context.vmid, steps)


def _lock_storage(context: Context, guest: Guest) -> Steps[None]:
    """Without it the disk stays, though what ran is stopped by then."""
    storage = context.cluster.storages.get((guest.volume or "").partition(":")[0])
    if storage is None:
        return
    try:
        yield from context.cluster.locks.with_storage(storage, guest.node, lambda: None)
    except Refusal:
        context.cluster.engine.halt(guest.vmid)
        raise


def _remove_disks(context: Context, task: Task, guest: Guest, *, was_running: bool) -> Steps[None]:
    """A worker that is to be killed lives to see the next step: what it leaves is locked ``destroyed``."""
    operation = partial(context.cluster.engine.destroy, guest.vmid, was_running=was_running)
    if task.doom is not None and task.doom.fate is Fate.KILL:
        yield from until(operation())
    else:
        yield from context.work(task, operation)


def _refuse_used_base(context: Context, guest: Guest) -> None:
    volume = guest.volume
    if not guest.template or volume is None:
        return
    if any((other.volume or "").startswith(f"{volume}/") for other in context.cluster.guests.values()):
        raise died(f"base volume '{volume}' is still in use by linked clones")

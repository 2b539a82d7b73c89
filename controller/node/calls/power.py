"""Start, stop, shutdown and reboot: little is checked at once, the rest only in the task (PVE::API2::LXC::Status)."""

from __future__ import annotations

from controller.node.calls.tasks import is_own
from controller.node.context import Context
from controller.node.errors import died, invalid
from controller.node.guest import Guest
from controller.node.schedule import Steps, until
from controller.node.tasks import Task


def start(context: Context) -> str:
    """Returns a UPID also for a container that is missing, locked or a template: its task fails."""
    _refuse_skiplock(context)
    guest = context.cluster.guests.get(context.vmid)
    if guest and guest.running and guest.node == context.node:
        raise died(f"CT {context.vmid} already running")
    context.cluster.check_quorum()
    return context.fork("vzstart", context.vmid, lambda task: _start(context, task, context.vmid)).upid


def fork_start(context: Context, guest: Guest) -> None:
    """The start that a create was asked for."""
    context.fork("vzstart", guest.vmid, lambda task: _start(context, task, guest.vmid))


def _start(context: Context, task: Task, vmid: int) -> Steps[None]:
    cluster = context.cluster

    def steps() -> Steps[None]:
        guest = cluster.guest(context.node, vmid)
        if guest.template:
            raise died("you can't start a CT if it's a template")
        _check_lock(context, guest)
        if guest.running:
            return
        bridges = cluster.nodes[guest.node].bridges
        for parts in guest.nets().values():
            if "bridge" in parts and parts["bridge"] not in bridges:
                raise died(f"bridge '{parts['bridge']}' does not exist")
        _take_pending(context, guest)
        yield from context.work(task, lambda: cluster.engine.start(cluster.blueprint(guest)))
        if any(parts.get("host-managed") == "1" and parts.get("ip") == "dhcp" for parts in guest.nets().values()):
            yield from cluster.schedule.pause(cluster.profile.dhcp)  # the host asks for the lease, inside the task

    yield from cluster.locked(vmid, steps)


def _take_pending(context: Context, guest: Guest) -> None:
    if guest.take_pending():
        context.cluster.changed(guest)


def stop(context: Context) -> str:
    _refuse_skiplock(context)
    _check_running(context, "CT")
    vmid = context.vmid
    if context.flag("overrule-shutdown"):
        all_of_them = context.may(f"/nodes/{context.node}", "Sys.Modify")
        for task in [*context.cluster.tasks.active.get(context.node, {}).values()]:
            if task.kind == "vzshutdown" and task.subject == str(vmid) and (all_of_them or is_own(context, task)):
                context.cluster.tasks.interrupt(task)
    return context.fork("vzstop", vmid, lambda task: _stop(context, task)).upid


def _stop(context: Context, task: Task) -> Steps[None]:
    def steps() -> Steps[None]:
        guest = context.guest
        _check_lock(context, guest)
        if guest.running:
            yield from context.work(task, lambda: context.cluster.engine.stop(guest.vmid))

    yield from context.cluster.locked(context.vmid, steps)


def shutdown(context: Context) -> str:
    _check_running(context, "CT")
    return context.fork("vzshutdown", context.vmid, lambda task: _shutdown(context, task)).upid


def _shutdown(context: Context, task: Task) -> Steps[None]:
    """Holds the config's flock for as long as it waits for the guest."""

    def steps() -> Steps[None]:
        guest = _checked(context)
        if guest.running:
            yield from _ask_to_stop(context, task, guest, force=context.flag("forceStop"))

    yield from context.cluster.locked(context.vmid, steps)


def reboot(context: Context) -> str:
    _check_running(context, "VM")
    return context.fork("vzreboot", context.vmid, lambda task: _reboot(context, task)).upid


def _reboot(context: Context, task: Task) -> Steps[None]:
    def steps() -> Steps[None]:
        guest = _checked(context)
        yield from _ask_to_stop(context, task, guest, force=True)
        _take_pending(context, guest)
        yield from until(context.cluster.engine.start(context.cluster.blueprint(guest)))

    yield from context.cluster.locked(context.vmid, steps)


def _ask_to_stop(context: Context, task: Task, guest: Guest, *, force: bool) -> Steps[None]:
    cluster = context.cluster
    seconds = float(context.number("timeout", 60))
    stopped = yield from context.work(task, lambda: cluster.engine.shutdown(guest.vmid, seconds))
    if not stopped:
        if not force:
            raise died("container did not stop")
        task.say("killing the container")
        yield from until(cluster.engine.stop(guest.vmid))


def _checked(context: Context) -> Guest:
    guest = context.guest
    if guest.lock is not None:
        raise died(f"CT is locked ({guest.lock})")
    return guest


def _check_lock(context: Context, guest: Guest) -> None:
    """A start and a stop pass by the lock ``mounted``, and root by every lock."""
    if guest.lock not in (None, "mounted") and not context.flag("skiplock"):
        raise died(f"CT is locked ({guest.lock})")


def _check_running(context: Context, kind: str) -> None:
    """Also said of a container that does not exist. A reboot calls it a VM, as Proxmox does."""
    guest = context.cluster.guests.get(context.vmid)
    if guest is None or not guest.running or guest.node != context.node:
        raise died(f"{kind} {context.vmid} not running")


def _refuse_skiplock(context: Context) -> None:
    if context.flag("skiplock") and not context.is_root:
        raise invalid({"skiplock": "Only root may use this option."})

"""``POST /nodes/N/lxc``: the checks in Proxmox's order, the reservation of the VMID, and the task ``vzcreate``.

While it unpacks, the config holds nothing but ``lock: create``; membership of the pool comes last; a start that was
asked for is a task of its own, whose failure the create does not notice.
"""

from __future__ import annotations

import base64
import binascii

from controller.node.calls import options as opt
from controller.node.calls import power
from controller.node.cluster import FLOCK_SECONDS
from controller.node.context import Context
from controller.node.engine import Blueprint
from controller.node.errors import Refusal, died, forbidden, invalid, lock_timeout
from controller.node.guest import Guest
from controller.node.schedule import Steps
from controller.node.schema import join_properties, split_properties
from controller.node.storage import Volume
from controller.node.tasks import Task

_KEY_TYPES = ("ssh-rsa", "ssh-ed25519", "ssh-dss", "ecdsa-sha2-", "sk-ssh-ed25519@", "sk-ecdsa-sha2-")
_NOT_SYSTEMD = "Systemd 252 detected. You may need to enable nesting."


def create(context: Context) -> str:
    """Returns the UPID."""
    cluster, vmid, node = context.cluster, context.vmid, context.node
    cluster.check_quorum()
    if context.text("unprivileged", "1") == "0":
        context.need("/", "Sys.Modify")
    if context.flag("ha-managed"):
        context.need("/", "Sys.Console")
    cluster.check_free(vmid)
    if "ssh-public-keys" in context.params:
        check_ssh_keys(context.text("ssh-public-keys"))
    pool = context.params.get("pool")
    check_may_allocate(context, vmid, pool)
    options = {name: value for name, value in context.params.items() if opt.is_option(name)}
    if "rootfs" not in options:
        options["rootfs"] = f"{context.text('storage', 'local')}:4"
    unprivileged = options.get("unprivileged", "1") == "1"
    opt.check_rights(context, vmid, options, pool=pool, unprivileged=unprivileged)
    _check_template(context)
    _check_disk(context, options["rootfs"])
    options = _complete(context, options)
    stub = Guest(vmid, node, {"lock": "create"})
    cluster.add(stub)
    return context.fork("vzcreate", vmid, lambda task: _work(context, task, stub, options, pool)).upid


def check_ssh_keys(text: str) -> None:
    for line in text.splitlines():
        words = line.split()
        if not words or line.lstrip().startswith("#"):
            continue
        kind = next((n for n, word in enumerate(words) if word.startswith(_KEY_TYPES)), None)
        try:
            blob = base64.b64decode(words[kind + 1], validate=True) if kind is not None else b""
        except (binascii.Error, IndexError):
            blob = b""
        if len(blob) < 32:
            raise died("SSH public key validation error")


def check_may_allocate(context: Context, vmid: int, pool: str | None) -> None:
    """The pool exists, and the caller may make guests in it or of that VMID."""
    if pool is not None and pool not in context.cluster.access.pools:
        raise forbidden(f"pool '{pool}' does not exist")
    in_pool = pool is not None and context.may(f"/pool/{pool}", "VM.Allocate")
    if not in_pool and not context.may(f"/vms/{vmid}", "VM.Allocate"):
        raise forbidden()


def _check_template(context: Context) -> None:
    """The storage of the archive; whether the file is there, only the task finds out."""
    archive = context.text("ostemplate")
    name, colon, path = archive.partition(":")
    if not colon:
        raise died("Only root can pass arbitrary filesystem paths.")
    context.cluster.storage(name, context.node)
    context.need(f"/storage/{name}", "Datastore.AllocateSpace", "Datastore.Audit", anyone=True)
    if not path.startswith("vztmpl/"):
        raise died(f"unable to parse directory volume name '{path}'")


def _check_disk(context: Context, rootfs: str) -> None:
    name = split_properties(rootfs, "volume")["volume"].partition(":")[0]
    storage = context.cluster.storage(name, context.node)
    if "rootdir" not in storage.content:
        raise invalid({"storage": f"storage '{name}' does not support container directories"})
    context.need(f"/storage/{name}", "Datastore.AllocateSpace")


def _complete(context: Context, given: dict[str, str]) -> dict[str, str]:
    """The whole config of the new container."""
    options: dict[str, str] = {}
    opt.apply(context, options, given)
    parts = split_properties(options["rootfs"], "volume")
    if match := opt.NEW_VOLUME.fullmatch(parts["volume"]):
        storage = context.cluster.storage(match[1], context.node)
        fresh = split_properties(storage.disk(context.vmid, round(float(match[2]))), "volume")
        options["rootfs"] = join_properties(parts | fresh, first="volume")
    options.setdefault("hostname", f"CT{context.vmid}")
    for name, default in (("memory", "512"), ("swap", "512"), ("arch", "amd64"), ("ostype", "debian")):
        options.setdefault(name, default)
    options.setdefault("unprivileged", "1")
    if options["unprivileged"] == "0":
        del options["unprivileged"]
    return options


def _work(context: Context, task: Task, guest: Guest, options: dict[str, str], pool: str | None) -> Steps[None]:
    cluster, vmid = context.cluster, guest.vmid
    flock = cluster.flock(vmid)
    if not (yield from flock.acquire(FLOCK_SECONDS)):
        raise lock_timeout(vmid)
    try:
        try:
            yield from _unpack(context, task, guest, options)
        except Refusal as failure:
            cluster.remove(guest)
            raise died(f"unable to create CT {vmid} - {failure.reason}") from failure
        if pool is not None:
            cluster.access.join_pool(vmid, pool)
    finally:
        flock.release()
    if context.flag("start"):
        power.fork_start(context, guest)


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
    task.say(f"extracting archive '{archive}'")
    yield from context.work(task, lambda: context.cluster.engine.make(blueprint))
    guest.write(options)
    context.cluster.changed(guest)
    task.say("Detected container architecture: amd64")
    warn_of_systemd(task, volume, options)
    yield from context.cluster.schedule.pause(context.cluster.profile.finishing)


def _volume(context: Context, volume_id: str) -> Volume | None:
    return context.cluster.storage(volume_id.partition(":")[0], context.node).volumes.get(volume_id)


def warn_of_systemd(task: Task, volume: Volume, options: dict[str, str]) -> None:
    if volume.systemd and "nesting=1" not in options.get("features", ""):
        task.warn(_NOT_SYSTEMD)

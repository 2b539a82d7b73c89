"""What a create is refused for at once, in the order of PVE::API2::LXC::create_vm, and the config that it asks for.

What only the task finds out, and the reservation of the VMID between the two, are in ``create``.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter

from controller.node.calls import options as opt
from controller.node.context import Context
from controller.node.errors import died, forbidden, invalid
from controller.node.schema import join_properties, split_properties

_KEY_TYPES = ("ssh-rsa", "ssh-ed25519", "ssh-dss", "ecdsa-sha2-", "sk-ssh-ed25519@", "sk-ecdsa-sha2-")


def admit(context: Context) -> dict[str, str]:
    """The whole config of the new container, or raises the first refusal."""
    context.cluster.check_quorum()
    restore, unprivileged = context.flag("restore"), _is_unprivileged(context)
    if not (restore or unprivileged) and context.cluster.release.unprivileged_by_default:
        context.need("/", "Sys.Modify")
    if context.flag("ha-managed"):
        context.need("/", "Sys.Console")
    overwrites = _check_vmid(context)
    if "ssh-public-keys" in context.params:
        _check_ssh_keys(context.text("ssh-public-keys"))
    _check_may_allocate(context, overwrites=overwrites)
    pool = context.params.get("pool")
    options = {name: value for name, value in context.params.items() if opt.is_option(name) and name != "unprivileged"}
    opt.check_rights(context, context.vmid, options, pool=pool, unprivileged=unprivileged)
    _check_archive(context, content="backup" if restore else "vztmpl")
    options = {name: value for name, value in options.items() if not name.startswith("unused")}
    disks = _disks(context, options)
    _check_disks(context, disks)
    return _complete(context, options | disks, unprivileged=unprivileged)


def _is_unprivileged(context: Context) -> bool:
    default = "1" if context.cluster.release.unprivileged_by_default else "0"
    return context.text("unprivileged", default) == "1"


def _check_vmid(context: Context) -> bool:
    """Whether a container is there that a restore with ``force`` may overwrite; anything else has to be free."""
    cluster, vmid = context.cluster, context.vmid
    there = cluster.guests.get(vmid)
    if there is None or there.node != context.node or not (context.flag("restore") and context.flag("force")):
        cluster.check_free(vmid)
        return False
    if there.running:
        raise died("can't overwrite running container")
    if there.options.get("protection") == "1":
        raise died(f"unable to restore CT {vmid} - protection mode enabled")
    return True


def _check_ssh_keys(text: str) -> None:
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


def _check_may_allocate(context: Context, *, overwrites: bool) -> None:
    """The pool exists, and the caller may make guests in it or of that VMID."""
    vmid, pool = context.vmid, context.params.get("pool")
    if pool is not None and pool not in context.cluster.access.pools:
        raise forbidden(f"pool '{pool}' does not exist")
    if context.may(f"/vms/{vmid}", "VM.Allocate"):
        return
    if pool is not None and context.may(f"/pool/{pool}", "VM.Allocate"):
        return
    if not (overwrites and context.may(f"/vms/{vmid}", "VM.Backup")):
        raise forbidden()


def _check_archive(context: Context, *, content: str) -> None:
    """The storage of the archive; whether the file is there, only the task finds out."""
    archive = context.text("ostemplate")
    name, colon, path = archive.partition(":")
    if not colon:
        raise died("Only root can pass arbitrary filesystem paths.")
    if name not in context.cluster.storages:
        raise died(f"storage '{name}' does not exist")
    kind, slash, _ = path.partition("/")
    if not slash:
        raise died(f"unable to parse directory volume name '{path}'")
    if kind != content:
        raise died(f"unable to use volume {archive} - content type needs to be '{content}'")
    if not context.may(f"/storage/{name}", "Datastore.Allocate"):
        context.need(f"/storage/{name}", "Datastore.AllocateSpace", "Datastore.Audit", anyone=True)


def _disks(context: Context, options: dict[str, str]) -> dict[str, str]:
    """``rootfs`` first, then mount points. A bare number is a size on the default storage."""
    default = context.text("storage", "local")
    given = {name: value for name, value in options.items() if name == "rootfs" or name.startswith("mp")}
    if given and "rootfs" not in given:
        raise died("mount points configured, but 'rootfs' not set - aborting")
    disks = {name: f"{default}:{value}" if opt.SIZE.fullmatch(value) else value for name, value in given.items()}
    return {"rootfs": f"{default}:4"} | dict(sorted(disks.items(), key=lambda disk: disk[0] != "rootfs"))


def _check_disks(context: Context, disks: dict[str, str]) -> None:
    for value in disks.values():
        volume = split_properties(value, "volume").get("volume", "")
        if volume.startswith("/"):
            continue  # only root@pam comes so far with one
        name = volume.partition(":")[0]
        storage = context.cluster.storage(name, context.node)
        if "rootdir" not in storage.content:
            raise invalid({"storage": f"storage '{name}' does not support container directories"})
        context.need(f"/storage/{name}", "Datastore.AllocateSpace")


def _complete(context: Context, given: dict[str, str], *, unprivileged: bool) -> dict[str, str]:
    options: dict[str, str] = {}
    opt.apply(context, options, given)
    numbers: Counter[str] = Counter()
    for name in given:
        if name != "rootfs" and not name.startswith("mp"):
            continue
        parts = split_properties(options[name], "volume")
        if match := opt.NEW_VOLUME.fullmatch(parts["volume"]):
            storage = context.cluster.storage(match[1], context.node)
            fresh = split_properties(storage.disk(context.vmid, round(float(match[2]))), "volume")
            fresh["volume"] = fresh["volume"].replace("-disk-0", f"-disk-{numbers[storage.name]}")
            options[name] = join_properties(parts | fresh, first="volume")
            numbers[storage.name] += 1
    options.setdefault("hostname", f"CT{context.vmid}")
    for name, default in (("memory", "512"), ("swap", "512"), ("arch", "amd64"), ("ostype", "debian")):
        options.setdefault(name, default)
    return options | ({"unprivileged": "1"} if unprivileged else {})

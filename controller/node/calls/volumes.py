"""Single volumes of a storage: make a disk, read what one is, delete one (PVE::API2::Storage::Content).

Disks made here belong to nobody's config. The root disk that a container uses is not taken away from it: that task
fails here, where Proxmox VE deletes it. Texts are those of the sources, not measured, where the docstring says so.
"""

from __future__ import annotations

import re

from controller.node import formats
from controller.node.context import Context
from controller.node.errors import Refusal, died, invalid
from controller.node.guest import Guest
from controller.node.parameters import ON_NODE, STORAGE, VMID
from controller.node.schedule import Completion, Steps
from controller.node.schema import Param, Schema
from controller.node.storage import Storage, Volume
from controller.node.tasks import Task

MAKE: Schema = {
    **ON_NODE,
    "storage": Param(required=True, format=formats.storage_id),
    "filename": Param(required=True),
    "format": Param(choices=("raw", "qcow2", "subvol", "vmdk"), requires="size"),
    "size": Param(required=True, pattern=r"\d+[MG]?"),
    "vmid": VMID,
}
READ: Schema = {**ON_NODE, "storage": STORAGE, "volume": Param(required=True)}
DELETE: Schema = {**READ, "delay": Param(kind="integer", minimum=1, maximum=30)}

_FOLDERS = {"vztmpl": "template/cache", "iso": "template/iso", "backup": "dump", "snippets": "snippets"}
_UNITS = {"": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def make(context: Context) -> str:
    """Returns the volume's id at once, without a task. A size without a unit is in KiB."""
    storage = context.cluster.storage(context.text("storage"), context.node)
    name, wanted = context.text("filename"), context.params.get("format")
    if suffix := re.search(r"\.(raw|qcow2|vmdk)$", name):
        if wanted not in (None, suffix[1]):
            raise invalid({"format": f"different storage formats ({wanted} != {suffix[1]})"})
        wanted = suffix[1]
    shape = wanted or "raw"
    volume = f"{storage.name}:{_file(context, storage, name, shape)}"
    guest = context.cluster.guests.get(context.vmid)
    if volume in storage.volumes or any(one.volume == volume for one in context.cluster.guests.values()):
        path = _path(storage, volume)
        there = f"disk image '{path}' already exists"
        raise died(there if storage.directory else f"zfs error: cannot create '{path[1:]}': dataset already exists")
    size = int(context.text("size").rstrip("MG")) * _UNITS[context.text("size").lstrip("0123456789")]
    if storage.directory and shape == "subvol" and size:
        raise died("storage does not support subvol quotas")
    content = "rootdir" if guest is not None and guest.kind == "lxc" else "images"
    now = int(context.cluster.schedule.wall())
    storage.volumes[volume] = Volume(content, shape, size, now, vmid=context.vmid)
    context.cluster.journal.others()
    return volume


def _file(context: Context, storage: Storage, name: str, shape: str) -> str:
    """The volume's name within its storage."""
    if storage.directory:
        if not re.fullmatch(r"[^/]*\.(raw|qcow2|vmdk|subvol)", name):
            raise died(f"unable to parse volume filename '{name}'")
        actual = name.rpartition(".")[2]
        if actual != shape:
            raise died(f"illegal name '{name}' - wrong extension for format ('{actual} != '{shape}')")
        return f"{context.vmid}/{name}"
    kinds = {"raw": "vm", "subvol": "subvol"}
    if shape not in kinds:
        raise died(f"unsupported format '{shape}'")
    if not name.startswith(f"{kinds[shape]}-{context.vmid}-"):
        raise died(f"illegal name '{name}' - should be '{kinds[shape]}-{context.vmid}-*'")
    return name


def _volume_id(context: Context) -> tuple[Storage, str]:
    """The storage may stand in the path, in the volume's id, or in both if they agree."""
    text, named = context.text("volume"), context.params.get("storage")
    name, colon, _ = text.partition(":")
    if not colon:
        return context.cluster.storage(named or "", context.node), f"{named}:{text}"
    if named not in (None, name):
        raise invalid({"volume": f"storage ID mismatch ({name} != {named})\n"})
    return context.cluster.storage(name, context.node), text


def _owner(context: Context, volume: str) -> Guest | None:
    """The guest whose root disk it is."""
    return next((guest for guest in context.cluster.guests.values() if guest.volume == volume), None)


def _path(storage: Storage, volume: str) -> str:
    """Where it lies on the node."""
    name = volume.partition(":")[2]
    if storage.directory is None:
        pool = "rpool/data" if storage.kind == "zfspool" else f"dev/{storage.name}"
        return f"/{pool}/{name.rpartition('/')[2]}"
    kind, _, rest = name.partition("/")
    if kind in _FOLDERS:
        return f"{storage.directory}/{_FOLDERS[kind]}/{rest}"
    if kind.isdecimal():
        return f"{storage.directory}/images/{name}"
    raise died(f"unable to parse directory volume name '{name}'")


def _vmid(storage: Storage, volume: str, owner: Guest | None) -> int | None:
    kept = storage.volumes.get(volume)
    return owner.vmid if owner else kept.vmid if kept else None


def read(context: Context) -> dict[str, object]:
    """The text for one that is not there is not measured."""
    storage, volume = _volume_id(context)
    path, owner = _path(storage, volume), _owner(context, volume)
    place, vmid = f"/storage/{storage.name}", _vmid(storage, volume, owner)
    if not context.may(place, "Datastore.Allocate"):
        if vmid is None:
            context.need(place, "Datastore.AllocateSpace", "Datastore.Audit", anyone=True)
        else:
            context.need(place, "Datastore.Audit")
            context.need(f"/vms/{vmid}", "VM.Config.Disk")
    if kept := storage.volumes.get(volume):
        return {"path": path, "size": kept.size, "used": kept.size, "format": kept.format}
    if owner is None:
        raise died(f"volume_size_info on '{volume}' failed - no format")
    shape = "raw" if volume.endswith(".raw") else "subvol"
    return {"path": path, "size": owner.disk, "used": owner.disk, "format": shape}


def delete(context: Context) -> Steps[str | None]:
    """Returns the UPID; with ``delay`` null if the task ended well within so many seconds."""
    storage, volume = _volume_id(context)
    path, owner = _path(storage, volume), _owner(context, volume)
    context.need(f"/storage/{storage.name}", "Datastore.Allocate")
    vmid = _vmid(storage, volume, owner)
    subject = storage.name if vmid is None else f"{vmid}@{storage.name}"
    task = context.fork("imgdel", subject, lambda task: _free(context, task, storage, volume, path))
    if "delay" not in context.params:
        return task.upid
    schedule = context.cluster.schedule
    ended: Completion[None] = Completion(schedule)
    if task.process is not None:
        task.process.outcome.then(lambda: ended.set(None))
    schedule.at(schedule.now() + context.number("delay", 1), lambda: ended.set(None))
    yield ended
    if task.exit_status is None:
        return task.upid
    if task.exit_status != "OK":
        raise died(task.exit_status)
    return None


def _free(context: Context, task: Task, storage: Storage, volume: str, path: str) -> Steps[None]:
    if any((guest.volume or "").startswith(f"{volume}/") for guest in context.cluster.guests.values()):
        raise died(f"base volume '{volume.partition(':')[2]}' is still in use by linked clones")
    if owner := _owner(context, volume):
        raise _in_use(volume, owner)
    yield from context.work(task, lambda: context.cluster.schedule.timer(context.cluster.seconds("imgdel")))
    if storage.volumes.pop(volume, None) is None:
        task.say(f"disk image '{path}' does not exist")
    else:
        context.cluster.journal.others()
    task.say(f"Removed volume '{volume}'")


def _in_use(volume: str, owner: Guest) -> Refusal:
    return died(f"volume '{volume}' is the root disk of CT {owner.vmid}, destroy that container instead")

"""Whether a storage has room for a disk, and how the task of a disk that finds none ends.

Texts and clean-up are read from the sources (PVE::LXC::create_disks and copy_volume, PVE::Storage::ZFSPoolPlugin), not
measured. Disks are thin everywhere: what counts is what is written, not the size that was asked for.
"""

from __future__ import annotations

from controller.node.cluster import GUEST_BYTES
from controller.node.context import Context
from controller.node.errors import Refusal, died
from controller.node.schedule import Steps
from controller.node.schema import split_properties
from controller.node.storage import Storage
from controller.node.tasks import Fate, Task

_DATASET = "rpool/data"
_NO_SPACE = "No space left on device"


def allocate(context: Context, task: Task, rootfs: str, node: str) -> Steps[None]:
    """Make the disk, under the lock of its storage. Fails if there is nothing left."""
    storage = _storage_of(context, rootfs)
    if storage is None:
        return
    yield from context.cluster.locks.with_storage(storage, node, lambda: None)
    seconds = full_by_fault(task)
    if seconds is not None:
        yield from context.cluster.schedule.pause(seconds)
    elif context.cluster.room(storage, node) > 0:
        return
    raise _not_allocated(task, storage, split_properties(rootfs, "volume")["volume"])


def check_written(context: Context, task: Task, rootfs: str, node: str, *, vmid: int, copied: bool = False) -> None:
    """What was unpacked, or copied from another disk, fits; else whoever wrote it failed half-way."""
    storage = _storage_of(context, rootfs)
    if storage is None or context.cluster.room(storage, node) >= GUEST_BYTES:
        return
    if not copied:
        task.say(f"tar: ./usr/lib: Cannot write: {_NO_SPACE}")
        unpack = f"tar xpf - --zstd --totals -C /var/lib/lxc/{vmid}/rootfs"
        raise died(f"command 'lxc-usernsexec -m u:0:100000:65536 -m g:0:100000:65536 -- {unpack}' failed: exit code 2")
    task.say(f'rsync: [receiver] write failed on "/var/lib/lxc/{vmid}/.copy-volume-1/usr/lib": {_NO_SPACE} (28)')
    raise died(
        "command 'rsync --stats -X -A --numeric-ids -aH --whole-file --sparse --one-file-system '--bwlimit=0' "
        f"/var/lib/lxc/{vmid}/.copy-volume-2/ /var/lib/lxc/{vmid}/.copy-volume-1' failed: exit code 11"
    )


def check_grown(context: Context, task: Task, rootfs: str, *, full: bool) -> None:
    """A disk that grows on a full storage is as large as it was asked for; its file system stays as it was.

    The task only says so in its log: neither a quota of ZFS nor a sparse file takes any room.
    """
    storage = _storage_of(context, rootfs)
    if storage is None or storage.directory is None:
        return
    if full or context.cluster.room(storage, context.node) <= 0:
        path = _path(storage, split_properties(rootfs, "volume")["volume"])
        task.say(f"resize2fs: {_NO_SPACE} while trying to resize {path}")
        task.say(f"Failed to update the container's filesystem: command 'resize2fs {path}' failed: exit code 1")


def full_by_fault(task: Task) -> float | None:
    """Whether a fault says that the storage is full, and after how many seconds; asked once."""
    if task.doom is None or task.doom.fate is not Fate.FULL:
        return None
    doom, task.doom = task.doom, None
    return doom.seconds


def _storage_of(context: Context, rootfs: str) -> Storage | None:
    """None for a disk that lies on no storage, which only root@pam makes."""
    return context.cluster.storages.get(split_properties(rootfs, "volume").get("volume", "").partition(":")[0])


def _path(storage: Storage, volume: str) -> str:
    return f"{storage.directory}/images/{volume.partition(':')[2]}"


def _not_allocated(task: Task, storage: Storage, volume: str) -> Refusal:
    if storage.directory is None:
        dataset = volume.partition(":")[2].rpartition("/")[2]
        return died(f"zfs error: cannot create '{_DATASET}/{dataset}': out of space")
    if volume.endswith(".raw"):
        task.say(f"mkfs.ext4: {_NO_SPACE} while writing out and closing file system")
        options = "-O mmp -E 'root_owner=100000:100000'"
        return died(f"command 'mkfs.ext4 {options} {_path(storage, volume)}' failed: exit code 1")
    return died(f"unable to create subvol '{_path(storage, volume)}' - {_NO_SPACE}")

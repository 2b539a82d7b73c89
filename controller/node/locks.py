"""The locks of a cluster: of config files, of ``user.cfg`` and of storages; and who holds them for how long.

Locks that are written into a config (``lock: create``) are no such thing: they are options of a ``Guest``.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from controller.node.errors import Refusal, died
from controller.node.schedule import Completion, Flock, Schedule, Steps
from controller.node.storage import Storage

T = TypeVar("T")
WAIT_SECONDS = 10.0
"""How long whoever wants a lock waits for it (PVE::Tools::lock_file, PVE::Cluster::cfs_lock)."""


class LockKind(StrEnum):
    CONFIG = "config"
    """The file lock of one container's config, on its node."""
    USERS = "user.cfg"
    """The cluster's lock of users, rights and pools."""
    STORAGE = "storage"
    """Of one storage: the cluster's if it is shared, else its node's. Taken to allocate, clone and free disks."""


class Locks:
    """Each lock by its name. Whoever waited ``WAIT_SECONDS`` for one fails with Proxmox's text."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._configs: dict[int, Flock] = {}
        self._storages: dict[str, Flock] = {}
        self.users = Flock(schedule)

    def config(self, vmid: int) -> Flock:
        return self._configs.setdefault(vmid, Flock(self._schedule))

    def storage(self, storage: Storage, node: str) -> Flock:
        place = storage.name if storage.shared else f"{storage.name} of {node}"
        return self._storages.setdefault(place, Flock(self._schedule))

    def hold(self, lock: Flock, seconds: float | None) -> Callable[[], None]:
        """Somebody else takes the lock, as soon as it is free, and keeps it so long; None: until let go.

        Returns how to let go of it.
        """

        def holder() -> Steps[None]:
            if not (yield from lock.acquire(float("inf"))):
                return
            try:
                if seconds is None:
                    yield Completion[None](self._schedule)
                else:
                    yield from self._schedule.pause(seconds)
            finally:
                lock.release()

        process = self._schedule.spawn(holder())
        return lambda: process.kill(died("the lock was let go"))

    def with_users(self, failed: str, change: Callable[[], T]) -> Steps[T]:
        """Change ``user.cfg``; ``failed`` is what Proxmox says in front of the error."""
        if not (yield from self.users.acquire(WAIT_SECONDS)):
            raise died(f"{failed}: cfs-lock 'file-user_cfg' error: got lock request timeout")
        try:
            return change()
        finally:
            self.users.release()

    def with_storage(self, storage: Storage, node: str, change: Callable[[], T]) -> Steps[T]:
        """Allocate, clone or free a disk (PVE::Storage::Plugin::cluster_lock_storage)."""
        lock = self.storage(storage, node)
        if not (yield from lock.acquire(WAIT_SECONDS)):
            raise storage_timeout(storage)
        try:
            return change()
        finally:
            lock.release()


def storage_timeout(storage: Storage) -> Refusal:
    if storage.shared:
        return died(f"cfs-lock 'storage-{storage.name}' error: got lock request timeout")
    return died(f"can't lock file '/var/lock/pve-manager/pve-storage-{storage.name}' - got timeout")

"""The acts of an administrator, and of bad luck, that a script may contain: what each is told and what it does.

They act through the side door; when they do is the script's business (``script``).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from controller.node.programme import Undo
from controller.node.sidedoor import SideDoor
from controller.node.steps import GuestRef, LastingStep, NodeName, Size, Step, StorageName


class Destroy(Step):
    name = "destroy"
    act: Literal["destroy"]
    guest: GuestRef

    def begin(self, door: SideDoor) -> None:
        door.destroy(door.find(self.guest))


class Stop(Step):
    name = "stop"
    act: Literal["stop"]
    guest: GuestRef

    def begin(self, door: SideDoor) -> None:
        door.stop(door.find(self.guest))


class Start(Step):
    name = "start"
    act: Literal["start"]
    guest: GuestRef

    def begin(self, door: SideDoor) -> None:
        door.start(door.find(self.guest))


class Migrate(Step):
    name = "migrate"
    act: Literal["migrate"]
    guest: GuestRef
    node: NodeName

    def begin(self, door: SideDoor) -> None:
        door.migrate(door.find(self.guest), self.node)


class Add(Step):
    """Somebody else makes a guest."""

    name = "add"
    act: Literal["add"]
    vmid: int = Field(ge=100)
    options: dict[str, str | int] = Field(default_factory=dict)
    node: NodeName | None = None
    kind: Literal["lxc", "qemu"] = "lxc"
    pool: str | None = None
    running: bool = False

    def begin(self, door: SideDoor) -> None:
        options = {name: str(value) for name, value in self.options.items()}
        door.add(self.vmid, options, node=self.node, kind=self.kind, pool=self.pool, running=self.running)


class Configure(Step):
    """Edit the config file; null removes a key. Nothing is checked."""

    name = "set"
    act: Literal["set"]
    guest: GuestRef
    options: dict[str, str | int | None] = Field(min_length=1)

    def begin(self, door: SideDoor) -> None:
        options = {name: None if value is None else str(value) for name, value in self.options.items()}
        door.set(door.find(self.guest), options)


class JoinPool(Step):
    """Into another pool; null: out of its pool."""

    name = "pool"
    act: Literal["pool"]
    guest: GuestRef
    pool: str | None

    def begin(self, door: SideDoor) -> None:
        door.join_pool(door.find(self.guest), self.pool)


class SetLock(LastingStep):
    """Write a lock into the config, as a backup does."""

    name = "lock"
    act: Literal["lock"]
    guest: GuestRef
    lock: str

    def begin(self, door: SideDoor) -> Undo:
        vmid = door.find(self.guest)
        door.lock(vmid, self.lock)
        return lambda: door.unlock(vmid)


class Unlock(Step):
    name = "unlock"
    act: Literal["unlock"]
    guest: GuestRef

    def begin(self, door: SideDoor) -> None:
        door.unlock(door.find(self.guest))


class HoldConfig(LastingStep):
    """Somebody else has the lock of a container's config file."""

    name = "hold-config"
    act: Literal["hold-config"]
    guest: GuestRef

    def begin(self, door: SideDoor) -> Undo:
        return door.hold_config(door.find(self.guest))


class HoldUsers(LastingStep):
    """Somebody else has the cluster's lock of users, rights and pools."""

    name = "hold-users"
    act: Literal["hold-users"]

    def begin(self, door: SideDoor) -> Undo:
        return door.hold_users()


class HoldStorage(LastingStep):
    """Somebody else has the lock of a storage; of a local one on that node, or on all."""

    name = "hold-storage"
    act: Literal["hold-storage"]
    storage: StorageName
    node: NodeName | None = None

    def begin(self, door: SideDoor) -> Undo:
        return door.hold_storage(self.storage, node=self.node)


class FillStorage(LastingStep):
    """Others fill a storage until so many bytes are left; of a local one on that node, or on all."""

    name = "fill-storage"
    act: Literal["fill-storage"]
    storage: StorageName
    node: NodeName | None = None
    free: Size = 0

    def begin(self, door: SideDoor) -> Undo:
        door.fill_storage(self.storage, node=self.node, free=self.free)
        return lambda: door.fill_storage(self.storage, node=self.node, free=None)


class Quorum(LastingStep):
    name = "quorum"
    act: Literal["quorum"]
    quorate: bool

    def begin(self, door: SideDoor) -> Undo:
        door.set_quorum(quorate=self.quorate)
        return lambda: door.set_quorum(quorate=not self.quorate)


class Node(LastingStep):
    """A node goes down, or comes back."""

    name = "node"
    act: Literal["node"]
    node: NodeName
    online: bool

    def begin(self, door: SideDoor) -> Undo:
        door.set_online(self.node, online=self.online)
        return lambda: door.set_online(self.node, online=not self.online)


class Service(LastingStep):
    """A daemon of a node stops, or starts."""

    name = "service"
    act: Literal["service"]
    service: Literal["pvedaemon", "pvestatd"]
    node: NodeName
    running: bool

    def begin(self, door: SideDoor) -> Undo:
        door.set_service(self.node, self.service, running=self.running)
        return lambda: door.set_service(self.node, self.service, running=not self.running)


class Rdp(LastingStep):
    """Desktops fall silent, or answer again: one, or all."""

    name = "rdp"
    act: Literal["rdp"]
    answer: bool
    guest: GuestRef | None = None

    def begin(self, door: SideDoor) -> Undo:
        vmid = None if self.guest is None else door.find(self.guest)
        door.silence_rdp(silent=not self.answer, vmid=vmid)
        return lambda: door.silence_rdp(silent=self.answer, vmid=vmid)


class User(LastingStep):
    name = "user"
    act: Literal["user"]
    user: str
    enabled: bool

    def begin(self, door: SideDoor) -> Undo:
        door.disable_user(self.user, disabled=not self.enabled)
        return lambda: door.disable_user(self.user, disabled=self.enabled)


class Role(LastingStep):
    """A role has other privileges."""

    name = "role"
    act: Literal["role"]
    role: str
    privileges: list[str]

    def begin(self, door: SideDoor) -> Undo:
        before = door.privileges(self.role)
        door.set_role(self.role, frozenset(self.privileges))
        return lambda: door.set_role(self.role, before)


class KillTasks(Step):
    """Every worker of a node is killed, or of all nodes."""

    name = "kill-tasks"
    act: Literal["kill-tasks"]
    node: NodeName | None = None

    def begin(self, door: SideDoor) -> None:
        door.kill_tasks(node=self.node)


class PruneTasks(Step):
    """A node forgets what tasks ended, or all nodes do."""

    name = "prune-tasks"
    act: Literal["prune-tasks"]
    node: NodeName | None = None

    def begin(self, door: SideDoor) -> None:
        door.prune_tasks(node=self.node)


ACTS: dict[str, type[Step]] = {
    act.name: act
    for act in (
        *(Destroy, Stop, Start, Migrate, Add, Configure, JoinPool, SetLock, Unlock),
        *(HoldConfig, HoldUsers, HoldStorage, FillStorage),
        *(Quorum, Node, Service, Rdp, User, Role, KillTasks, PruneTasks),
    )
}
"""Name → act: what stands behind ``act:`` in a script."""

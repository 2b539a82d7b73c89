"""What an administrator, or bad luck, does behind a controller's back; for tests and trials.

It acts at once and asks for no rights. The knobs: rules of faults for calls and their tasks (``faults``); quorum, nodes
and their daemons; locks that somebody else holds; storages that are full; tasks that are killed or forgotten; desktops
that stay silent; rights that go; and every guest. Things that happen later, or for a time, are a ``script``, played as
a ``programme``. The API itself lives in ``dispatch``; the same over HTTP in ``sidedoor_http``.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.node.access import Identity
from controller.node.cluster import Node
from controller.node.dispatch import Dispatcher
from controller.node.faults import Fault
from controller.node.guest import Guest
from controller.node.memory import MemoryEngine
from controller.node.programme import Programme, Undo
from controller.node.storage import Storage


class SideDoor:
    """Raises ``LookupError`` for a VMID, node or pool that is not there."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self.cluster = dispatcher.cluster

    # faults

    def add_fault(self, fault: Fault) -> int:
        return self._dispatcher.faults.add(fault)

    def remove_faults(self, number: int | None = None) -> None:
        self._dispatcher.faults.remove(number)

    def set_quorum(self, *, quorate: bool) -> None:
        self.cluster.quorate = quorate

    @property
    def programme(self) -> Programme:
        """What scripts are still to do, and did."""
        return self._dispatcher.programme

    def set_online(self, node: str, *, online: bool) -> None:
        """A node that is down answers nobody and runs nothing; its containers are stopped when it comes back."""
        self._node(node).online = online
        if online:
            return
        self.kill_tasks(node=node)
        for guest in self.cluster.on(node):
            self.cluster.engine.halt(guest.vmid)

    def kill_task(self, upid: str) -> None:
        """As SIGKILL does: nothing cleans up, locks stay."""
        if upid not in self.cluster.tasks.all:
            raise LookupError(f"there is no task {upid}")
        self.cluster.tasks.kill(self.cluster.tasks.all[upid])

    def kill_tasks(self, *, node: str | None = None) -> None:
        """All that run, of one node or of all."""
        for one in self._nodes(node):
            for task in [*self.cluster.tasks.active.get(one, {}).values()]:
                self.cluster.tasks.kill(task)

    def prune_tasks(self, *, node: str | None = None) -> None:
        """Forget what ended, as after a rotation of the index and the daily clean-up: 'no such task'."""
        for one in self._nodes(node):
            self.cluster.tasks.prune(one)

    def set_service(self, node: str, service: str, *, running: bool) -> None:
        """``pvedaemon``: without it protected calls are 595, tasks go on. ``pvestatd``: without it all that
        ``/cluster/resources`` tells of status and size stays as it is, and is unknown after five minutes.
        """
        if service not in ("pvedaemon", "pvestatd"):
            raise LookupError(f"there is no service {service!r} here; choose one of: pvedaemon, pvestatd")
        setattr(self._node(node), service, running)

    # locks and storages

    def hold_config(self, vmid: int, *, seconds: float | None = None) -> Undo:
        """Somebody else has the lock of a container's config file, whether it exists or not; returns how to let go."""
        return self.cluster.locks.hold(self.cluster.locks.config(vmid), seconds)

    def hold_users(self, *, seconds: float | None = None) -> Undo:
        """Somebody else has the cluster's lock of ``user.cfg``: users, rights and pools."""
        return self.cluster.locks.hold(self.cluster.locks.users, seconds)

    def hold_storage(self, storage: str, *, node: str | None = None, seconds: float | None = None) -> Undo:
        """Somebody else has the lock of a storage; of a local one on one node, or on all."""
        held, locks = self._storage(storage), self.cluster.locks
        flocks = dict.fromkeys(locks.storage(held, one) for one in self._nodes(node))
        releases = [locks.hold(flock, seconds) for flock in flocks]

        def let_go() -> None:
            for release in releases:
                release()

        return let_go

    def fill_storage(self, storage: str, *, node: str | None = None, free: int | None = 0) -> None:
        """Others fill it until so many bytes are left; None: they clear it again. A local one on one node, or all."""
        filled = self._storage(storage)
        for one in self._nodes(node):
            filled.take(one, 0)
            if free is not None:
                filled.take(one, max(0, self.cluster.room(filled, one) - free))

    def set_capacity(self, storage: str, total: int) -> None:
        """Its size in bytes, on each node that has it."""
        self._storage(storage).total = total

    def silence_rdp(self, *, silent: bool, vmid: int | None = None) -> None:
        """Whether running desktops stay silent: one, or all."""
        engine = self.cluster.engine
        if not isinstance(engine, MemoryEngine):
            raise LookupError("only the engine memory can silence a desktop: stop xrdp in the container instead")
        engine.mute(vmid=vmid, silent=silent)

    # containers

    def add(
        self,
        vmid: int,
        options: Mapping[str, str],
        *,
        node: str | None = None,
        kind: str = "lxc",
        pool: str | None = None,
        running: bool = False,
    ) -> None:
        """A guest that somebody else made. ``kind`` is ``lxc`` or ``qemu``."""
        if vmid in self.cluster.guests:
            raise LookupError(f"VMID {vmid} is taken; destroy that guest first or choose another one")
        defaults = {"hostname": f"CT{vmid}", "memory": "512", "swap": "512", "arch": "amd64", "ostype": "debian"}
        guest = Guest(vmid, node or self.cluster.entry, defaults | dict(options), kind=kind)
        self.cluster.add(guest)
        self.join_pool(vmid, pool)
        if running:
            self.start(vmid)

    def find(self, guest: int | str) -> int:
        """The VMID of a guest, by its VMID or its hostname."""
        if isinstance(guest, int):
            return self._guest(guest).vmid
        found = [one.vmid for one in self.cluster.guests.values() if one.name == guest]
        if len(found) != 1:
            raise LookupError(f"there {'are several guests' if found else 'is no guest'} with the hostname {guest!r}")
        return found[0]

    def destroy(self, vmid: int) -> None:
        guest = self._guest(vmid)
        self.cluster.engine.halt(vmid)
        self.cluster.remove(guest)

    def stop(self, vmid: int) -> None:
        """It dies or is stopped by hand."""
        self.cluster.engine.halt(self._guest(vmid).vmid)

    def start(self, vmid: int) -> None:
        self.cluster.engine.boot(self.cluster.blueprint(self._guest(vmid)))

    def set(self, vmid: int, options: Mapping[str, str | None]) -> None:
        """Edit the config file; None removes a key. Nothing is checked."""
        guest = self._guest(vmid)
        merged: dict[str, str | None] = {**guest.options, **options}
        guest.write({name: value for name, value in merged.items() if value is not None})
        self.cluster.changed(guest)

    def lock(self, vmid: int, lock: str) -> None:
        self.cluster.set_lock(self._guest(vmid), lock)

    def unlock(self, vmid: int) -> None:
        """``pct unlock``."""
        self.cluster.set_lock(self._guest(vmid), None)

    def migrate(self, vmid: int, node: str) -> None:
        """To another node, at once; it goes on running."""
        guest = self._guest(vmid)
        guest.node = self._node(node).name
        self.cluster.changed(guest)

    def join_pool(self, vmid: int, pool: str | None) -> None:
        self._guest(vmid)
        access = self.cluster.access
        if pool is None:
            access.leave_pool(vmid)
        elif pool not in access.pools:
            raise LookupError(f"there is no pool {pool!r}; there are: {', '.join(access.pools)}")
        else:
            access.join_pool(vmid, pool)

    def containers(self) -> dict[int, dict[str, object]]:
        """Every guest as it is, whatever the API would show: raw config, node, pool, whether it runs, its addresses."""
        return {
            vmid: {
                "node": guest.node,
                "kind": guest.kind,
                "running": guest.running,
                "pool": self.cluster.access.pool_of.get(vmid),
                "digest": guest.digest,
                "addresses": self.cluster.engine.addresses(vmid),
                "config": dict(guest.options),
            }
            for vmid, guest in sorted(self.cluster.guests.items())
        }

    # rights

    def disable_user(self, user: str, *, disabled: bool) -> None:
        if user not in self.cluster.access.users:
            raise LookupError(f"there is no user {user!r}; there are: {', '.join(self.cluster.access.users)}")
        self.cluster.access.users[user].enabled = not disabled

    def privileges(self, role: str) -> frozenset[str]:
        if role not in self.cluster.access.roles:
            raise LookupError(f"there is no role {role!r}; there are: {', '.join(self.cluster.access.roles)}")
        return self.cluster.access.roles[role]

    def set_role(self, role: str, privileges: frozenset[str]) -> None:
        """Give or take rights of everybody with that role, such as ``WinuxController``."""
        self.cluster.access.roles[role] = privileges
        self.cluster.access.changed()

    # statistics

    def stats(self) -> dict[str, object]:
        return self._dispatcher.census.as_json()

    def forget_stats(self) -> None:
        self._dispatcher.census.forget()

    def may_use(self, who: Identity) -> bool:
        """Over HTTP the door opens to all rights only."""
        return self.cluster.access.has(who, "/", "Sys.Modify")

    def _guest(self, vmid: int) -> Guest:
        if vmid not in self.cluster.guests:
            raise LookupError(f"there is no guest {vmid}")
        return self.cluster.guests[vmid]

    def _node(self, name: str) -> Node:
        if name not in self.cluster.nodes:
            raise LookupError(f"there is no node {name!r}; there are: {', '.join(self.cluster.nodes)}")
        return self.cluster.nodes[name]

    def _nodes(self, name: str | None) -> list[str]:
        return [*self.cluster.nodes] if name is None else [self._node(name).name]

    def _storage(self, name: str) -> Storage:
        if name not in self.cluster.storages:
            raise LookupError(f"there is no storage {name!r}; there are: {', '.join(self.cluster.storages)}")
        return self.cluster.storages[name]

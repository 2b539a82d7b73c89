"""What an administrator, or bad luck, does behind a controller's back; for tests and trials.

It acts at once and asks for no rights. The API itself lives in ``dispatch``; the same over HTTP in ``sidedoor_http``.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.node.access import Identity
from controller.node.dispatch import Dispatcher
from controller.node.faults import Fault
from controller.node.guest import Guest


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

    def set_online(self, node: str, *, online: bool) -> None:
        """A node that is down answers nobody and runs nothing; its containers are stopped when it comes back."""
        self.cluster.nodes[node].online = online
        if online:
            return
        for task in [*self.cluster.tasks.active.get(node, {}).values()]:
            self.cluster.tasks.kill(task)
        for guest in self.cluster.on(node):
            self.cluster.engine.halt(guest.vmid)

    def kill_task(self, upid: str) -> None:
        """As SIGKILL does: nothing cleans up, locks stay."""
        self.cluster.tasks.kill(self.cluster.tasks.all[upid])

    def silence_rdp(self, *, silent: bool, vmid: int | None = None) -> None:
        """Whether running desktops stay silent: one, or all."""
        self.cluster.engine.mute(vmid=vmid, silent=silent)

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
        if pool is not None:
            self.cluster.access.join_pool(vmid, pool)
        if running:
            self.start(vmid)

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
        if node not in self.cluster.nodes:
            raise LookupError(f"there is no node {node!r}; there are: {', '.join(self.cluster.nodes)}")
        guest = self._guest(vmid)
        guest.node = node
        self.cluster.changed(guest)

    def join_pool(self, vmid: int, pool: str | None) -> None:
        self._guest(vmid)
        if pool is None:
            self.cluster.access.leave_pool(vmid)
        else:
            self.cluster.access.join_pool(vmid, pool)

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
        self.cluster.access.users[user].enabled = not disabled

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

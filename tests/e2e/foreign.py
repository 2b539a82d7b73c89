"""Containers that are none of the controller's business, and whether they are as they were, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass

from tests.e2e.pve import Administrator, Container

MARKER = """\
Winux session {session}, made by winux-controller and destroyed when its time is up.

winux.dev/controller: {controller}
winux.dev/session: {session}
winux.dev/uid: {uid}
winux.dev/vmid: {vmid}
winux.dev/accepted-at: 2026-01-01T00:00:00Z"""
NET = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:{:02X},ip=dhcp,type=veth"
UID = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e"


def marker(vmid: int, *, session: str, controller: str = "default", uid: str = UID) -> str:
    return MARKER.format(vmid=vmid, session=session, controller=controller, uid=uid)


@dataclass(frozen=True)
class _Seen:
    """``config`` is the answer of Proxmox's API."""

    config: bytes
    pool: str | None
    options: dict[str, str]


class Foreigners:
    """A zoo of containers that look like the controller's and are not. They are watched from when they were added."""

    def __init__(self, admin: Administrator) -> None:
        self._admin = admin
        self._seen: dict[int, _Seen] = {}
        self._since: dict[int, int] = {}
        """How many calls of controllers that were not GETs there were before."""

    def settle_in(self) -> None:
        """The usual ones, in the upper end of the default range of VMIDs."""
        pool = self._admin.pool
        self.add(30990, hostname="in-the-range")
        self.add(30991, pool=pool, hostname="in-the-pool")
        self.add(30992, pool=pool, hostname="alice", description="somebody's alice")
        self.add(30993, pool=pool, hostname="alice", description=marker(30993, session="alice", controller="other"))
        self.add(30994, pool=pool, hostname="alice", description=marker(30001, session="alice"))
        self.add(30995, hostname="alice", description=marker(30995, session="alice"))
        self.add(30996, pool=pool, running=False, hostname="stopped", protection="1")
        self.add(30997, pool=pool, hostname="alice", description=marker(30997, session="alice", uid="no uid"))

    def add(self, vmid: int, *, pool: str | None = None, running: bool = True, **options: str) -> None:
        self._admin.add(vmid, pool=pool, running=running, net0=NET.format(vmid % 256), **options)
        self.watch(vmid)

    def watch(self, vmid: int) -> None:
        """Have an eye on one that is there."""
        self._seen[vmid] = self._look(self._admin.containers()[vmid])
        self._since[vmid] = len(self._admin.writes())

    def forget(self, vmid: int) -> None:
        """Its owner is about to do something with it."""
        del self._seen[vmid], self._since[vmid]

    def _look(self, container: Container) -> _Seen:
        return _Seen(self._admin.raw_config(container), container.pool, dict(container.options))

    def beside(self) -> dict[int, Container]:
        """Every container that is not one of these: what controllers made, marked or not."""
        return {vmid: one for vmid, one in self._admin.containers().items() if vmid not in self._seen}

    def check_untouched(self) -> None:
        """As they were, and never written to: not even by a call that was refused."""
        containers = self._admin.containers()
        assert self._seen.keys() <= containers.keys(), "a foreign container is gone"
        assert {vmid: self._look(containers[vmid]) for vmid in self._seen} == self._seen
        writes = self._admin.writes()
        for vmid, before in self._since.items():
            assert [write for write in writes[before:] if write.vmid == vmid] == []

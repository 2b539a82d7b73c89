"""Does something around every call of a port: what limits and instruments have in common. Decides nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from controller.core.egress import Found, Rule
from controller.proxmox.port import (
    CloneRequest,
    ContainerConfig,
    ContainerStatus,
    CreateRequest,
    NodeRow,
    Proxmox,
    ResourceRow,
    StorageRow,
    TaskRow,
)
from controller.proxmox.upid import Upid


class Around:
    """A port around a port. Each call runs inside ``around``; node and VMID are None where it is about none."""

    def __init__(self, port: Proxmox) -> None:
        self._port = port

    def around(self, operation: str, node: str | None, vmid: int | None = None) -> AbstractContextManager[object]:
        raise NotImplementedError

    def version(self) -> str:
        with self.around("version", None):
            return self._port.version()

    def permissions(self, paths: Sequence[str] = ()) -> Mapping[str, frozenset[str]]:
        with self.around("permissions", None):
            return self._port.permissions(paths)

    def nodes(self) -> tuple[NodeRow, ...]:
        with self.around("nodes", None):
            return self._port.nodes()

    def token_expiry(self) -> float | None:
        with self.around("token_expiry", None):
            return self._port.token_expiry()

    def storages(self, node: str) -> tuple[StorageRow, ...]:
        with self.around("storages", node):
            return self._port.storages(node)

    def archives(self, node: str, storage: str) -> tuple[str, ...]:
        with self.around("archives", node):
            return self._port.archives(node, storage)

    def pools(self) -> tuple[str, ...]:
        with self.around("pools", None):
            return self._port.pools()

    def bridges(self, node: str) -> tuple[str, ...]:
        with self.around("bridges", node):
            return self._port.bridges(node)

    def resources(self) -> tuple[ResourceRow, ...]:
        with self.around("resources", None):
            return self._port.resources()

    def active_tasks(self, node: str) -> tuple[TaskRow, ...]:
        with self.around("active_tasks", node):
            return self._port.active_tasks(node)

    def task_status(self, upid: str) -> TaskRow | None:
        with self.around("task_status", *_whose(upid)):
            return self._port.task_status(upid)

    def task_log(self, upid: str, *, lines: int = 20) -> tuple[str, ...]:
        with self.around("task_log", *_whose(upid)):
            return self._port.task_log(upid, lines=lines)

    def find_tasks(self, node: str, *, vmid: int | None, since: float) -> tuple[TaskRow, ...]:
        with self.around("find_tasks", node, vmid):
            return self._port.find_tasks(node, vmid=vmid, since=since)

    def vmid_is_free(self, vmid: int) -> bool:
        with self.around("vmid_is_free", None, vmid):
            return self._port.vmid_is_free(vmid)

    def config(self, node: str, vmid: int) -> ContainerConfig:
        with self.around("config", node, vmid):
            return self._port.config(node, vmid)

    def status(self, node: str, vmid: int) -> ContainerStatus:
        with self.around("status", node, vmid):
            return self._port.status(node, vmid)

    def addresses(self, node: str, vmid: int) -> tuple[str, ...]:
        with self.around("addresses", node, vmid):
            return self._port.addresses(node, vmid)

    def create(self, node: str, request: CreateRequest) -> str:
        with self.around("create", node, request.vmid):
            return self._port.create(node, request)

    def clone(self, node: str, template: int, request: CloneRequest) -> str:
        with self.around("clone", node, request.vmid):
            return self._port.clone(node, template, request)

    def update(self, node: str, vmid: int, changes: Mapping[str, str | int], *, digest: str) -> None:
        with self.around("update", node, vmid):
            self._port.update(node, vmid, changes, digest=digest)

    def firewall(self, node: str, vmid: int) -> Found:
        with self.around("firewall", node, vmid):
            return self._port.firewall(node, vmid)

    def set_firewall_options(self, node: str, vmid: int, options: Mapping[str, str]) -> None:
        with self.around("set_firewall_options", node, vmid):
            self._port.set_firewall_options(node, vmid, options)

    def add_firewall_rule(self, node: str, vmid: int, rule: Rule) -> None:
        with self.around("add_firewall_rule", node, vmid):
            self._port.add_firewall_rule(node, vmid, rule)

    def remove_firewall_rule(self, node: str, vmid: int, position: int) -> None:
        with self.around("remove_firewall_rule", node, vmid):
            self._port.remove_firewall_rule(node, vmid, position)

    def resize(self, node: str, vmid: int, disk_gib: int, *, digest: str) -> str:
        with self.around("resize", node, vmid):
            return self._port.resize(node, vmid, disk_gib, digest=digest)

    def start(self, node: str, vmid: int) -> str:
        with self.around("start", node, vmid):
            return self._port.start(node, vmid)

    def shutdown(self, node: str, vmid: int, *, timeout: int) -> str:
        with self.around("shutdown", node, vmid):
            return self._port.shutdown(node, vmid, timeout=timeout)

    def delete(self, node: str, vmid: int) -> str:
        with self.around("delete", node, vmid):
            return self._port.delete(node, vmid)


def _whose(upid: str) -> tuple[str | None, int | None]:
    """Node and VMID of a task."""
    try:
        parsed = Upid.parse(upid)
    except ValueError:
        return None, None  # the port refuses it in its own words
    return parsed.node, int(parsed.id) if parsed.id.isdecimal() else None

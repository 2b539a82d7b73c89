"""The port ``controller.proxmox.port.Proxmox`` over HTTPS, through proxmoxer.

Says which call asks for what. How calls travel is in ``controller.proxmox.transport``, how answers are read in
``controller.proxmox.answers`` and what refusals mean in ``controller.proxmox.classify``.
"""

from __future__ import annotations

import dataclasses
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from requests.adapters import BaseAdapter

from controller.core.egress import Found, Rule
from controller.engine.clock import Clock, SystemClock
from controller.proxmox import answers
from controller.proxmox.classify import Attempt, answered, bad_request, error_of, lost
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.port import (
    BadRequest,
    CloneRequest,
    ContainerConfig,
    ContainerStatus,
    CreateRequest,
    Forbidden,
    NodeDown,
    NodeRow,
    ProxmoxError,
    ResourceRow,
    StorageRow,
    TaskRow,
)
from controller.proxmox.transport import (
    UNANSWERED,
    Connection,
    Hidden,
    Malformed,
    Parameters,
    Refusal,
    timed_out,
    unanswered,
)
from controller.proxmox.upid import Upid

_T = TypeVar("_T")
_Path = tuple[str | int, ...]

_ALL_TASKS = 1000
"""More than a node's active list (running ones and 25) or a container's tasks ever are; the default is 50."""
_ALL_LINES = 20_000


class ProxmoxAdapter:
    """The Proxmox VE API behind one endpoint. Each thread has its own connection, as proxmoxer needs it.

    ``transport`` takes the place of the network, for simulations: a requests adapter that all threads share.
    """

    def __init__(self, endpoint: Endpoint, *, transport: BaseAdapter | None = None, clock: Clock | None = None) -> None:
        self._endpoint = endpoint
        self._transport = transport
        self._clock = clock or SystemClock()
        self._of_thread = threading.local()
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._lock = threading.Lock()

    def use_secret(self, token_secret: str) -> None:
        """Another secret of the same token, such as a regenerated one; calls that are on their way keep the old."""
        self._endpoint = dataclasses.replace(self._endpoint, token_secret=token_secret)
        self._of_thread = threading.local()

    def close(self) -> None:
        """Close what idles; a later call would connect again."""
        with self._lock:
            connections = tuple(self._connections)
        for connection in connections:
            connection.close()

    # reads

    def version(self) -> str:
        attempt = Attempt(operation="version", what="read the version")
        return self._get(attempt, ("version",), answers.release)

    def permissions(self, paths: Sequence[str] = ()) -> Mapping[str, frozenset[str]]:
        attempt = Attempt(operation="permissions", what="read the rights of the token")
        if not paths:
            return self._get(attempt, ("access", "permissions"), answers.inherited_rights)
        return {
            path: self._get(attempt, ("access", "permissions"), partial(answers.rights_on, path), {"path": path})
            for path in paths
        }

    def nodes(self) -> tuple[NodeRow, ...]:
        attempt = Attempt(operation="nodes", what="list the nodes")
        return self._get(attempt, ("nodes",), answers.each(answers.node_row))

    def token_expiry(self) -> float | None:
        attempt = Attempt(operation="token_expiry", what="read when the token expires")
        endpoint = self._endpoint
        read = partial(answers.token_expiry, user=endpoint.user, token_name=endpoint.token_name)
        # Not …/token/{tokenid}: that needs User.Modify, for "self" there is the user alone (PVE::RPCEnvironment).
        ends = self._get(attempt, ("access", "users"), read, {"full": 1})
        if ends is None:
            needed = f"Sys.Audit on /access/groups, or on a group that {endpoint.user} is in"
            raise error_of(Forbidden, f"Could not {attempt.what}: it needs {needed}", attempt)
        return min(ends, default=None)

    def storages(self, node: str) -> tuple[StorageRow, ...]:
        attempt = Attempt(operation="storages", what=f"list the storages of {node}", node=node)
        return self._get(attempt, ("nodes", node, "storage"), answers.each(answers.storage_row), {"enabled": 1})

    def archives(self, node: str, storage: str) -> tuple[str, ...]:
        attempt = Attempt(operation="archives", what=f"list the archives in storage {storage} on {node}", node=node)
        path = ("nodes", node, "storage", storage, "content")
        return self._get(attempt, path, answers.each(partial(answers.text, key="volid")), {"content": "vztmpl"})

    def pools(self) -> tuple[str, ...]:
        attempt = Attempt(operation="pools", what="list the pools")
        return self._get(attempt, ("pools",), answers.each(partial(answers.text, key="poolid")))

    def bridges(self, node: str) -> tuple[str, ...]:
        attempt = Attempt(operation="bridges", what=f"list the bridges of {node}", node=node)
        path = ("nodes", node, "network")
        return self._get(attempt, path, answers.each(partial(answers.text, key="iface")), {"type": "any_bridge"})

    def resources(self) -> tuple[ResourceRow, ...]:
        attempt = Attempt(operation="resources", what="list the guests")
        return self._get(attempt, ("cluster", "resources"), answers.each(answers.resource_row), {"type": "vm"})

    def active_tasks(self, node: str) -> tuple[TaskRow, ...]:
        attempt = Attempt(operation="active_tasks", what=f"list the active tasks of {node}", node=node)
        parameters: Parameters = {"source": "active", "limit": _ALL_TASKS}
        return self._get(attempt, ("nodes", node, "tasks"), self._own_tasks, parameters)

    def find_tasks(self, node: str, *, vmid: int | None, since: float) -> tuple[TaskRow, ...]:
        what = f"list the tasks of {node}" if vmid is None else f"list the tasks of container {vmid} on {node}"
        attempt = Attempt(operation="find_tasks", what=what, node=node, vmid=vmid)
        # tasks tell whole seconds: one that started later in the second of ``since`` counts
        parameters: dict[str, str | int] = {"source": "all", "since": int(since), "limit": _ALL_TASKS}
        if vmid is not None:
            parameters["vmid"] = vmid
        found = self._get(attempt, ("nodes", node, "tasks"), self._own_tasks, parameters)
        return tuple(task for task in found if vmid is None or task.id == str(vmid))

    def task_status(self, upid: str) -> TaskRow | None:
        attempt, path = self._task(upid, operation="task_status", what="read the status of")
        try:
            return self._get(attempt, (*path, "status"), answers.task_status)
        except BadRequest as error:
            if error.errors.get("upid") == "no such task":
                return None
            raise

    def task_log(self, upid: str, *, lines: int = 20) -> tuple[str, ...]:
        attempt, path = self._task(upid, operation="task_log", what="read the log of")
        return self._get(attempt, (*path, "log"), partial(answers.log_lines, last=lines), {"limit": _ALL_LINES})

    def vmid_is_free(self, vmid: int) -> bool:
        attempt = Attempt(operation="vmid_is_free", what=f"look up whether VMID {vmid} is free", vmid=vmid)
        try:
            self._get(attempt, ("cluster", "nextid"), answers.nothing, {"vmid": vmid})
        except BadRequest as error:
            if error.errors.get("vmid", "").endswith("already exists"):
                return False
            raise
        return True

    def config(self, node: str, vmid: int) -> ContainerConfig:
        attempt = _on(node, vmid, operation="config", what="read the configuration of")
        return self._get(attempt, _guest(node, vmid, "config"), partial(answers.container_config, node=node, vmid=vmid))

    def status(self, node: str, vmid: int) -> ContainerStatus:
        attempt = _on(node, vmid, operation="status", what="read the status of")
        return self._get(attempt, _guest(node, vmid, "status", "current"), answers.container_status)

    def firewall(self, node: str, vmid: int) -> Found:
        attempt = _on(node, vmid, operation="firewall", what="read the firewall of")
        return Found(
            options=self._get(attempt, _guest(node, vmid, "firewall", "options"), answers.firewall_options),
            rules=self._get(attempt, _guest(node, vmid, "firewall", "rules"), answers.firewall_rules),
        )

    def addresses(self, node: str, vmid: int) -> tuple[str, ...]:
        attempt = _on(node, vmid, operation="addresses", what="read the addresses of")
        return self._get(attempt, _guest(node, vmid, "interfaces"), answers.guest_addresses)

    # writes

    def create(self, node: str, request: CreateRequest) -> str:
        attempt = _on(node, request.vmid, operation="create", what="create", write=True)
        return self._call(attempt, "POST", ("nodes", node, "lxc"), answers.upid, _create_parameters(request))

    def clone(self, node: str, template: int, request: CloneRequest) -> str:
        what = f"clone template {template} on {node} to container {request.vmid}"
        attempt = Attempt(operation="clone", what=what, write=True, node=node, vmid=request.vmid)
        parameters: dict[str, str | int] = {
            "newid": request.vmid,
            "hostname": request.hostname,
            "description": request.description,
            "pool": request.pool,
            "full": request.full,
        }
        if request.storage is not None and request.full:
            parameters["storage"] = request.storage
        if request.target is not None and request.target != node:
            parameters["target"] = request.target
        return self._call(attempt, "POST", _guest(node, template, "clone"), answers.upid, parameters)

    def update(self, node: str, vmid: int, changes: Mapping[str, str | int], *, digest: str) -> None:
        """A ``BadRequest`` may have been carried out in part: changes are applied one by one (PVE::LXC::Config)."""
        attempt = _on(node, vmid, operation="update", what="change the configuration of", write=True)
        self._call(attempt, "PUT", _guest(node, vmid, "config"), answers.nothing, {**changes, "digest": digest})

    def set_firewall_options(self, node: str, vmid: int, options: Mapping[str, str]) -> None:
        attempt = _on(node, vmid, operation="set_firewall_options", what="set the firewall of", write=True)
        self._call(attempt, "PUT", _guest(node, vmid, "firewall", "options"), answers.nothing, {**options})

    def add_firewall_rule(self, node: str, vmid: int, rule: Rule) -> None:
        attempt = _on(node, vmid, operation="add_firewall_rule", what="add a rule to the firewall of", write=True)
        parameters: dict[str, str | int] = {"type": rule.direction, "action": rule.action, "enable": 1}
        given = {"dest": rule.destination, "proto": rule.protocol, "dport": rule.ports}
        parameters.update({name: value for name, value in given.items() if value})
        self._call(attempt, "POST", _guest(node, vmid, "firewall", "rules"), answers.nothing, parameters)

    def remove_firewall_rule(self, node: str, vmid: int, position: int) -> None:
        attempt = _on(node, vmid, operation="remove_firewall_rule", what="remove a firewall rule of", write=True)
        self._call(attempt, "DELETE", _guest(node, vmid, "firewall", "rules", str(position)), answers.nothing, {})

    def resize(self, node: str, vmid: int, disk_gib: int, *, digest: str) -> str:
        attempt = _on(node, vmid, operation="resize", what="grow the disk of", write=True)
        parameters: dict[str, str | int] = {"disk": "rootfs", "size": f"{disk_gib}G", "digest": digest}
        return self._call(attempt, "PUT", _guest(node, vmid, "resize"), answers.upid, parameters)

    def start(self, node: str, vmid: int) -> str:
        attempt = _on(node, vmid, operation="start", what="start", write=True)
        return self._call(attempt, "POST", _guest(node, vmid, "status", "start"), answers.upid, {})

    def shutdown(self, node: str, vmid: int, *, timeout: int) -> str:
        attempt = _on(node, vmid, operation="shutdown", what="shut down", write=True)
        path = _guest(node, vmid, "status", "shutdown")
        return self._call(attempt, "POST", path, answers.upid, {"timeout": timeout})

    def delete(self, node: str, vmid: int) -> str:
        attempt = _on(node, vmid, operation="delete", what="destroy", write=True)
        return self._call(attempt, "DELETE", _guest(node, vmid), answers.upid, {"force": 1, "purge": 1})

    # how

    def _own_tasks(self, data: object) -> tuple[TaskRow, ...]:
        return answers.listed_tasks(data, token_id=self._endpoint.token_id)

    def _task(self, upid: str, *, operation: str, what: str) -> tuple[Attempt, _Path]:
        attempt = Attempt(operation=operation, what=f"{what} task {upid}")
        try:
            node = Upid.parse(upid).node
        except ValueError as error:
            raise bad_request(f"Could not {attempt.what}: {error}", attempt, {"upid": str(error)}) from None
        return Attempt(operation=operation, what=f"{what} task {upid}", node=node), ("nodes", node, "tasks", upid)

    def _get(
        self, attempt: Attempt, path: _Path, read: Callable[[object], _T], parameters: Parameters | None = None
    ) -> _T:
        return self._call(attempt, "GET", path, read, parameters or {})

    def _call(
        self, attempt: Attempt, method: str, path: _Path, read: Callable[[object], _T], parameters: Parameters
    ) -> _T:
        failure: ProxmoxError
        for again in (not attempt.write, False):
            try:
                return read(self._connection().send(method, path, parameters))
            except Refusal as refusal:
                failure = answered(attempt, refusal.status, refusal.text, refusal.errors)
                break
            except Malformed as malformed:
                failure = lost(f"{self._endpoint.url} gave no usable answer to {attempt.what}: {malformed}", attempt)
                break
            except UNANSWERED as error:
                failure = unanswered(attempt, error, self._endpoint)
                # Proxmox may close a kept connection just when it is used again
                if not again or timed_out(error) or isinstance(failure, NodeDown):
                    break
        # not from inside the handlers: requests' errors hold the whole request, with password and token
        raise failure

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = Connection(self._endpoint, clock=self._clock, transport=self._transport)
            self._of_thread.connection = connection
            with self._lock:
                self._connections.add(connection)
        return connection


def _on(node: str, vmid: int, *, operation: str, what: str, write: bool = False) -> Attempt:
    return Attempt(operation=operation, what=f"{what} container {vmid} on {node}", write=write, node=node, vmid=vmid)


def _guest(node: str, vmid: int, *parts: str) -> _Path:
    return ("nodes", node, "lxc", vmid, *parts)


def _create_parameters(request: CreateRequest) -> dict[str, str | int]:
    parameters: dict[str, str | int] = {
        "vmid": request.vmid,
        "ostemplate": request.archive,
        # a bare number is understood for root@pam only (PVE::LXC::check_ct_modify_config_perm)
        "rootfs": f"{request.storage}:{request.disk_gib}",
        "cores": request.cores,
        "memory": request.memory_mib,
        "hostname": request.hostname,
        "description": request.description,
        "net0": request.net0,
        "pool": request.pool,
        "unprivileged": 1,
        "protection": 1,
    }
    if request.nameservers:
        parameters["nameserver"] = " ".join(request.nameservers)
    if request.nesting:
        parameters["features"] = "nesting=1"
    if request.password is not None:
        parameters["password"] = Hidden(request.password)
    if request.ssh_public_keys is not None:
        parameters["ssh-public-keys"] = request.ssh_public_keys
    if request.start:
        parameters["start"] = 1
    return parameters

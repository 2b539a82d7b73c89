"""What the controller asks of Proxmox VE, and the errors that may come back.

A small synchronous Protocol with one implementation (``controller.proxmox.adapter``). Every error is typed once,
there; nothing above ever reads a status code or a text of Proxmox's. Sizes as in ``controller.core.model``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from controller.core.egress import Found, Rule


class ProxmoxError(Exception):
    """A call failed. ``str()`` is one sentence for people, without secrets.

    Unless it is an ``OutcomeUnknown`` (or says otherwise), a failed write was not carried out.
    """

    reason = "ProxmoxError"
    """The reason code of events and the outcome label of metrics."""

    def __init__(self, message: str, *, operation: str = "", node: str | None = None, vmid: int | None = None) -> None:
        super().__init__(message)
        self.operation = operation
        self.node = node
        self.vmid = vmid


class NotFound(ProxmoxError):
    """Proven absence: Proxmox said that this container has no configuration on that node.

    After a migration the other node has it: look the node up before believing in an end.
    """

    reason = "NotFound"


class AlreadyExists(ProxmoxError):
    """The VMID is taken, by whomever."""

    reason = "AlreadyExists"


class Locked(ProxmoxError):
    """Another operation holds the container, its config file, a storage or a cluster file; ``lock`` names it."""

    reason = "Locked"

    def __init__(
        self, message: str, *, lock: str, operation: str = "", node: str | None = None, vmid: int | None = None
    ) -> None:
        super().__init__(message, operation=operation, node=node, vmid=vmid)
        self.lock = lock


class Conflict(ProxmoxError):
    """The config is no longer the one whose digest was given."""

    reason = "Conflict"


class Protected(ProxmoxError):
    """The container has ``protection: 1``: it was not deleted."""

    reason = "Protected"


class AlreadyRunning(ProxmoxError):
    """Start of a container that runs."""

    reason = "AlreadyRunning"


class NotRunning(ProxmoxError):
    """Stop or shutdown of a container that does not run, or is not there at all: proves nothing."""

    reason = "NotRunning"


class NoQuorum(ProxmoxError):
    """The cluster (or this node of it) cannot write now."""

    reason = "NoQuorum"


class Forbidden(ProxmoxError):
    """The token lacks a right there, or the container left the pool that gave it: never a proof of absence."""

    reason = "Forbidden"


class Unauthorized(ProxmoxError):
    """The token itself is refused: wrong, expired, disabled or deleted."""

    reason = "Unauthorized"


class BadRequest(ProxmoxError):
    """A parameter was refused; ``errors`` maps its name to Proxmox's text."""

    reason = "BadRequest"

    def __init__(
        self,
        message: str,
        *,
        errors: Mapping[str, str],
        operation: str = "",
        node: str | None = None,
        vmid: int | None = None,
    ) -> None:
        super().__init__(message, operation=operation, node=node, vmid=vmid)
        self.errors = dict(errors)


class NodeDown(ProxmoxError):
    """No connection could be made: the call never reached anyone."""

    reason = "NodeDown"


class Untrusted(NodeDown):
    """The server's certificate is not the one expected, or the CA file cannot be read: nothing was sent."""

    reason = "Untrusted"


class OutcomeUnknown(ProxmoxError):
    """A write was sent and its answer lost (time-out, reset, 596): it may have been carried out, or still will be."""

    reason = "OutcomeUnknown"


class Transient(ProxmoxError):
    """Any other failure: nothing is known to be wrong with the request, try again later."""

    reason = "Transient"


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """A guest as ``/cluster/resources`` shows it. Existence, lock, pool and node are live; the rest lags ~10 s."""

    vmid: int
    node: str
    kind: str
    """``lxc`` or ``qemu``."""
    status: str
    """``running``, ``stopped`` or ``unknown``; up to 10 s old, and a former guest's for a reused VMID."""
    name: str | None
    pool: str | None
    lock: str | None
    template: bool
    maxcpu: int | None
    maxmem_mib: int | None


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task of our token. ``exit_status`` is None while it runs."""

    upid: str
    node: str
    kind: str
    """``vzcreate``, ``vzclone``, ``vzstart``, ``vzdestroy`` …"""
    id: str
    """The VMID as text; the *source's* for a ``vzclone``."""
    started: int
    """Unix seconds by the node's clock."""
    exit_status: str | None

    @property
    def running(self) -> bool:
        return self.exit_status is None

    @property
    def ok(self) -> bool:
        """``OK`` and ``WARNINGS: n`` are success (PVE::UPID::status_is_error)."""
        return self.exit_status is not None and (self.exit_status == "OK" or self.exit_status.startswith("WARNINGS: "))


@dataclass(frozen=True, slots=True)
class ContainerConfig:
    """A live configuration. ``digest`` hashes its content: equal content has equal digests."""

    node: str
    vmid: int
    digest: str
    description: str
    """Without the newline that Proxmox appends."""
    hostname: str | None
    cores: int | None
    memory_mib: int | None
    disk_gib: int | None
    """Size of the root disk, None where the config does not tell."""
    protection: bool
    lock: str | None
    template: bool
    net0: str | None
    raw: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContainerStatus:
    """``status/current``: live, but costly (80 ms on the real thing)."""

    status: str
    lock: str | None


@dataclass(frozen=True, slots=True)
class NodeRow:
    name: str
    online: bool


@dataclass(frozen=True, slots=True)
class StorageRow:
    name: str
    content: frozenset[str]
    """What it may hold: ``rootdir`` for disks of containers, ``vztmpl`` for archives …"""
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """A new container from an archive. Always unprivileged, always with ``protection: 1``."""

    vmid: int
    archive: str
    storage: str
    disk_gib: int
    cores: int
    memory_mib: int
    hostname: str
    description: str
    net0: str
    """As Proxmox writes it: ``name=eth0,bridge=vmbr0,ip=dhcp``."""
    nameservers: tuple[str, ...]
    pool: str
    nesting: bool
    password: str | None
    """Of root. Travels in the request body over TLS only, and is hidden from ``repr``."""
    ssh_public_keys: str | None = None
    """For root's ``authorized_keys``."""
    start: bool
    """Start it when the create is done. The create's task then ends OK even if the start fails."""

    def __repr__(self) -> str:
        return f"CreateRequest(vmid={self.vmid}, hostname={self.hostname!r}, archive={self.archive!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneRequest:
    """A clone of a container template; takes no password and no tags, and copies the template's network."""

    vmid: int
    hostname: str
    description: str
    pool: str
    full: bool
    storage: str | None
    """Only for full clones."""
    target: str | None
    """Another node than the template's; needs shared storage."""


class Proxmox(Protocol):
    """The calls. All raise ``ProxmoxError``s; safe to use from several threads; none waits for a task.

    Writes are sent once: a write whose answer is lost raises ``OutcomeUnknown``, it is never repeated in here.
    """

    def version(self) -> str:
        """Such as ``9.2``."""
        ...

    def permissions(self, paths: Sequence[str] = ()) -> Mapping[str, frozenset[str]]:
        """Rights of the token by path (``/pool/winux``), as ``/access/permissions`` tells.

        For the given paths, one call each, exactly what Proxmox grants there. Without paths, in one call, what the
        token has on the paths that have an ACL, of which only what is inherited by deeper paths is told.
        """
        ...

    def nodes(self) -> tuple[NodeRow, ...]: ...

    def token_expiry(self) -> float | None:
        """When the token ends, or its user, whichever is first, in Unix seconds; None for never.

        ``Forbidden`` where Proxmox does not tell: a token is not its user, and needs Sys.Audit on one of its groups.
        """
        ...

    def storages(self, node: str) -> tuple[StorageRow, ...]:
        """Enabled storages of a node that the token may see."""
        ...

    def archives(self, node: str, storage: str) -> tuple[str, ...]:
        """Volumes of a storage that containers can be created from (``local:vztmpl/winux.tar.zst``)."""
        ...

    def pools(self) -> tuple[str, ...]:
        """Pools that the token may see."""
        ...

    def bridges(self, node: str) -> tuple[str, ...]:
        """Bridges and virtual networks of a node that the token may use."""
        ...

    def resources(self) -> tuple[ResourceRow, ...]:
        """Every guest that the token may see, in one call. An empty answer proves nothing."""
        ...

    def active_tasks(self, node: str) -> tuple[TaskRow, ...]:
        """Running tasks of our token, in one call of 2 ms; the status of a single task costs 36 ms.

        One that ended leaves the list for the archive; a row of the list may still tell an exit status.
        """
        ...

    def task_status(self, upid: str) -> TaskRow | None:
        """One task; None where the node no longer knows it."""
        ...

    def task_log(self, upid: str, *, lines: int = 20) -> tuple[str, ...]:
        """The last lines of a task's log."""
        ...

    def find_tasks(self, node: str, *, vmid: int | None, since: float) -> tuple[TaskRow, ...]:
        """Tasks of our token, running and archived, started at or after ``since`` (13 ms); of one id or of all."""
        ...

    def vmid_is_free(self, vmid: int) -> bool:
        """``nextid?vmid=``: needs no rights and sees every guest of the cluster; free is a proof of absence."""
        ...

    def config(self, node: str, vmid: int) -> ContainerConfig: ...

    def status(self, node: str, vmid: int) -> ContainerStatus: ...

    def addresses(self, node: str, vmid: int) -> tuple[str, ...]:
        """Global IPv4 and IPv6 addresses of a running guest, without loopback and link-local; IPv4 first."""
        ...

    def create(self, node: str, request: CreateRequest) -> str:
        """Returns the UPID of the ``vzcreate``."""
        ...

    def clone(self, node: str, template: int, request: CloneRequest) -> str:
        """Returns the UPID of the ``vzclone``; ``Locked`` while another clone of the template runs."""
        ...

    def update(self, node: str, vmid: int, changes: Mapping[str, str | int], *, digest: str) -> None:
        """Change options of a config if it still has this digest, else ``Conflict``."""
        ...

    def firewall(self, node: str, vmid: int) -> Found:
        """Options and rules of a container's firewall; one that never had any has none, and so has one that is gone.

        Nothing is filtered unless ``net0`` has ``firewall=1`` and the datacenter's firewall is on.
        """
        ...

    def set_firewall_options(self, node: str, vmid: int, options: Mapping[str, str]) -> None: ...

    def add_firewall_rule(self, node: str, vmid: int, rule: Rule) -> None:
        """It becomes the first rule, and is on."""
        ...

    def remove_firewall_rule(self, node: str, vmid: int, position: int) -> None:
        """The rule at a position that was just read."""
        ...

    def resize(self, node: str, vmid: int, disk_gib: int, *, digest: str) -> str:
        """Grow the root disk; returns the UPID."""
        ...

    def start(self, node: str, vmid: int) -> str: ...

    def shutdown(self, node: str, vmid: int, *, timeout: int) -> str: ...

    def delete(self, node: str, vmid: int) -> str:
        """Stop, destroy and purge; ``Protected`` unless protection was lifted before. Returns the UPID."""
        ...

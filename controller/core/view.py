"""All that a decision about one session may depend on, gathered into one value. Pure.

``listed`` is what the bulk observation shows (existence live, statistics late), ``live`` what reading the container
itself showed in this very pass, ``task`` how the operation in flight stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from controller.core.absence import Missing
from controller.core.guards import Brakes
from controller.core.incarnation import Incarnation
from controller.core.model import DesiredSession, Timestamp


class Presence(StrEnum):
    """What reading a VMID showed."""

    OURS = "ours"
    """Its marker names this controller, this VMID and this uid."""
    ABSENT = "absent"
    """Proven: no such configuration and the VMID is free, or the cluster has it on no node."""
    FOREIGN = "foreign"
    """Somebody else's, or of another life."""
    STUB = "stub"
    """A create in progress or one that was killed: a lock and nothing else."""
    HIDDEN = "hidden"
    """The VMID is taken by something that the token may not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The container as just read."""

    presence: Presence
    node: str
    digest: str = ""
    cores: int | None = None
    memory_mib: int | None = None
    disk_gib: int | None = None
    protection: bool = False
    lock: str | None = None
    net0: str | None = None
    filtered: bool = False
    """Its network interface goes through the firewall."""
    running: bool | None = None
    """None where only the configuration was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The container's row in the bulk observation."""

    node: str
    status: str
    lock: str | None
    cores: int | None
    memory_mib: int | None
    name: str | None = None
    """Its hostname; None where Proxmox does not tell it yet."""


class TaskState(StrEnum):
    RUNNING = "running"
    """It runs, or was not polled yet."""
    OK = "ok"
    FAILED = "failed"
    LOST = "lost"
    """The node no longer knows it: only the container itself can tell."""


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    state: TaskState
    exit_status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A container that carries our marker for this session and that no life in the ledger accounts for."""

    node: str
    vmid: int
    uid: str
    accepted_at: Timestamp
    address: str | None = None
    """Its fixed IPv4 address, which nobody else may be handed out; None with DHCP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One session, as of now."""

    now: Timestamp
    name: str
    desired: DesiredSession | None
    incarnation: Incarnation | None
    missing: Missing | None = None
    """Since when the manifest is missing, if its absence is being counted."""
    undecided: bool = False
    """A file that fails to parse may still hold the manifest."""
    grace: float = 5.0
    observed_at: Timestamp | None = None
    """When the last bulk observation was asked for; None before the first."""
    listed: Listed | None = None
    live: Live | None = None
    task: TaskOutcome | None = None
    unready: str | None = None
    """What was found when its desktop was last asked, such as "the guest has no address"; None: not asked, or ready."""
    claimed: Claimed | None = None
    attempts: int = 3
    """Containers to try before a session counts as Failed."""
    guest_access: bool = False
    """Whether the controller has an SSH key for guests."""
    brakes: Brakes = field(default_factory=Brakes)

"""An incarnation: one life of a session, from acceptance to its tombstone, as the ledger keeps it.

Pure values. What an incarnation does next is ``controller.core.decide``'s business, how long it may live
``controller.core.lifecycle``'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from controller.core.guest import Guest
from controller.core.model import Condition, ConditionStatus, Resources, SessionSpec, Timestamp


class Stage(StrEnum):
    """How far a life has come. Each stage says what may exist on Proxmox."""

    ACCEPTED = "Accepted"
    """Nothing: no container was asked for, or it was seen to be gone."""
    CREATING = "Creating"
    """Perhaps a container: the intent is recorded, the call was made or was about to be."""
    CREATED = "Created"
    """A container that was not ready yet."""
    READY = "Ready"
    """A container that a person can log in to, or could."""
    ENDED = "Ended"
    """Nothing, for good: this row is a tombstone."""


class EndReason(StrEnum):
    """Why a life ended."""

    EXPIRED = "Expired"
    MANIFEST_REMOVED = "ManifestRemoved"
    DELETED = "Deleted"
    REPLACED = "Replaced"
    NEVER_READY = "NeverReady"
    UNKNOWN_ORPHAN = "UnknownOrphan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where the container is, or is meant to be. Recorded before the create call."""

    node: str
    vmid: int
    intended_at: Timestamp
    template: int | None = None
    """The container template that is cloned; None for archives."""
    address: str | None = None
    """The IPv4 address handed out; None with DHCP."""
    refused: bool = False
    """Proxmox refused the call for sure: nothing was made under this VMID by us."""
    unclear_at: Timestamp | None = None
    """When a call to make it was last lost: that call may still be carried out, even after another one was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A running operation of Proxmox's on our behalf."""

    upid: str
    kind: str
    node: str
    begun_at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The decision that a life is over. There is no way back from it but a new life."""

    reason: EndReason
    message: str
    since: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Incarnation:
    """One life of a session."""

    uid: str
    session: str
    spec: SessionSpec
    generation: str
    revision: str
    origin_file: str
    accepted_at: Timestamp
    stage: Stage = Stage.ACCEPTED
    placement: Placement | None = None
    task: Task | None = None
    started_at: Timestamp | None = None
    """When the container was asked to start: readiness is waited for from here on, however often it stops till then."""
    settled_at: Timestamp | None = None
    """When the last operation ended; Proxmox's statistics (``status``, ``maxmem``) lag behind it by ~10 s."""
    configured: bool = True
    """False for a clone that still has its template's settings."""
    applied: Resources | None = None
    """The resources that the container was last seen or made to have."""
    address: str | None = None
    fingerprint: str | None = None
    """SHA-256 of the certificate that this container's RDP server first showed, ``aa:bb:…``; None without TLS."""
    filtered: bool = False
    """Its firewall was read and is what its template's egress policy asks for."""
    ready_at: Timestamp | None = None
    extension: float = 0.0
    """Seconds that were granted on top of the time to live."""
    discard: str | None = None
    """Why the container (not the life) is being given up: it is destroyed, then another is made."""
    ending: Ending | None = None
    ended_at: Timestamp | None = None
    attempts: int = 0
    """Containers of this life that were given up because they never became ready."""
    last_failure: str | None = None
    """Why the last of them was given up, as a sentence."""
    failures: int = 0
    """Operations that failed in a row; the next waits the longer."""
    paused: bool = False
    """An administrator holds it (``winux pause NAME``); the manifest's own ``paused`` is in the spec."""
    conditions: tuple[Condition, ...] = ()
    guest: Guest = field(default_factory=Guest)
    """How far things have come inside its container."""

    @property
    def unfiltered(self) -> bool:
        """Its egress policy asks for a firewall that was not seen yet."""
        return self.spec.network.egress is not None and not self.filtered

    @property
    def ended(self) -> bool:
        return self.stage is Stage.ENDED

    @property
    def start_failure(self) -> str | None:
        """Why the container did not start when that was last tried, as a sentence; None where it did."""
        started = self.condition("Started")
        if not self.failures or started is None or started.status is not ConditionStatus.FALSE:
            return None
        return started.message

    def condition(self, type_: str) -> Condition | None:
        return next((condition for condition in self.conditions if condition.type == type_), None)

    def not_ready(self, *, reason: str, message: str, now: Timestamp) -> Incarnation:
        """The same with ``Ready`` False, if it was ever True."""
        if self.condition("Ready") is None:
            return self
        return self.with_condition("Ready", ConditionStatus.FALSE, reason=reason, message=message, now=now)

    def started(self, *, now: Timestamp) -> Incarnation:
        """The same with ``Started`` True, if it was ever False."""
        if self.condition("Started") is None:
            return self
        return self.with_condition(
            "Started", ConditionStatus.TRUE, reason="Started", message="its container was started", now=now
        )

    def with_condition(
        self, type_: str, status: ConditionStatus, *, reason: str, message: str, now: Timestamp
    ) -> Incarnation:
        """The same with one condition set; its time moves only when its status flips."""
        before = self.condition(type_)
        since = before.last_transition if before is not None and before.status is status else now
        condition = Condition(
            type=type_,
            status=status,
            reason=reason,
            message=message,
            generation=self.generation,
            last_transition=since,
        )
        if condition == before:
            return self
        others = (c for c in self.conditions if c.type != type_)
        return replace(self, conditions=tuple(sorted((*others, condition), key=lambda c: c.type)))

"""What can be done next about a session: the vocabulary between ``decide`` and the reconciler. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.core.guest import Errand
from controller.core.incarnation import EndReason
from controller.core.model import DesiredSession, Phase, SessionSpec, Timestamp


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do until something changes or ``Decision.again_at`` comes."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Begin a life: a uid, a password, a row in the ledger. An old tombstone gives way."""

    desired: DesiredSession


@dataclass(frozen=True, slots=True)
class Adopt:
    """Take over a container whose marker names this session, of which the ledger knows nothing."""

    desired: DesiredSession
    node: str
    vmid: int
    uid: str
    accepted_at: Timestamp
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Revise:
    """Take an edited spec over into a life that goes on; ``refused`` are the fields that only a new life can change."""

    spec: SessionSpec
    generation: str
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Choose node, VMID and address, record the intent, and call create or clone."""


@dataclass(frozen=True, slots=True)
class Create:
    """Call create or clone again under the VMID that the intent names: it was seen to be free."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """Find out what became of a create whose answer was lost, by the task list and by reading that VMID."""


@dataclass(frozen=True, slots=True)
class Displaced:
    """The intended VMID turned out to be somebody else's: go back to choosing."""


@dataclass(frozen=True, slots=True)
class RecordCreated:
    """The create's task succeeded: the container is there."""


@dataclass(frozen=True, slots=True)
class RecordGone:
    """The container was seen to be gone though its life goes on: make another with the time that is left."""

    message: str


@dataclass(frozen=True, slots=True)
class FinishTask:
    """An operation ended; ``error`` is its exit status if it failed."""

    error: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Read the container itself: what the bulk observation shows is not enough to act on."""

    status_too: bool = False
    """Read ``status/current`` as well, which costs 80 ms."""


@dataclass(frozen=True, slots=True)
class Configure:
    """Set options by PUT with the digest that was read."""

    changes: Mapping[str, str | int]
    message: str


@dataclass(frozen=True, slots=True)
class Grow:
    """Grow the root disk."""

    disk_gib: int


@dataclass(frozen=True, slots=True)
class Conformed:
    """The container was read and is as its spec says."""


@dataclass(frozen=True, slots=True)
class SetFirewall:
    """Make the container's firewall what the egress policy asks for, and see that it is."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start the container."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Find the guest's address and ask whether it is ready."""


@dataclass(frozen=True, slots=True)
class Attend:
    """Do something inside the guest, over SSH."""

    errand: Errand


@dataclass(frozen=True, slots=True)
class Follow:
    """The container was migrated: remember the node."""

    node: str


@dataclass(frozen=True, slots=True)
class End:
    """Decide, for good, that this life is over."""

    reason: EndReason
    message: str


@dataclass(frozen=True, slots=True)
class GiveUpContainer:
    """It never became ready: destroy this container and try another."""

    message: str


@dataclass(frozen=True, slots=True)
class Destroy:
    """Lift the protection with the digest that was read, then delete."""


@dataclass(frozen=True, slots=True)
class Bury:
    """The container was seen to be gone: write the tombstone."""


@dataclass(frozen=True, slots=True)
class Release:
    """Forget the tombstone: its manifest is gone too."""


Step = (
    Rest
    | Accept
    | Adopt
    | Revise
    | Place
    | Create
    | Resolve
    | Displaced
    | RecordCreated
    | RecordGone
    | FinishTask
    | Look
    | Configure
    | Grow
    | Conformed
    | SetFirewall
    | Start
    | Probe
    | Attend
    | Follow
    | End
    | GiveUpContainer
    | Destroy
    | Bury
    | Release
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One next step, where the session stands, and why, in one sentence with a reason code."""

    step: Step
    phase: Phase
    reason: str
    message: str
    again_at: Timestamp | None = None
    """When to look again if nothing happens before; None: when something changes."""

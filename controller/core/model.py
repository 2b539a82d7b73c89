"""The words of the domain as frozen values: what is wanted (specs, the desired snapshot) and what is lived (lives).

Pure: no I/O and no clock. Times are Unix seconds, memory is MiB and disks are GiB, as Proxmox counts them. The
manifest models (pydantic) live in ``controller.api``; what Proxmox answers in ``controller.proxmox.port``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.api.manifest import Manifest
from controller.api.problem import Origin, Problem

Timestamp = float
"""Unix seconds, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a container gets."""

    cores: int
    memory_mib: int
    disk_gib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSource:
    """Create from a golden tarball, a volume such as ``local:vztmpl/winux.tar.zst``."""

    volume: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneTemplate:
    """A container template; ``node`` is None where its storage is shared by all nodes."""

    vmid: int
    node: str | None = None
    host_key: str | None = None
    """By which its clones are known at the first contact over SSH, as ``ssh-ed25519 AAAA…``; None: by none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneSource:
    """Clone one of several container templates; linked unless ``full``."""

    templates: tuple[CloneTemplate, ...]
    full: bool = False


Source = ArchiveSource | CloneSource


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRange:
    """Static IPv4 addresses that the controller hands out, first to last inclusive."""

    first: str
    last: str
    prefix: int
    gateway: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A network that may be connected to; without ``ports`` on all of them and by any protocol."""

    cidr: str
    ports: tuple[str, ...] = ()
    """``443/tcp``, ``8000-8010/udp``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """``addresses`` is None for DHCP: the address is then read from the guest."""

    bridge: str
    vlan: int | None = None
    addresses: AddressRange | None = None
    nameservers: tuple[str, ...] = ()
    egress: tuple[Destination, ...] | None = None
    """Where it may connect to, besides its name servers if there is anywhere at all; None: anywhere, unfiltered."""


class Probe(StrEnum):
    """What makes a session Ready: an answered RDP negotiation, or just a running guest that has an address."""

    RDP = "rdp"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    probe: Probe = Probe.RDP
    port: int = 3389
    timeout: float = 300.0
    """Seconds from the start of the container until it counts as one that will never be ready."""


class Credentials(StrEnum):
    """By what a person logs in."""

    PASSWORD = "password"  # noqa: S105 - a word of manifests
    """A random password, made for this session."""
    TEMPLATE = "template"
    """Whatever the container template of a clone has: the same for all its clones, and unknown to the controller."""
    NONE = "none"
    """The controller sets nothing: the image asks a directory of the site's."""


class RestartPolicy(StrEnum):
    """What to do about a container that stopped without the controller's doing."""

    ALWAYS = "Always"
    NEVER = "Never"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """A session's spec with its template, the defaults and the limits worked in: all that its life depends on."""

    template: str
    owner: str | None
    source: Source
    storage: str
    pool: str
    nodes: tuple[str, ...]
    """Nodes it may run on; empty: any that is online."""
    resources: Resources
    network: Network
    desktop_user: str
    nesting: bool
    ttl: float
    """Seconds from Ready to the end. Ignored where ``expires_at`` is set."""
    max_ttl: float
    """Seconds of life at most, extensions included, counted from Ready; also the cap counted from acceptance."""
    expires_at: Timestamp | None = None
    start_at: Timestamp | None = None
    paused: bool = False
    restart_policy: RestartPolicy = RestartPolicy.ALWAYS
    readiness: Readiness = Readiness()
    credentials: Credentials | None = None
    """None only in records of before there was a choice."""
    sudo: bool = False

    @property
    def logs_in_by(self) -> Credentials:
        """Before there was a choice, archives had a password of their own and clones that of their template."""
        if self.credentials is not None:
            return self.credentials
        return Credentials.TEMPLATE if isinstance(self.source, CloneSource) else Credentials.PASSWORD


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredSession:
    """A session that a manifest asks for."""

    name: str
    spec: SessionSpec
    generation: str
    """``v1-`` and a hash of the meaning of the session's own spec (not of its template, nor of ``paused``)."""
    revision: str
    """``spec.revision``: a new value asks for a new life even of a session that runs."""
    origin: Origin
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredSnapshot:
    """All that the manifests ask for, as of one scan. Immutable; the next scan makes a new one.

    An incomplete snapshot still carries the last good sessions, so that what is wanted goes on being served; but
    the absence of a session from it proves nothing.
    """

    sessions: Mapping[str, DesiredSession]
    templates: Mapping[str, Manifest]
    """SessionTemplate manifests by name, the built-in ones included."""
    problems: tuple[Problem, ...] = ()
    complete: bool = True
    incomplete_because: str | None = None
    """One sentence where ``complete`` is False, such as "the manifest directory … does not exist"."""
    undecided: frozenset[str] = frozenset()
    """Names of sessions whose absence proves nothing: a file that cannot be read or parsed may hold them."""
    opaque: Mapping[str, bytes] = field(default_factory=dict)
    """Raw text of files that fail and have no last good: a session whose name occurs there is undecided too."""
    files: int = 0
    revision: str = ""
    """What the directory was at: its real path's last part and a hash of all fingerprints; for people and logs."""
    scanned_at: Timestamp = 0.0

    def may_hold(self, name: str, origin_file: str | None) -> bool:
        """Whether a file that could not be read may still ask for this session."""
        if name in self.undecided:
            return True
        return any(file == origin_file or name.encode() in text for file, text in self.opaque.items())


class Phase(StrEnum):
    """Where a session is in its life, for people. Decisions never read it."""

    PENDING = "Pending"
    CREATING = "Creating"
    STARTING = "Starting"
    READY = "Ready"
    TERMINATING = "Terminating"
    EXPIRED = "Expired"
    FAILED = "Failed"
    HELD = "Held"


class ConditionStatus(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One aspect of a session. ``last_transition`` moves only when ``status`` flips."""

    type: str
    status: ConditionStatus
    reason: str
    message: str
    generation: str
    last_transition: Timestamp

"""Every metric that the controller exports, declared once: its name, what it counts, its labels and their values.

The counters, the collector, the reference for people and the tests are made from these. Names follow the conventions
of Prometheus: ``winux_`` in front, base units, ``_total`` on counters. No label ever holds a session's name but in
``SESSION_INFO``, which is off unless it is asked for. How a value comes about is not said here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.core.incarnation import EndReason
from controller.core.model import Phase
from controller.ledger.events import EventType
from controller.proxmox.port import Proxmox, ProxmoxError

OTHER = "Other"
"""The label value of everything beyond what a label may hold."""
MOST_NAMES = 100
"""Names that a label of templates or nodes takes before the rest is counted as ``Other``."""


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class ReconcileResult(StrEnum):
    """How one look at a session ended."""

    DONE = "done"
    """Nothing is left to do until something changes."""
    AGAIN = "again"
    """It is to be looked at again at a known time."""
    ERROR = "error"
    """A call failed; it is retried after a backoff."""
    PANIC = "panic"
    """The controller itself raised what it should not have; retried as well."""


@dataclass(frozen=True, slots=True)
class Named:
    """The values of a label that come from the site, at most ``MOST_NAMES`` of them, and ``Other``."""

    what: str
    bounded: bool = True
    """False: every name is shown, for those of the moment are all there are."""
    foreseen: tuple[str, ...] = ()
    """Names that are there from the first scrape on, so that the first of each is an increase."""


Values = tuple[str, ...] | Named
"""All values of a label, each there from the first scrape on; or what names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric. ``unit`` is the base unit that its name ends in, if it has one."""

    name: str
    kind: Kind
    help: str
    labels: Mapping[str, Values] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()
    absent: str = ""
    """When there is no sample at all, as a sentence; empty: there always is one."""


OK = "OK"
OPERATIONS = tuple(sorted(name for name in vars(Proxmox) if not name.startswith("_")))
"""The calls of the port, by name."""


def _reasons(error: type[ProxmoxError]) -> set[str]:
    """Of the port's own errors: what others derive from them is no outcome of a call."""
    kinds = (kind for kind in error.__subclasses__() if kind.__module__ == ProxmoxError.__module__)
    return {error.reason}.union(*map(_reasons, kinds))


OUTCOMES = (OK, *sorted(_reasons(ProxmoxError)), OTHER)
"""How a call may end: the reasons of the port's errors, or ``OK``."""
RESULTS = tuple(ReconcileResult)
LAUNCHES = ("archive", "clone")
"""How a session came to its container."""
PARTS = ("waiting", "making", "starting")
TASK_TYPES = ("vzcreate", "vzclone", "vzstart", "vzshutdown", "vzdestroy", "resize", OTHER)
TASK_EXITS = ("OK", "warnings", "failed", "lost")
THREADS = ("scan", "observe", "tasks", "worker", "outlook", "events")
SINKS = ("file", "webhook")
GUARDS = (
    "ClockJumped",
    "LedgerFailing",
    "ManifestsIncomplete",
    "MassDelete",
    "NoQuorum",
    "NotObserved",
    "NotSynced",
    "Paused",
)
"""All that holds the controller back, by its reason code."""
HELD_REASONS = ("NoRoom", "PausedByManifest", *GUARDS, OTHER)
"""Why sessions wait."""

_CALL = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 35)
"""A call takes 2 ms to 120 ms; a config lock makes it wait 10 s; the client gives up after 35 s."""
_WORK = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_READY = (1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300, 600)
_PART = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600)
_LAG = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600)
_TASK = (0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)
_DISK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)

TEMPLATE = Named("session templates")
NODE = Named("nodes of the Proxmox cluster")
EVENT_REASONS = (
    *("Accepted", "Adopted", "Applied", "CertificateChanged", "ClockRight", "Configured", "Confirmed", "ContainerGone"),
    *("ControllerStarted", "CreateFailed", "CreateUnclear", "Created", "Creating", "CreatingAgain", "Deleted"),
    *("DestroyUnclear", "Destroying", "Ended", "Extended", "Filtered", "Forgotten", "Growing", "Launched"),
    *("ManifestMissing", "ManifestMoved", "ManifestRemoved", "ManifestsComplete", "MassDeleteReleased", "Migrated"),
    *("NeedsNewLife", "NeverReady", "NoRoom", "Notified", "Observed", "Ready", "Replaced", "Resumed", "Rotated"),
    *("RotationOrdered", "SetUp", "StartFailed", "Started", "TaskFailed", "UnknownOrphan", "UnknownUid", "VmidTaken"),
    *("Expired", *GUARDS),
)
"""The reason codes of events that the controller has names for; those of Proxmox's errors come on top as they come."""
REASON = Named("reason codes of events", foreseen=EVENT_REASONS)

GROUPS: dict[str, tuple[Family, ...]] = {}
"""All families, by the heading under which people find them."""


def _group(heading: str, *families: Family) -> None:
    GROUPS[heading] = families


def _counter(name: str, help_: str, **labels: Values) -> Family:
    return Family(name=name, kind=Kind.COUNTER, help=help_, labels=labels)


def _gauge(name: str, help_: str, *, absent: str = "", **labels: Values) -> Family:
    return Family(name=name, kind=Kind.GAUGE, help=help_, labels=labels, absent=absent)


def _histogram(name: str, help_: str, buckets: tuple[float, ...], **labels: Values) -> Family:
    return Family(name=name, kind=Kind.HISTOGRAM, help=help_, labels=labels, buckets=buckets)


SESSIONS = _gauge(
    "winux_sessions",
    "Sessions by phase, template and launch.",
    phase=tuple(Phase),
    template=TEMPLATE,
    launch=LAUNCHES,
)
SESSIONS_DESIRED = _gauge("winux_sessions_desired", "Sessions that manifests ask for.")
SESSIONS_HELD = _gauge("winux_sessions_held", "Sessions that wait, by reason.", reason=HELD_REASONS)
SESSIONS_FAILING = _gauge("winux_sessions_failing", "Sessions whose last step went wrong; it is tried again.")
SESSIONS_ACCEPTED = _counter("winux_sessions_accepted_total", "Lives that began.", template=TEMPLATE, launch=LAUNCHES)
SESSIONS_ENDED = _counter("winux_sessions_ended_total", "Lives that ended, by reason.", reason=tuple(EndReason))
SESSIONS_ORPHANED = _gauge("winux_sessions_orphaned", "Containers of sessions that no manifest wants any more.")
DESTROYS_FAILING = _gauge("winux_destroys_failing", "Sessions whose container could not be destroyed when last tried.")
GIVEN_UP = _counter("winux_containers_given_up_total", "Containers that never became ready and were given up.")
CONTAINERS = _gauge(
    "winux_containers",
    "Containers of ours as Proxmox last told.",
    node=NODE,
    status=("running", "stopped", "unknown"),
)
CONTAINERS_UNACCOUNTED = _gauge(
    "winux_containers_unaccounted",
    "Containers that carry our marker and are left alone, for no session accounts for them.",
)
SESSION_INFO = _gauge(
    "winux_session_info",
    "1 for each session that has been looked at.",
    absent="unless `telemetry.sessionInfo` is true",
    session=Named("names of sessions, without a bound", bounded=False),
    phase=tuple(Phase),
    template=TEMPLATE,
    node=NODE,
    vmid=Named("VMIDs", bounded=False),
)
_group(
    "Sessions",
    SESSIONS,
    SESSIONS_DESIRED,
    SESSIONS_HELD,
    SESSIONS_FAILING,
    SESSIONS_ACCEPTED,
    SESSIONS_ENDED,
    SESSIONS_ORPHANED,
    DESTROYS_FAILING,
    CONTAINERS,
    CONTAINERS_UNACCOUNTED,
    GIVEN_UP,
    SESSION_INFO,
)

READY_SECONDS = _histogram(
    "winux_session_ready_seconds",
    "Time from acceptance to Ready.",
    _READY,
    launch=LAUNCHES,
    template=TEMPLATE,
)
READY_PART_SECONDS = _histogram(
    "winux_session_ready_part_seconds",
    "Its parts: waiting until the container is asked for, making it, starting until the desktop answers.",
    _PART,
    launch=LAUNCHES,
    part=PARTS,
)
OLDEST_UNREADY = _gauge(
    "winux_session_oldest_unready_seconds",
    "Age of the oldest session that is to become Ready, is not held, and is not Ready yet; 0 without one.",
)
EXPIRY_LAG = _histogram(
    "winux_session_expiry_lag_seconds", "Time from a session's end to its container being gone.", _LAG
)
EXPIRY_OVERDUE = _gauge(
    "winux_session_expiry_overdue_seconds",
    "How long ago the end was of the container that is still there and should have gone first; 0 without one.",
)
_group(
    "Promises: ready soon, gone on time", READY_SECONDS, READY_PART_SECONDS, OLDEST_UNREADY, EXPIRY_LAG, EXPIRY_OVERDUE
)

READY = _gauge(
    "winux_ready", "1 while manifests, Proxmox and the ledger are seen whole and nothing holds back, as /readyz says."
)
GUARD_ENGAGED = _gauge("winux_guard_engaged", "1 while a brake holds the controller back.", guard=GUARDS)
RECONCILES = _counter("winux_reconcile_total", "Looks at a session, by result.", result=RESULTS)
RECONCILE_SECONDS = _histogram("winux_reconcile_duration_seconds", "Duration of one look.", _WORK)
THREAD_AGE = _gauge(
    "winux_thread_heartbeat_age_seconds",
    "Time since a thread last gave a sign of life; of several, the longest.",
    thread=THREADS,
    absent="until the threads are started",
)
THREAD_RESTARTS = _counter("winux_thread_restarts_total", "Loops that ended unasked and were started again.")
BUILD_INFO = _gauge("winux_build_info", "The running version.", version=Named("one at a time", bounded=False))
_group("Controller", READY, GUARD_ENGAGED, RECONCILES, RECONCILE_SECONDS, THREAD_AGE, THREAD_RESTARTS, BUILD_INFO)

QUEUE_DEPTH = _gauge("winux_workqueue_depth", "Keys that are due and not taken.")
QUEUE_DELAYED = _gauge("winux_workqueue_delayed", "Keys that wait for a moment.")
QUEUE_PROCESSING = _gauge("winux_workqueue_processing", "Keys that are worked on.")
QUEUE_ADDS = _counter("winux_workqueue_adds_total", "Keys that became due.")
QUEUE_RETRIES = _counter("winux_workqueue_retries_total", "Keys that failed and wait for their backoff.")
QUEUE_LONGEST = _gauge("winux_workqueue_longest_running_seconds", "Age of the oldest work in progress.")
QUEUE_SECONDS = _histogram("winux_workqueue_queue_duration_seconds", "Time from a key being due to being taken.", _WORK)
WORK_SECONDS = _histogram("winux_workqueue_work_duration_seconds", "Time a key was worked on.", _WORK)
_group(
    "Work queue",
    QUEUE_DEPTH,
    QUEUE_DELAYED,
    QUEUE_PROCESSING,
    QUEUE_ADDS,
    QUEUE_RETRIES,
    QUEUE_LONGEST,
    QUEUE_SECONDS,
    WORK_SECONDS,
)

CALLS = _counter("winux_proxmox_requests_total", "Calls to Proxmox by outcome.", operation=OPERATIONS, outcome=OUTCOMES)
CALL_SECONDS = _histogram(
    "winux_proxmox_request_duration_seconds",
    "Duration of calls, those that failed included.",
    _CALL,
    operation=OPERATIONS,
)
CALLS_IN_FLIGHT = _gauge(
    "winux_proxmox_calls_in_flight", "Calls on their way, by node; an empty node: to none in particular.", node=NODE
)
CALLS_WAITING = _gauge("winux_proxmox_calls_waiting", "Calls that wait for a place, by node.", node=NODE)
OPERATIONS_IN_FLIGHT = _gauge(
    "winux_proxmox_operations_in_flight", "Creates, starts and destroys in progress, by node.", node=NODE
)
OPERATIONS_LIMIT = _gauge(
    "winux_proxmox_operations_limit", "How many there may be now; lock waits lower it for a while.", node=NODE
)
TASK_SECONDS = _histogram(
    "winux_proxmox_task_duration_seconds",
    "Duration of Proxmox's tasks from our call until their end was seen, by exit.",
    _TASK,
    type=TASK_TYPES,
    exit=TASK_EXITS,
)
LOCK_WAITS = _counter("winux_proxmox_lock_waits_total", "Operations that another one kept waiting.")
QUORATE = _gauge("winux_proxmox_quorate", "0 while Proxmox refuses changes for the want of a quorum.")
NODE_UP = _gauge(
    "winux_proxmox_node_up", "Whether a node of the cluster is online.", node=NODE, absent="until it was asked"
)
LAST_OBSERVATION = _gauge(
    "winux_proxmox_last_observation_timestamp_seconds",
    "When all containers were last seen, in Unix seconds; 0 for never.",
)
TOKEN_EXPIRY = _gauge(
    "winux_proxmox_token_expiry_timestamp_seconds",
    "When the API token expires, in Unix seconds.",
    absent="for a token that never expires, and until it was asked",
)
CERTIFICATE_EXPIRY = _gauge(
    "winux_proxmox_certificate_expiry_timestamp_seconds",
    "When the certificate that Proxmox shows expires, in Unix seconds.",
    absent="until it was looked at",
)
_group(
    "Proxmox",
    CALLS,
    CALL_SECONDS,
    CALLS_IN_FLIGHT,
    CALLS_WAITING,
    OPERATIONS_IN_FLIGHT,
    OPERATIONS_LIMIT,
    TASK_SECONDS,
    LOCK_WAITS,
    QUORATE,
    NODE_UP,
    LAST_OBSERVATION,
    TOKEN_EXPIRY,
    CERTIFICATE_EXPIRY,
)

LAST_GOOD_SCAN = _gauge(
    "winux_manifests_last_good_scan_timestamp_seconds",
    "When all manifests were last read, in Unix seconds; 0 for never.",
)
SCAN_SECONDS = _histogram("winux_manifests_scan_duration_seconds", "Duration of a scan of the manifests.", _WORK)
FILES = _gauge("winux_manifests_files", "Manifest files at the last scan.")
PROBLEMS = _gauge("winux_manifests_problems", "Mistakes in manifests at the last scan.")
REVISION = _gauge(
    "winux_manifests_revision_info",
    "The git commit that the directory of manifests is at.",
    revision=Named("one at a time", bounded=False),
    absent="for a directory that is no checkout",
)
WATCH_WORKING = _gauge("winux_manifests_watch_working", "1 while changes are told by the kernel, not by scans alone.")
WATCH_RESTARTS = _counter("winux_manifests_watch_restarts_total", "Times the directory watch was set up again.")
_group("Manifests", LAST_GOOD_SCAN, SCAN_SECONDS, FILES, PROBLEMS, REVISION, WATCH_WORKING, WATCH_RESTARTS)

VMIDS = _gauge(
    "winux_vmids",
    "VMIDs of the controller's range: of its lives, resting after use, of others as far as they are seen, free.",
    state=("used", "resting", "foreign", "free"),
)
ADDRESSES = _gauge(
    "winux_addresses",
    "Addresses of a template's range.",
    template=TEMPLATE,
    state=("used", "free"),
    absent="for templates whose addresses come by DHCP",
)
_group("Capacity", VMIDS, ADDRESSES)

LEDGER_BYTES = _gauge(
    "winux_ledger_size_bytes", "Size of the ledger's files.", absent="for a ledger on a database server"
)
LEDGER_SECONDS = _histogram("winux_ledger_write_duration_seconds", "Duration of a write to the ledger.", _DISK)
LEDGER_LIVES = _gauge("winux_ledger_incarnations", "Lives and tombstones in the ledger.", state=("living", "ended"))
_group("Ledger", LEDGER_BYTES, LEDGER_SECONDS, LEDGER_LIVES)

EVENTS = _counter("winux_events_total", "What was decided and done.", type=tuple(EventType), reason=REASON)
DELIVERIES = _counter(
    "winux_event_deliveries_total", "Events sent on, by outcome of the attempt.", sink=SINKS, outcome=("ok", "failed")
)
UNDELIVERED = _gauge("winux_event_undelivered", "Events that wait to be sent on.", sink=SINKS)
UNDELIVERED_AGE = _gauge(
    "winux_event_undelivered_age_seconds",
    "Age of the oldest event that waits to be sent on; 0 without one.",
    sink=SINKS,
)
DROPPED = _counter(
    "winux_event_dropped_total", "Events that retention removed before they could be sent on.", sink=SINKS
)
_group("Events", EVENTS, DELIVERIES, UNDELIVERED, UNDELIVERED_AGE, DROPPED)

FAMILIES: tuple[Family, ...] = tuple(family for families in GROUPS.values() for family in families)

READ: frozenset[str] = frozenset(
    {
        *(family.name for family in FAMILIES if family.kind is Kind.GAUGE),
        *(family.name for family in (QUEUE_ADDS, QUEUE_RETRIES, THREAD_RESTARTS, WATCH_RESTARTS)),
    }
)
"""Names of what is read off the controller at a scrape; all others are counted where they happen."""

"""How the controller itself is doing, counted when somebody asks. No calls of Proxmox, no writes, no queries."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

from controller.admin.models import moment, moment_or_none
from controller.admin.vital_models import CallVitals, NodeVitals, QueueVitals, SinkVitals, Vitals, VmidVitals
from controller.core.incarnation import Incarnation
from controller.core.launch import ready_after
from controller.core.model import DesiredSnapshot, Timestamp
from controller.engine.workqueue import QueueStats
from controller.proxmox.limits import CLUSTER
from controller.proxmox.recent import Summary
from controller.reconcile.capacity import vmid_use
from controller.reconcile.tools import Tools

RECENT = 20
"""Sessions whose way to Ready is counted."""


class Outlook(Protocol):
    """What changes slowly at Proxmox; None or empty while it is not known."""

    @property
    def nodes(self) -> Mapping[str, bool]: ...
    @property
    def token_expires(self) -> Timestamp | None: ...
    @property
    def certificate_expires(self) -> Timestamp | None: ...


@dataclass(frozen=True, slots=True)
class _Nothing:
    """No outlook."""

    nodes: Mapping[str, bool] = field(default_factory=dict)
    token_expires: Timestamp | None = None
    certificate_expires: Timestamp | None = None


def _no_calls() -> Summary:
    return Summary(seconds=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dials:
    """What only the daemon can read. Each is cheap and never waits."""

    url: str | None = None
    """Of Proxmox."""
    queue: Callable[[], QueueStats] = QueueStats
    calls: Callable[[], Summary] = _no_calls
    in_flight: Callable[[], Mapping[str, int]] = dict
    """Calls by node, ``CLUSTER`` for those that belong to none."""
    waiting: Callable[[], Mapping[str, int]] = dict
    backlog: Callable[[], Mapping[str, tuple[int, float]]] = dict
    """By sink: how many events wait to be sent on, and the age of the oldest in seconds."""
    outlook: Outlook = _Nothing()


def read_vitals(tools: Tools, desired: DesiredSnapshot | None, dials: Dials) -> Vitals:
    """``desired``: the last scan."""
    now, lives = tools.clock.now(), tools.ledger.lives()
    observation = tools.inventory.observation
    ready = _ready_seconds(lives)
    queue = dials.queue()
    return Vitals(
        now=moment(now),
        url=dials.url,
        observed_seconds=_age(observation.asked_at, now) if observation is not None else None,
        scanned_seconds=_age(desired.scanned_at, now) if desired is not None else None,
        queue=QueueVitals(
            depth=queue.depth,
            delayed=queue.delayed,
            processing=queue.processing,
            retries=queue.retries_total,
            longest_seconds=round(queue.longest_running_seconds, 3),
        ),
        calls=_calls(dials),
        nodes=_nodes(tools, dials),
        vmids=_vmids(tools, lives),
        ready_median_seconds=round(median(ready), 3) if ready else None,
        ready_counted=len(ready),
        sinks=tuple(
            SinkVitals(name=name, waiting=waiting, oldest_seconds=round(oldest, 3))
            for name, (waiting, oldest) in sorted(dials.backlog().items())
        ),
        token_expires_at=moment_or_none(dials.outlook.token_expires),
        certificate_expires_at=moment_or_none(dials.outlook.certificate_expires),
    )


def _age(since: Timestamp, now: Timestamp) -> float:
    return round(max(0.0, now - since), 3)


def _calls(dials: Dials) -> CallVitals:
    recent = dials.calls()
    return CallVitals(
        window_seconds=round(recent.seconds, 3),
        ended=recent.calls,
        errors=recent.errors,
        median_seconds=recent.median,
        slow_seconds=recent.slow,
        last_error=recent.last_error,
        in_flight=sum(dials.in_flight().values()),
        waiting=sum(dials.waiting().values()),
    )


def _nodes(tools: Tools, dials: Dials) -> tuple[NodeVitals, ...]:
    """Those that are known to the cluster, and those that were ever called."""
    online, in_flight, operations = dials.outlook.nodes, dials.in_flight(), tools.slots.in_use_by_node()
    return tuple(
        NodeVitals(
            name=name,
            online=online.get(name),
            calls=in_flight.get(name, 0),
            operations=operations.get(name, 0),
            operations_limit=tools.slots.limit(name),
        )
        for name in sorted((online.keys() | in_flight.keys() | operations.keys()) - {CLUSTER})
    )


def _vmids(tools: Tools, lives: Iterable[Incarnation]) -> VmidVitals:
    policy, observation = tools.policy, tools.inventory.observation
    use = vmid_use(
        policy.vmid_first,
        policy.vmid_last,
        used=[life.placement.vmid for life in lives if life.placement is not None and not life.ended],
        taken=tools.ledger.taken_vmids(),
        seen=frozenset(observation.rows) if observation is not None else frozenset(),
    )
    return VmidVitals(
        first=policy.vmid_first,
        last=policy.vmid_last,
        used=use["used"],
        resting=use["resting"],
        foreign=use["foreign"],
    )


def _ready_seconds(lives: Iterable[Incarnation]) -> list[float]:
    """Of the last to become ready. One that was found after the ledger was lost says nothing: it was ready at once."""
    took = [
        (life.ready_at, seconds)
        for life in lives
        if life.ready_at is not None and (seconds := ready_after(life)) is not None and seconds > 0
    ]
    return [seconds for _, seconds in heapq.nlargest(RECENT, took)]

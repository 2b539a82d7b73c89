"""From the values of the core to what people are shown. Pure: every time is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from controller.admin.models import (
    ConditionView,
    ContainerView,
    EventView,
    NoticeView,
    ProblemView,
    ResourcesView,
    SessionView,
    Whose,
    moment,
    moment_or_none,
)
from controller.api.problem import Problem
from controller.api.quantities import format_disk, format_duration, format_memory
from controller.core.incarnation import Incarnation
from controller.core.lifecycle import deadline
from controller.core.model import DesiredSession, Phase, Resources, SessionSpec, Timestamp
from controller.ledger.events import Event
from controller.proxmox.port import ResourceRow
from controller.reconcile.reconciler import Status

NOT_YET = Status(
    phase=Phase.PENDING, reason="NotYetSeen", message="it was not looked at yet since the daemon started", since=0.0
)


_GOING_WRONG = frozenset({"NoRoom", "CreateFailed", "TaskFailed", "DestroyUnclear"})
"""What a session waits for after something went wrong, which was no error of the pass."""

_GOING_ON = frozenset({Phase.PENDING, Phase.CREATING, Phase.STARTING, Phase.READY})


def failing(status: Status) -> bool:
    """Whether people have to be told why it does not get on."""
    return status.failing or status.reason in _GOING_WRONG


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is known about one name; at least one of the first three is there."""

    name: str
    life: Incarnation | None
    desired: DesiredSession | None
    problems: tuple[Problem, ...] = ()
    status: Status | None = None


def session_view(known: Known, *, now: Timestamp) -> SessionView:
    """A session; one that only a faulty manifest asks for is Pending with that fault."""
    life, desired = known.life, known.desired
    status = _no_longer_going_on(life, known.status or _without_status(known))
    spec = _spec(life, desired)
    ends = _end(life, spec)
    placement = life.placement if life is not None else None
    return SessionView(
        name=known.name,
        phase=status.phase,
        reason=status.reason,
        message=status.message,
        failing=failing(status),
        owner=spec.owner if spec is not None else None,
        template=spec.template if spec is not None else None,
        node=placement.node if placement is not None else None,
        vmid=placement.vmid if placement is not None else None,
        address=(life.address or (placement.address if placement is not None else None)) if life is not None else None,
        port=spec.readiness.port if spec is not None else None,
        accepted_at=moment_or_none(life.accepted_at) if life is not None else None,
        ready_at=moment_or_none(life.ready_at) if life is not None else None,
        starts_at=moment_or_none(spec.start_at) if spec is not None and life is None else None,
        expires_at=moment_or_none(ends),
        seconds_left=round(max(0.0, ends - now), 3) if ends is not None and _goes_on(life) else None,
        ended_at=moment_or_none(life.ended_at) if life is not None else None,
        ttl=format_duration(spec.ttl) if spec is not None and spec.expires_at is None else None,
        max_ttl=format_duration(spec.max_ttl) if spec is not None else None,
        extension=life.extension if life is not None else 0.0,
        uid=life.uid if life is not None else None,
        origin=_origin(known),
        labels=dict(desired.labels) if desired is not None else {},
        annotations=dict(desired.annotations) if desired is not None else {},
        attempts=life.attempts if life is not None else 0,
        last_failure=life.last_failure if life is not None else None,
        ssh_host_key=life.guest.host_key if life is not None and not life.ended else None,
        fingerprint=life.fingerprint if life is not None and not life.ended else None,
        resources=resources_view(spec.resources) if spec is not None else None,
        conditions=_conditions(life) if life is not None else (),
        paused=(life is not None and life.paused) or (desired is not None and desired.spec.paused),
        problems=tuple(str(problem) for problem in known.problems),
    )


def _without_status(known: Known) -> Status:
    """A life waits for the first look; without one a manifest's fault may be all there is."""
    if known.life is None and known.desired is None and known.problems:
        return Status(
            phase=Phase.PENDING, reason="InvalidManifest", message=str(known.problems[0]), since=0.0, failing=True
        )
    return NOT_YET


def _no_longer_going_on(life: Incarnation | None, status: Status) -> Status:
    """A life that is to end is ending from the order on, not from when the reconciler looks at it next."""
    if life is None or life.ending is None or life.ended or status.phase not in _GOING_ON:
        return status
    return replace(
        status, phase=Phase.TERMINATING, reason=str(life.ending.reason), message=life.ending.message, failing=False
    )


def _spec(life: Incarnation | None, desired: DesiredSession | None) -> SessionSpec | None:
    if life is not None:
        return life.spec
    return desired.spec if desired is not None else None


def _end(life: Incarnation | None, spec: SessionSpec | None) -> Timestamp | None:
    """When it ends, as far as that is fixed: the cap of a life that is not ready is no end that anyone planned."""
    if life is not None and (life.ready_at is not None or life.spec.expires_at is not None):
        return deadline(life)
    return spec.expires_at if spec is not None and life is None else None


def _goes_on(life: Incarnation | None) -> bool:
    return life is None or (life.ending is None and not life.ended)


def _origin(known: Known) -> str | None:
    if known.desired is not None:
        return str(known.desired.origin)
    if known.problems:
        problem = known.problems[0]
        return f"{problem.file}:{problem.line}" if problem.line is not None else problem.file
    return known.life.origin_file or None if known.life is not None else None


def _conditions(life: Incarnation) -> tuple[ConditionView, ...]:
    return tuple(
        ConditionView(
            type=condition.type,
            status=condition.status,
            reason=condition.reason,
            message=condition.message,
            last_transition_time=moment(condition.last_transition),
        )
        for condition in life.conditions
    )


def resources_view(resources: Resources) -> ResourcesView:
    return ResourcesView(
        cores=resources.cores, memory=format_memory(resources.memory_mib), disk=format_disk(resources.disk_gib)
    )


def event_view(event: Event) -> EventView:
    return EventView(
        id=event.id,
        session=event.session,
        uid=event.uid,
        type=event.type,
        reason=event.reason,
        message=event.message,
        count=event.count,
        first_at=moment(event.first_at),
        last_at=moment(event.last_at),
    )


def problem_view(problem: Problem) -> ProblemView:
    return ProblemView(
        file=problem.file,
        line=problem.line,
        column=problem.column,
        field=problem.field,
        session=problem.session,
        message=problem.message,
        sentence=str(problem),
    )


def notice_views(sentences: Mapping[str, str]) -> tuple[NoticeView, ...]:
    return tuple(NoticeView(reason=reason, sentence=sentence) for reason, sentence in sentences.items())


def container_view(row: ResourceRow, *, session: str | None) -> ContainerView:
    """``session``: the one whose life has this VMID."""
    return ContainerView(
        vmid=row.vmid,
        node=row.node,
        name=row.name,
        status=row.status,
        lock=row.lock,
        session=session,
        whose=Whose.OURS if session is not None else Whose.FOREIGN,
    )

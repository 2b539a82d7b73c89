"""Givens of the core's tests: one session, ``alice``, at every point of its life, and views of it.

Everything has a plausible default, so that a test names only what it is about. Expectations live in the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from controller.api.problem import Origin
from controller.core.absence import Missing
from controller.core.decide import decide
from controller.core.guards import Brakes, MassDelete
from controller.core.incarnation import Ending, EndReason, Incarnation, Placement, Stage, Task
from controller.core.model import (
    ArchiveSource,
    CloneSource,
    CloneTemplate,
    DesiredSession,
    Network,
    Phase,
    Readiness,
    Resources,
    SessionSpec,
)
from controller.core.steps import Step
from controller.core.view import Claimed, Listed, Live, Presence, TaskOutcome, TaskState, View

NOW = 1_800_000_000.0
GRACE = 5.0
SOON = NOW + 5.0
"""When a container that nobody may touch now is looked at again."""

ACCEPTED_AT, STARTED_AT, SETTLED_AT, READY_AT = NOW - 100, NOW - 80, NOW - 78, NOW - 60
RESOURCES = Resources(cores=2, memory_mib=1024, disk_gib=10)
SPEC = SessionSpec(
    template="default",
    owner="alice@example.org",
    source=ArchiveSource(volume="local:vztmpl/winux.tar.zst"),
    storage="local-lvm",
    pool="winux",
    nodes=(),
    resources=RESOURCES,
    network=Network(bridge="vmbr0"),
    desktop_user="user",
    nesting=True,
    ttl=1800.0,
    max_ttl=86_400.0,
    readiness=Readiness(timeout=300.0),
)
CLONE = CloneSource(templates=(CloneTemplate(vmid=9000, node="pve1"),))
DESIRED = DesiredSession(
    name="alice", spec=SPEC, generation="v1-a", revision="", origin=Origin(file="alice.yaml", line=3)
)
PLACEMENT = Placement(node="pve1", vmid=30101, intended_at=NOW - 90)

END = READY_AT + SPEC.ttl
"""When a session that is ready is due."""
CAP = ACCEPTED_AT + SPEC.max_ttl
"""When any life is due, ready or not."""
READY_BY = STARTED_AT + SPEC.readiness.timeout


# -- what is wanted --------------------------------------------------------------------------------------------


def spec(**changes: Any) -> SessionSpec:
    return replace(SPEC, **changes)


def wanted(*, generation: str = "v1-a", revision: str = "", **changes: Any) -> DesiredSession:
    """The manifest; ``changes`` are fields of its spec."""
    return replace(DESIRED, spec=spec(**changes), generation=generation, revision=revision)


def edited(*, revision: str = "", **changes: Any) -> DesiredSession:
    """The manifest with another meaning than the one that the life was accepted with."""
    return wanted(generation="v1-b", revision=revision, **changes)


# -- lives -----------------------------------------------------------------------------------------------------


def accepted(**changes: Any) -> Incarnation:
    life = Incarnation(
        uid="uid-1",
        session="alice",
        spec=SPEC,
        generation="v1-a",
        revision="",
        origin_file="alice.yaml",
        accepted_at=ACCEPTED_AT,
    )
    return replace(life, **changes)


def creating(**changes: Any) -> Incarnation:
    return replace(accepted(stage=Stage.CREATING, placement=PLACEMENT), **changes)


def created(**changes: Any) -> Incarnation:
    """Made and started 80 seconds ago, not ready yet."""
    life = creating(stage=Stage.CREATED, started_at=STARTED_AT, settled_at=SETTLED_AT, applied=RESOURCES)
    return replace(life, **changes)


def ready(**changes: Any) -> Incarnation:
    return replace(created(stage=Stage.READY, ready_at=READY_AT, address="10.0.0.7"), **changes)


def ending(life: Incarnation, reason: EndReason = EndReason.EXPIRED) -> Incarnation:
    return replace(life, ending=Ending(reason=reason, message=f"it ended: {reason}", since=NOW - 2))


def given_up(life: Incarnation) -> Incarnation:
    """Its container is being discarded, the life goes on."""
    return replace(life, discard="it was never ready")


def tombstone(reason: EndReason = EndReason.EXPIRED, **changes: Any) -> Incarnation:
    buried = ending(ready(stage=Stage.ENDED, placement=None, address=None, ended_at=NOW - 1), reason)
    return replace(buried, **changes)


def task(kind: str = "vzcreate") -> Task:
    return Task(upid=f"UPID:pve1:{kind}", kind=kind, node="pve1", begun_at=NOW - 3)


# -- what is seen ----------------------------------------------------------------------------------------------


def live(presence: Presence = Presence.OURS, **changes: Any) -> Live:
    """The container as just read: by default ours and as its spec says; the power state was not asked for."""
    as_wanted = Live(
        presence=presence, node="pve1", digest="d1", cores=2, memory_mib=1024, disk_gib=10, protection=True
    )
    return replace(as_wanted, **changes)


def listed(**changes: Any) -> Listed:
    return replace(Listed(node="pve1", status="running", lock=None, cores=2, memory_mib=1024), **changes)


def view(life: Incarnation | None = None, **changes: Any) -> View:
    """A healthy picture: the manifest is there, the container is listed and runs, no brake is on."""
    seen = listed() if life is not None and life.placement is not None else None
    healthy = View(
        now=NOW, name="alice", desired=DESIRED, incarnation=life, grace=GRACE, observed_at=NOW - 1, listed=seen
    )
    return replace(healthy, **changes)


RUNNING, OK, LOST = TaskOutcome(TaskState.RUNNING), TaskOutcome(TaskState.OK, "OK"), TaskOutcome(TaskState.LOST)
FAILED = TaskOutcome(TaskState.FAILED, "unable to create CT")

CLAIMED = Claimed(node="pve1", vmid=30101, uid="uid-0", accepted_at=ACCEPTED_AT, address="10.0.0.7")

ONE_SCAN = Missing(since=NOW - 60, scans=1)
IN_GRACE = Missing(since=NOW - 2, scans=2)
GRACE_ENDS = IN_GRACE.confirmed_at(GRACE)
CONFIRMED = Missing(since=NOW - GRACE, scans=2)


# -- brakes ----------------------------------------------------------------------------------------------------

PAUSED = Brakes(paused="an administrator paused the controller")
UNSYNCED = Brakes(unsynced="the manifests were not seen whole since the start")
BLIND = Brakes(blind="Proxmox cannot be observed")
CLOCK = Brakes(clock="the wall clock jumped")
MASS = Brakes(mass_delete=MassDelete().observe(orphans=frozenset({"uid-1", "b", "c", "d"}), ours=4))


def which(brakes: Brakes) -> str:
    """The brake that is on, for the names of tests."""
    on = (name for name in ("paused", "unsynced", "blind", "clock") if getattr(brakes, name))
    return next(on, "mass delete" if brakes.mass_delete.engaged else "none")


# -- tables ----------------------------------------------------------------------------------------------------

Told = tuple[Step, Phase, str, float | None]


def told(given: View) -> Told:
    """Step, phase, reason code and time to look again, as ``decide`` gives them."""
    decision = decide(given)
    return (decision.step, decision.phase, decision.reason, decision.again_at)


def row(fact: str, given: View, *expected: *Told) -> Any:
    """One row of a table of decisions; the fact is its name."""
    return pytest.param(given, expected, id=fact)


def decisions(*rows: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return pytest.mark.parametrize(("given", "expected"), rows)

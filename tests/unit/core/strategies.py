"""Arbitrary lives and views of them: every combination that the ledger and the picture can hold, likely or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from controller.api.problem import Origin
from controller.core.absence import Missing
from controller.core.guards import Brakes, MassDelete
from controller.core.incarnation import Ending, EndReason, Incarnation, Placement, Stage, Task
from controller.core.model import (
    AddressRange,
    ArchiveSource,
    CloneSource,
    CloneTemplate,
    Condition,
    ConditionStatus,
    DesiredSession,
    Destination,
    Network,
    Probe,
    Readiness,
    Resources,
    RestartPolicy,
    SessionSpec,
)
from controller.core.view import Claimed, Listed, Live, Presence, TaskOutcome, TaskState, View
from tests.unit.core.given import BLIND, CLOCK, MASS, NOW, PAUSED, UNSYNCED
from tests.unit.core.given import DESIRED as AS_WANTED

T = TypeVar("T")

NODES = st.sampled_from(["pve1", "pve2"])
VMIDS = st.integers(30001, 30003)
GENERATIONS = st.sampled_from(["v1-a", "v1-a", "v1-b"])
REVISIONS = st.sampled_from(["", "", "", "2"])
SENTENCES = st.sampled_from([None, None, None, "a sentence that says why"])
LOCKS = st.sampled_from([None, None, None, "create", "backup"])
RARELY = st.sampled_from([False, False, False, False, False, True])
UIDS = st.sampled_from(["uid-1", "uid-2", "uid-3", "uid-4"])

TIMES = st.sampled_from([NOW - 90_000, NOW - 1000, NOW - 1800, NOW - 300, NOW - 60, NOW - 15, NOW - 5, NOW - 1, NOW])
"""Up to now."""
MOMENTS = st.sampled_from([None, None, None, NOW - 90_000, NOW - 1, NOW, NOW + 1, NOW + 1800, NOW + 90_000])
"""None, past or to come."""
SPANS, LONG_SPANS = st.sampled_from([60.0, 1800.0, 7200.0]), st.sampled_from([600.0, 86_400.0, 172_800.0])

RESOURCES = st.builds(
    Resources,
    cores=st.sampled_from([1, 2]),
    memory_mib=st.sampled_from([512, 1024]),
    disk_gib=st.sampled_from([8, 10]),
)
SOURCES = st.sampled_from(
    [
        ArchiveSource(volume="local:vztmpl/winux.tar.zst"),
        CloneSource(templates=(CloneTemplate(vmid=9000),)),
        CloneSource(
            templates=(CloneTemplate(vmid=9001, node="pve1"), CloneTemplate(vmid=9002, node="pve2")), full=True
        ),
    ]
)
NETWORKS = st.sampled_from(
    [
        Network(bridge="vmbr0"),
        Network(bridge="vmbr1", vlan=7, nameservers=("10.0.0.1", "10.0.0.2")),
        Network(bridge="vmbr0", egress=()),
        Network(bridge="vmbr0", egress=(Destination(cidr="10.0.0.0/8", ports=("443/tcp",)),)),
        Network(
            bridge="vmbr0",
            addresses=AddressRange(first="10.0.0.2", last="10.0.0.9", prefix=24, gateway="10.0.0.1"),
        ),
    ]
)
SPECS = st.builds(
    SessionSpec,
    template=st.sampled_from(["default", "gpu"]),
    owner=st.sampled_from([None, "alice@example.org", "Zoë 🦊\nof 1:30"]),
    source=SOURCES,
    storage=st.just("local-lvm"),
    pool=st.just("winux"),
    nodes=st.sampled_from([(), ("pve1",)]),
    resources=RESOURCES,
    network=NETWORKS,
    desktop_user=st.just("user"),
    nesting=st.booleans(),
    ttl=SPANS,
    max_ttl=LONG_SPANS,
    expires_at=MOMENTS,
    start_at=MOMENTS,
    paused=RARELY,
    restart_policy=st.sampled_from(RestartPolicy),
    readiness=st.builds(
        Readiness, probe=st.sampled_from(Probe), port=st.just(3389), timeout=st.sampled_from([10.0, 300.0])
    ),
)
DESIRED = st.builds(
    DesiredSession,
    name=st.just("alice"),
    spec=SPECS,
    generation=GENERATIONS,
    revision=REVISIONS,
    origin=st.just(Origin(file="alice.yaml")),
)
_CONDITION = Condition(
    type="Ready",
    status=ConditionStatus.TRUE,
    reason="Ready",
    message="une phrase — é",
    generation="v1-a",
    last_transition=NOW - 1,
)
CONDITIONS = st.sampled_from(
    [(), (_CONDITION,), (_CONDITION, replace(_CONDITION, type="SpecApplied", status=ConditionStatus.UNKNOWN))]
)
ENDINGS = st.builds(Ending, reason=st.sampled_from(EndReason), message=st.just("it ended"), since=TIMES)
TASKS = st.builds(
    Task,
    upid=st.just("UPID:pve1:1"),
    kind=st.sampled_from(["vzcreate", "vzclone", "vzstart", "vzdestroy", "resize"]),
    node=NODES,
    begun_at=TIMES,
)


NONE, FALSE = st.none(), st.just(False)


def seldom(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """None three times out of four. (Equal branches of a ``one_of`` count once, so they are made unequal.)"""
    return st.one_of(st.just(None), st.sampled_from([None]), st.none(), strategy)


_ADDRESS = NONE | st.just("10.0.0.7")
_DISCARD = st.none() | st.just("it was never ready")


def _lives_at(stage: Stage, *, over: bool) -> st.SearchStrategy[Incarnation]:
    """What the stage promises is there; everything else may be."""
    placed = stage in {Stage.CREATING, Stage.CREATED, Stage.READY}
    ended = stage is Stage.ENDED
    placements = st.builds(
        Placement,
        node=NODES,
        vmid=VMIDS,
        intended_at=TIMES,
        template=NONE | st.just(9000),
        address=_ADDRESS,
        refused=RARELY if stage is Stage.CREATING else FALSE,
    )
    return st.builds(
        Incarnation,
        uid=UIDS,
        session=st.just("alice"),
        spec=SPECS,
        generation=GENERATIONS,
        revision=REVISIONS,
        origin_file=st.sampled_from(["alice.yaml", ""]),
        accepted_at=TIMES,
        stage=st.just(stage),
        placement=placements if placed else NONE,
        task=seldom(TASKS) if placed else NONE,
        started_at=NONE | TIMES,
        settled_at=NONE | TIMES,
        configured=st.booleans(),
        applied=NONE | RESOURCES,
        address=_ADDRESS,
        ready_at=TIMES if stage is Stage.READY else NONE | TIMES,
        extension=st.sampled_from([0.0, 0.0, 600.0, 86_400.0]),
        discard=_DISCARD if placed and over else NONE,
        ending=ENDINGS if ended else NONE | ENDINGS if over else NONE,
        ended_at=TIMES if ended else NONE,
        attempts=st.integers(0, 3),
        failures=st.integers(0, 9),
        paused=RARELY,
        conditions=CONDITIONS,
    )


_BEFORE_THE_END = [stage for stage in Stage if stage is not Stage.ENDED]
GOING_ON = st.one_of([_lives_at(stage, over=False) for stage in _BEFORE_THE_END])
"""A life at any stage, of which nothing is decided to end."""
LIVING = GOING_ON | st.one_of([_lives_at(stage, over=True) for stage in _BEFORE_THE_END])
"""A life at any stage; its end, or that of its container, may be decided."""
TOMBSTONES = _lives_at(Stage.ENDED, over=True)
LIVES = LIVING | TOMBSTONES

BRAKES = st.one_of(
    st.sampled_from([Brakes(), Brakes(), Brakes()]),
    st.just(Brakes()),
    st.sampled_from([PAUSED, UNSYNCED, BLIND, CLOCK, MASS]),
    st.builds(
        Brakes,
        unsynced=SENTENCES,
        blind=SENTENCES,
        mass_delete=st.builds(MassDelete, engaged=st.booleans(), confirmed=st.frozensets(UIDS, max_size=2)),
        clock=SENTENCES,
        paused=SENTENCES,
    ),
)

LISTED = st.builds(
    Listed,
    node=NODES,
    status=st.sampled_from(["running", "stopped", "unknown"]),
    lock=LOCKS,
    cores=st.sampled_from([None, 1, 2]),
    memory_mib=st.sampled_from([None, 512, 1024]),
    name=st.sampled_from([None, "alice", "alice", "bob"]),
)
LIVE = st.builds(
    Live,
    presence=st.sampled_from(Presence),
    node=NODES,
    digest=st.just("d1"),
    cores=st.sampled_from([None, 1, 2]),
    memory_mib=st.sampled_from([None, 512, 1024]),
    disk_gib=st.sampled_from([None, 8, 10]),
    protection=st.booleans(),
    lock=LOCKS,
    running=st.sampled_from([None, True, False]),
)
OUTCOMES = st.builds(
    TaskOutcome, state=st.sampled_from(TaskState), exit_status=st.sampled_from(["", "OK", "unable to create CT"])
)
CLAIMS = st.builds(Claimed, node=NODES, vmid=VMIDS, uid=st.just("uid-0"), accepted_at=TIMES)


_MISSING = st.none() | st.builds(Missing, since=TIMES, scans=st.integers(1, 3))
_WHICH = st.sampled_from(["as accepted", "as accepted", "edited", "gone"])
_LISTED, _LIVE, _OUTCOMES, _CLAIMS = NONE | LISTED, NONE | LIVE, NONE | OUTCOMES, NONE | CLAIMS
_GRACES, _ATTEMPTS, _OBSERVED = st.sampled_from([0.0, 5.0, 600.0]), st.integers(1, 3), NONE | TIMES


@st.composite
def _manifests(draw: st.DrawFn, life: Incarnation | None) -> DesiredSession | None:
    match draw(_WHICH):
        case "gone":
            return None
        case "as accepted" if life is not None:
            return replace(AS_WANTED, spec=life.spec, generation=life.generation, revision=life.revision)
        case _:
            return draw(DESIRED)


@st.composite
def views(draw: st.DrawFn, lives: st.SearchStrategy[Incarnation | None] = NONE | LIVES) -> View:
    """Any view that the picture can give. Only a VMID that was asked for, and not refused, is ever read."""
    life = draw(lives)
    placement = life.placement if life is not None else None
    asked = placement is not None and not placement.refused
    return View(
        now=NOW,
        name="alice",
        desired=draw(_manifests(life)),
        incarnation=life,
        missing=draw(_MISSING),
        undecided=draw(RARELY),
        grace=draw(_GRACES),
        observed_at=draw(_OBSERVED),
        listed=draw(_LISTED) if placement is not None else None,
        live=draw(_LIVE) if asked else None,
        task=draw(_OUTCOMES) if life is not None and life.task is not None else None,
        claimed=draw(_CLAIMS) if life is None else None,
        attempts=draw(_ATTEMPTS),
        brakes=draw(BRAKES),
    )

"""serve(): from a life without a container to a container that was made, and every way a create can turn out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.decide import decide
from controller.core.guards import Brakes
from controller.core.model import Phase
from controller.core.steps import (
    Create,
    Displaced,
    FinishTask,
    Place,
    RecordCreated,
    Resolve,
    Rest,
)
from controller.core.view import Presence, View
from tests.unit.core.given import (
    BLIND,
    CAP,
    CLOCK,
    CONFIRMED,
    END,
    FAILED,
    GRACE_ENDS,
    IN_GRACE,
    LOST,
    MASS,
    NOW,
    OK,
    PAUSED,
    PLACEMENT,
    READY_AT,
    RUNNING,
    SOON,
    UNSYNCED,
    Told,
    accepted,
    creating,
    decisions,
    live,
    row,
    task,
    told,
    view,
    wanted,
)

HELD, PENDING, CREATING = Phase.HELD, Phase.PENDING, Phase.CREATING
FRESH = view(accepted())


def starting(start_at: float, **changes: object) -> View:
    """A life that was accepted 100 s ago, and whose manifest says by now that it starts then."""
    desired = wanted(start_at=start_at)
    return view(accepted(spec=desired.spec, **changes), desired=desired)


MOVED = starting(NOW + 600)


@decisions(
    row("a container is made", FRESH, Place(), PENDING, "Placing", CAP),
    row("not while the controller is paused", replace(FRESH, brakes=PAUSED), Rest(), HELD, "Paused", CAP),
    row("not before all sources were seen", replace(FRESH, brakes=UNSYNCED), Rest(), HELD, "NotSynced", CAP),
    row("not while Proxmox cannot be seen", replace(FRESH, brakes=BLIND), Rest(), HELD, "NotObserved", CAP),
    row("a jump of the clock holds no creation", replace(FRESH, brakes=CLOCK), Place(), PENDING, "Placing", CAP),
    row("nor does the mass-delete brake", replace(FRESH, brakes=MASS), Place(), PENDING, "Placing", CAP),
    row("not without its manifest", replace(FRESH, desired=None), Rest(), PENDING, "ManifestMissing", CAP),
    row(
        "nor in the grace after it went",
        replace(FRESH, desired=None, missing=IN_GRACE),
        Rest(),
        PENDING,
        "ManifestMissing",
        GRACE_ENDS,
    ),
    row(
        "nor where a broken file may hold it",
        replace(FRESH, desired=None, missing=CONFIRMED, undecided=True),
        Rest(),
        PENDING,
        "ManifestMissing",
        CAP,
    ),
    row("not while paused by an administrator", view(accepted(paused=True)), Rest(), HELD, "Paused", CAP),
    row("not before its start, if that was moved", MOVED, Rest(), PENDING, "Scheduled", NOW + 600),
    row("at its start", replace(MOVED, now=NOW + 600), Place(), PENDING, "Placing", CAP + 700),
    row("a start that has passed", starting(NOW - 1), Place(), PENDING, "Placing", CAP + 99),
    row("one that was ready has begun", starting(NOW + 600, ready_at=READY_AT), Place(), PENDING, "Placing", END),
    row("a brake comes before the start", replace(MOVED, brakes=BLIND), Rest(), HELD, "NotObserved", CAP + 700),
    row("a pause comes before the start", starting(NOW + 600, paused=True), Rest(), HELD, "Paused", CAP + 700),
    row(
        "and so does the want of a manifest",
        replace(MOVED, desired=None),
        Rest(),
        PENDING,
        "ManifestMissing",
        CAP + 700,
    ),
    row("again after it was lost", view(accepted(ready_at=None, failures=3)), Place(), PENDING, "Placing", CAP),
)
def test_an_accepted_life(given: View, expected: Told) -> None:
    assert told(given) == expected


LOST_CALL = view(creating(), listed=None)
IN_FLIGHT = view(creating(task=task()), listed=None)
AFTERWARDS = replace(IN_FLIGHT, task=FAILED)


def found(given: View, presence: Presence, **changes: object) -> View:
    return replace(given, live=live(presence, **changes))


@decisions(
    row(
        "Proxmox refused the VMID",
        view(creating(placement=replace(PLACEMENT, refused=True))),
        Displaced(),
        CREATING,
        "VmidTaken",
        CAP,
    ),
    row("its task was not polled yet", IN_FLIGHT, Rest(), CREATING, "Creating", CAP),
    row("its task runs", replace(IN_FLIGHT, task=RUNNING), Rest(), CREATING, "Creating", CAP),
    row("its task ended well", replace(IN_FLIGHT, task=OK), RecordCreated(), CREATING, "Created", CAP),
    row("its task failed: what is left?", AFTERWARDS, Resolve(), CREATING, "Resolving", CAP),
    row("its task was lost: what is there?", replace(IN_FLIGHT, task=LOST), Resolve(), CREATING, "Resolving", CAP),
    row("the answer was lost: what is there?", LOST_CALL, Resolve(), CREATING, "Resolving", CAP),
)
def test_a_create_in_flight(given: View, expected: Told) -> None:
    assert told(given) == expected


@decisions(
    row("ours, after a lost answer", found(LOST_CALL, Presence.OURS), RecordCreated(), CREATING, "Created", CAP),
    row(
        "ours, after a lost task",
        found(replace(IN_FLIGHT, task=LOST), Presence.OURS),
        RecordCreated(),
        CREATING,
        "Created",
        CAP,
    ),
    row("ours, after a failed task", found(AFTERWARDS, Presence.OURS), RecordCreated(), CREATING, "Created", CAP),
    row("ours, still locked", found(LOST_CALL, Presence.OURS, lock="create"), Rest(), HELD, "CreateUnclear", SOON),
    row("a stub", found(LOST_CALL, Presence.STUB), Rest(), HELD, "CreateUnclear", SOON),
    row("something that cannot be read", found(LOST_CALL, Presence.HIDDEN), Rest(), HELD, "CreateUnclear", SOON),
    row("a stub, after a failed task", found(AFTERWARDS, Presence.STUB), Rest(), HELD, "CreateUnclear", SOON),
    row("nothing, after a lost answer", found(LOST_CALL, Presence.ABSENT), Create(), CREATING, "CreatingAgain", CAP),
    row(
        "nothing, after a failed task",
        found(AFTERWARDS, Presence.ABSENT),
        FinishTask("unable to create CT"),
        CREATING,
        "CreateFailed",
        CAP,
    ),
    row(
        "nothing, after a lost task",
        found(replace(IN_FLIGHT, task=LOST), Presence.ABSENT),
        FinishTask("it vanished"),
        CREATING,
        "CreateFailed",
        CAP,
    ),
    row("somebody else's", found(LOST_CALL, Presence.FOREIGN), Displaced(), CREATING, "VmidTaken", CAP),
    row(
        "somebody else's, after a failed task",
        found(AFTERWARDS, Presence.FOREIGN),
        Displaced(),
        CREATING,
        "VmidTaken",
        CAP,
    ),
)
def test_what_a_create_left_under_its_vmid(given: View, expected: Told) -> None:
    assert told(given) == expected


@pytest.mark.parametrize("presence", [Presence.OURS, Presence.STUB, Presence.HIDDEN])
@pytest.mark.parametrize("given", [LOST_CALL, AFTERWARDS], ids=["answer lost", "task failed"])
def test_no_other_vmid_is_chosen_while_the_first_may_hold_our_container(given: View, presence: Presence) -> None:
    for lock in (None, "create"):
        assert not isinstance(decide(found(given, presence, lock=lock)).step, Displaced | Create | Place)


@pytest.mark.parametrize(
    ("changes", "phase", "reason"),
    [
        ({"brakes": UNSYNCED}, HELD, "NotSynced"),
        ({"brakes": BLIND}, HELD, "NotObserved"),
        ({"brakes": PAUSED}, HELD, "Paused"),
        ({"desired": wanted(paused=True)}, HELD, "PausedByManifest"),
        ({"desired": None}, CREATING, "ManifestMissing"),
    ],
    ids=["unsynced", "blind", "controller paused", "paused by its manifest", "manifest missing"],
)
def test_a_create_that_never_happened_is_asked_for_again_only_where_one_may_begin(
    changes: dict[str, object], phase: Phase, reason: str
) -> None:
    given = replace(found(LOST_CALL, Presence.ABSENT), **changes)
    assert told(given) == (Rest(), phase, reason, CAP)


@pytest.mark.parametrize("brakes", [UNSYNCED, BLIND], ids=["unsynced", "blind"])
def test_a_create_that_did_happen_is_followed_under_every_brake(brakes: Brakes) -> None:
    assert decide(replace(IN_FLIGHT, task=OK, brakes=brakes)).step == RecordCreated()
    assert decide(replace(LOST_CALL, brakes=brakes)).step == Resolve()


def test_a_killed_create_says_what_an_administrator_can_do() -> None:
    assert "`pct unlock 30101`" in decide(found(LOST_CALL, Presence.STUB)).message

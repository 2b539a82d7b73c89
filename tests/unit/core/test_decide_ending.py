"""decide(), rung 3 and the first half of 4: when a life ends, what holds its end, and how its container goes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from controller.core.decide import decide
from controller.core.guards import Brakes
from controller.core.incarnation import EndReason, Incarnation, Placement, Stage
from controller.core.lifecycle import STRAGGLES
from controller.core.model import Phase
from controller.core.steps import (
    Accept,
    Bury,
    Destroy,
    End,
    FinishTask,
    Look,
    Place,
    RecordGone,
    Release,
    Resolve,
    Rest,
    Revise,
    Step,
)
from controller.core.view import Presence, TaskOutcome, View
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
    ONE_SCAN,
    PAUSED,
    PLACEMENT,
    RUNNING,
    SOON,
    UNSYNCED,
    Told,
    accepted,
    created,
    creating,
    decisions,
    edited,
    ending,
    given_up,
    live,
    ready,
    row,
    spec,
    task,
    told,
    tombstone,
    view,
    wanted,
    which,
)

STAGES = {"creating": creating(), "created": created(), "ready": ready()}
HELD, TERMINATING, READY = Phase.HELD, Phase.TERMINATING, Phase.READY
TIME_IS_UP = End(EndReason.EXPIRED, "its time was up")
MANIFEST_GONE = End(EndReason.MANIFEST_REMOVED, "its manifest was removed from alice.yaml")

# -- time ------------------------------------------------------------------------------------------------------

DUE = {
    "before it had a container": accepted(spec=spec(expires_at=NOW)),
    "while its container is made": creating(spec=spec(expires_at=NOW)),
    "before it was ready": created(spec=spec(expires_at=NOW)),
    "when its time to live is over": ready(ready_at=NOW - 1800),
    "when its extended time is over": ready(ready_at=NOW - 2700, extension=900.0),
    "when the cap is reached, never ready": created(accepted_at=NOW - 86_400),
    "when the cap is reached, extended or not": ready(accepted_at=NOW - 86_400, extension=9e9),
    "long after": ready(ready_at=NOW - 80_000),
    "while an operation runs": ready(ready_at=NOW - 1800, task=task("vzstart")),
}


@pytest.mark.parametrize("life", DUE.values(), ids=DUE.keys())
def test_a_life_ends_on_time(life: Incarnation) -> None:
    assert told(view(life)) == (TIME_IS_UP, TERMINATING, "Expired", None)


@pytest.mark.parametrize("life", [accepted(), creating(task=task()), created(), ready()], ids=lambda life: life.stage)
def test_a_life_is_looked_at_again_at_its_end_at_the_latest(life: Incarnation) -> None:
    due = replace(life, spec=spec(expires_at=NOW + 0.001))
    assert decide(view(due)).again_at == NOW + 0.001


@pytest.mark.parametrize(
    ("brakes", "reason"),
    [(PAUSED, "Paused"), (UNSYNCED, "NotSynced"), (CLOCK, "ClockJumped")],
    ids=["the controller is paused", "a source was never seen whole", "the clock jumped"],
)
def test_an_expiry_waits_while(brakes: Brakes, reason: str) -> None:
    assert told(view(ready(ready_at=NOW - 1800), brakes=brakes)) == (Rest(), HELD, reason, SOON)


@pytest.mark.parametrize(
    "changes",
    [
        {"brakes": MASS},
        {"brakes": BLIND},
        {"desired": None},
        {"desired": None, "undecided": True},
        {"desired": None, "missing": CONFIRMED, "brakes": MASS},
        {"desired": wanted(paused=True)},
        {"incarnation": ready(ready_at=NOW - 1800, paused=True)},
        {"live": live(Presence.HIDDEN)},
    ],
    ids=[
        "the mass-delete brake",
        "a blind picture",
        "an unseen manifest",
        "a manifest that fails to parse",
        "a mass delete that it is part of",
        "a pause by the manifest",
        "a pause by an administrator",
        "a container that cannot be read",
    ],
)
def test_an_expiry_is_not_held_by(changes: dict[str, object]) -> None:
    assert decide(replace(view(ready(ready_at=NOW - 1800)), **changes)).step == TIME_IS_UP


# -- the manifest is gone --------------------------------------------------------------------------------------

ORPHAN = view(ready(), desired=None, missing=CONFIRMED)


@decisions(
    row("never missed", replace(ORPHAN, missing=None), Rest(), READY, "ManifestUnknown", END),
    row("missed by one scan", replace(ORPHAN, missing=ONE_SCAN), Rest(), READY, "ManifestMissing", END),
    row(
        "missed by two, within the grace",
        replace(ORPHAN, missing=IN_GRACE),
        Rest(),
        READY,
        "ManifestMissing",
        GRACE_ENDS,
    ),
    row("a broken file may hold it", replace(ORPHAN, undecided=True), Rest(), READY, "ManifestMissing", END),
    row("missed by two, for the grace", ORPHAN, MANIFEST_GONE, TERMINATING, "ManifestRemoved", None),
    row("it is back", replace(ORPHAN, desired=wanted()), Rest(), READY, "Ready", END),
    row("while the controller is paused", replace(ORPHAN, brakes=PAUSED), Rest(), HELD, "Paused", END),
    row("before all sources were seen", replace(ORPHAN, brakes=UNSYNCED), Rest(), HELD, "NotSynced", END),
    row("while Proxmox cannot be seen", replace(ORPHAN, brakes=BLIND), Rest(), HELD, "NotObserved", END),
    row("after a jump of the clock", replace(ORPHAN, brakes=CLOCK), Rest(), HELD, "ClockJumped", END),
    row("among too many", replace(ORPHAN, brakes=MASS), Rest(), HELD, "MassDelete", END),
    row(
        "among too many, but confirmed",
        replace(ORPHAN, brakes=Brakes(mass_delete=replace(MASS.mass_delete, confirmed=frozenset({"uid-1"})))),
        MANIFEST_GONE,
        TERMINATING,
        "ManifestRemoved",
        None,
    ),
    row(
        "paused by an administrator",
        replace(ORPHAN, incarnation=ready(paused=True)),
        MANIFEST_GONE,
        TERMINATING,
        "ManifestRemoved",
        None,
    ),
)
def test_an_orphan_ends_only_after_two_clean_scans_and_the_grace_and_unbraked(given: View, expected: Told) -> None:
    assert told(given) == expected


def test_a_container_of_ours_that_no_manifest_ever_asked_for_ends_as_an_unknown_orphan() -> None:
    foundling = replace(ORPHAN, incarnation=ready(origin_file=""))
    step = End(EndReason.UNKNOWN_ORPHAN, "no manifest asks for it")
    assert told(foundling) == (step, TERMINATING, "UnknownOrphan", None)
    assert decide(replace(foundling, brakes=MASS)).step == Rest()


@pytest.mark.parametrize("life", [accepted(), *STAGES.values()], ids=lambda life: life.stage)
def test_an_orphan_ends_at_every_stage(life: Incarnation) -> None:
    assert decide(replace(ORPHAN, incarnation=life)).step == MANIFEST_GONE


# -- a new revision --------------------------------------------------------------------------------------------

ANOTHER = edited(revision="2")
REPLACED = End(EndReason.REPLACED, "spec.revision 2 asks for a new life")


@pytest.mark.parametrize("life", [accepted(), *STAGES.values()], ids=lambda life: life.stage)
def test_a_new_revision_ends_the_life_that_runs(life: Incarnation) -> None:
    assert told(view(life, desired=ANOTHER)) == (REPLACED, TERMINATING, "Replaced", None)


def test_a_revision_that_was_removed_asks_for_a_new_life_as_well() -> None:
    decision = decide(view(ready(revision="1"), desired=edited()))
    assert decision.step == End(EndReason.REPLACED, "spec.revision (none) asks for a new life")


@pytest.mark.parametrize("given", [view(ready(), desired=ANOTHER), ORPHAN], ids=["replaced", "orphan"])
def test_what_is_told_of_an_end_is_what_is_kept_of_it(given: View) -> None:
    decision = decide(given)
    assert isinstance(decision.step, End)
    assert decision.message == decision.step.message


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"brakes": PAUSED}, "Paused"),
        ({"incarnation": ready(paused=True)}, "Paused"),
        ({"desired": edited(revision="2", paused=True)}, "PausedByManifest"),
    ],
    ids=["by an administrator, all", "by an administrator", "by its manifest"],
)
def test_nothing_is_replaced_while_it_is_paused(changes: dict[str, object], reason: str) -> None:
    assert told(replace(view(ready(), desired=ANOTHER), **changes)) == (Rest(), HELD, reason, END)


@pytest.mark.parametrize("brakes", [UNSYNCED, BLIND], ids=["unsynced", "blind"])
def test_nothing_is_replaced_while_nothing_can_be_made(brakes: Brakes) -> None:
    assert not isinstance(decide(view(ready(), desired=ANOTHER, brakes=brakes)).step, End)


@pytest.mark.parametrize("brakes", [UNSYNCED, BLIND], ids=["unsynced", "blind"])
def test_a_new_revision_that_came_while_nothing_could_be_made_is_not_lost(brakes: Brakes) -> None:
    """After a restart the manifests are always read before Proxmox is."""
    life = ready()
    step = decide(view(life, desired=ANOTHER, brakes=brakes)).step
    if isinstance(step, Revise):
        life = replace(life, spec=step.spec, generation=step.generation)
    assert decide(view(life, desired=ANOTHER)).step == REPLACED
    buried = replace(ending(life, EndReason.REPLACED), stage=Stage.ENDED, placement=None)
    assert decide(view(buried, desired=ANOTHER)).step == Accept(ANOTHER)


# -- destroying ------------------------------------------------------------------------------------------------


def winding_up(life: Incarnation, **changes: object) -> dict[str, tuple[View, Step]]:
    """The same view of a life that ends and of a container that is given up, and how each is told to be gone."""
    return {
        "Expired": (view(ending(life), **changes), Bury()),
        "NeverReady": (view(given_up(life), **changes), RecordGone("it was never ready")),
    }


BOTH = pytest.mark.parametrize("why", ["Expired", "NeverReady"])
MADE = {
    "nothing was asked for": accepted(),
    "Proxmox refused": creating(placement=replace(PLACEMENT, refused=True)),
}


@BOTH
@pytest.mark.parametrize("life", MADE.values(), ids=MADE.keys())
def test_without_a_container_it_is_over_at_once(life: Incarnation, why: str) -> None:
    given, gone = winding_up(life)[why]
    assert told(given) == (gone, TERMINATING, why, None)


@BOTH
@pytest.mark.parametrize("presence", [Presence.ABSENT, Presence.FOREIGN])
@pytest.mark.parametrize("life", STAGES.values(), ids=STAGES.keys())
def test_a_container_that_was_seen_to_be_gone_is_over(life: Incarnation, presence: Presence, why: str) -> None:
    given, gone = winding_up(life, live=live(presence))[why]
    assert told(given) == (gone, TERMINATING, why, None)


@BOTH
@pytest.mark.parametrize("life", STAGES.values(), ids=STAGES.keys())
def test_a_container_of_ours_is_destroyed(life: Incarnation, why: str) -> None:
    given, _ = winding_up(life, live=live())[why]
    assert told(given) == (Destroy(), TERMINATING, why, None)


@BOTH
@pytest.mark.parametrize("life", STAGES.values(), ids=STAGES.keys())
def test_a_locked_container_is_destroyed_when_its_lock_goes(life: Incarnation, why: str) -> None:
    given, _ = winding_up(life, live=live(lock="backup"))[why]
    assert told(given) == (Rest(), TERMINATING, why, SOON)
    assert "locked (backup)" in decide(given).message
    assert "pct unlock 30101" in decide(given).message


@BOTH
@pytest.mark.parametrize("presence", [Presence.HIDDEN, Presence.STUB])
@pytest.mark.parametrize("life", STAGES.values(), ids=STAGES.keys())
def test_what_cannot_be_read_is_never_forgotten(life: Incarnation, presence: Presence, why: str) -> None:
    given, _ = winding_up(life, live=live(presence))[why]
    assert told(given) == (Rest(), HELD, "Hidden", SOON)
    assert "30101" in decide(given).message
    assert "pct unlock" in decide(given).message
    blind = decide(replace(given, brakes=BLIND))
    assert "pct unlock" not in blind.message, "a token that lost its rights is not mended by unlocking"


@BOTH
@pytest.mark.parametrize(
    ("life", "step"),
    [(creating(), Resolve()), (created(), Look()), (ready(), Look())],
    ids=["a create whose outcome is unknown is resolved", "a container is looked at", "a desktop is looked at"],
)
def test_before_anything_is_destroyed(life: Incarnation, step: Step, why: str) -> None:
    given, _ = winding_up(life)[why]
    assert told(given) == (step, TERMINATING, why, None)


@BOTH
@pytest.mark.parametrize(
    ("outcome", "step"),
    [
        (None, Rest()),
        (RUNNING, Rest()),
        (OK, FinishTask(None)),
        (LOST, FinishTask(None)),
        (FAILED, FinishTask("unable to create CT")),
    ],
    ids=["not polled yet", "runs", "ended well", "lost", "failed"],
)
@pytest.mark.parametrize("life", STAGES.values(), ids=STAGES.keys())
def test_an_operation_in_flight_is_waited_for(
    life: Incarnation, outcome: TaskOutcome | None, step: Step, why: str
) -> None:
    given, _ = winding_up(replace(life, task=task()), task=outcome, live=live())[why]
    assert told(given) == (step, TERMINATING, why, None)


@BOTH
def test_a_paused_controller_destroys_nothing(why: str) -> None:
    given, _ = winding_up(ready(), live=live(), brakes=PAUSED)[why]
    assert told(given) == (Rest(), HELD, "Paused", None)


@pytest.mark.parametrize("desired", [wanted(), edited(), ANOTHER, None], ids=["back", "edited", "revised", "gone"])
@pytest.mark.parametrize("brakes", [Brakes(), UNSYNCED, BLIND, CLOCK, MASS], ids=which)
def test_there_is_no_way_back_from_an_end(desired: object, brakes: Brakes) -> None:
    assert decide(view(ending(ready()), live=live(), desired=desired, brakes=brakes)).step == Destroy()


def test_why_a_container_is_given_up_is_told_all_the_way() -> None:
    assert decide(view(given_up(ready()))).message == "it was never ready"


@pytest.mark.parametrize("reason", EndReason)
def test_why_a_life_ends_is_told_all_the_way(reason: EndReason) -> None:
    decision = decide(view(ending(ready(), reason)))
    assert (decision.reason, decision.message) == (reason, f"it ended: {reason}")


@pytest.mark.parametrize(
    ("life", "presence", "lock"),
    [*product(STAGES.values(), (Presence.OURS, Presence.HIDDEN, Presence.STUB), (None, "create", "destroyed"))],
    ids=lambda value: value.stage if isinstance(value, Incarnation) else str(value),
)
def test_no_life_is_forgotten_while_its_container_may_exist(
    life: Incarnation, presence: Presence, lock: str | None
) -> None:
    for over in (ending(life), given_up(life), replace(life, task=task("vzdestroy"))):
        for outcome in (None, RUNNING, OK, FAILED, LOST):
            step = decide(view(over, live=live(presence, lock=lock), task=outcome)).step
            assert not isinstance(step, Bury | RecordGone | Release)


def test_a_session_that_was_asked_for_too_late_leaves_a_tombstone_and_no_container() -> None:
    desired = wanted(expires_at=NOW - 1)
    assert decide(view(desired=desired)).step == Accept(desired)
    life = accepted(spec=desired.spec, accepted_at=NOW)
    assert decide(view(life, desired=desired)).step == TIME_IS_UP
    assert decide(view(ending(life), desired=desired)).step == Bury()
    assert decide(view(tombstone(spec=desired.spec), desired=desired)).step == Rest()


READY_LONG_AGO = NOW - 1200


def test_a_lost_container_is_made_again_only_for_the_time_that_is_left() -> None:
    again = accepted(ready_at=READY_LONG_AGO)
    assert told(view(again))[0] == Place()
    assert decide(view(again)).again_at == READY_LONG_AGO + 1800
    assert decide(view(again, now=READY_LONG_AGO + 1800)).step == TIME_IS_UP


def test_a_life_that_was_never_ready_is_due_at_the_cap() -> None:
    assert decide(view(accepted())).again_at == CAP


def test_an_end_that_an_edit_moved_while_nobody_was_here_is_the_edited_one() -> None:
    life = ready(ready_at=NOW - 3600.0, accepted_at=NOW - 3600.0)
    due = view(life, desired=edited(ttl=7200.0))
    step = decide(due).step
    assert isinstance(step, Revise)
    revised = replace(life, spec=step.spec, generation=step.generation)
    assert not isinstance(decide(replace(due, incarnation=revised)).step, End)


# -- a call whose answer was lost ------------------------------------------------------------------------------


def _lost(seconds_ago: float) -> Placement:
    return replace(PLACEMENT, unclear_at=NOW - seconds_ago)


@pytest.mark.parametrize("presence", [Presence.ABSENT, Presence.FOREIGN])
def test_a_lost_call_that_may_still_be_carried_out_keeps_what_is_gone_from_being_forgotten(presence: Presence) -> None:
    gone = view(ending(ready(placement=_lost(10))), live=live(presence))
    watched = presence is Presence.ABSENT  # what is somebody else's cannot be made
    assert decide(gone).step == (Rest() if watched else Bury())
    assert decide(gone).again_at == (NOW + STRAGGLES - 10 if watched else None)


@pytest.mark.parametrize("seconds_ago", [STRAGGLES, 3600, -3600], ids=["then no more", "long ago", "the clock was set"])
def test_a_lost_call_is_feared_for_a_minute(seconds_ago: float) -> None:
    assert decide(view(ending(ready(placement=_lost(seconds_ago))), live=live(Presence.ABSENT))).step == Bury()


def test_what_a_lost_call_made_after_all_is_destroyed_too() -> None:
    assert decide(view(ending(ready(placement=_lost(10))), live=live())).step == Destroy()


def test_a_life_that_goes_on_chooses_no_other_container_while_a_lost_call_may_make_the_first_anew() -> None:
    decision = decide(view(ready(placement=_lost(10)), live=live(Presence.ABSENT)))
    assert (decision.step, decision.again_at) == (Rest(), NOW + STRAGGLES - 10)
    assert isinstance(decide(view(ready(placement=_lost(70)), live=live(Presence.ABSENT))).step, RecordGone)

"""decide() over arbitrary views: what must hold whatever is known, however unlikely."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.core.decide import WITH_A_NEXT_LIFE, decide
from controller.core.incarnation import Ending, EndReason
from controller.core.lifecycle import deadline
from controller.core.steps import (
    Accept,
    Adopt,
    Bury,
    Configure,
    Create,
    Destroy,
    Displaced,
    End,
    Follow,
    GiveUpContainer,
    Grow,
    Place,
    RecordGone,
    Release,
    Rest,
    Revise,
    Start,
)
from controller.core.view import Presence, TaskState, View
from tests.unit.core.given import NOW
from tests.unit.core.strategies import GOING_ON, LIVING, TOMBSTONES, views

PROPERTY = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
MAY_EXIST = {Presence.OURS, Presence.HIDDEN, Presence.STUB}


@PROPERTY
@given(views())
def test_every_view_has_one_decision_in_one_sentence_with_a_reason_code(view: View) -> None:
    decision = decide(view)
    assert decision == decide(view)
    assert re.fullmatch(r"([A-Z][a-z]+)+", decision.reason)
    assert decision.message
    assert "\n" not in decision.message


@PROPERTY
@given(views(LIVING))
def test_nothing_is_destroyed_but_what_was_just_read_as_ours_and_is_over(view: View) -> None:
    if isinstance(decide(view).step, Destroy):
        assert view.live is not None
        assert (view.live.presence, view.live.lock) == (Presence.OURS, None)
        assert view.incarnation is not None
        assert view.incarnation.ending is not None or view.incarnation.discard is not None


@PROPERTY
@given(views(LIVING))
def test_nothing_is_changed_but_what_was_just_read_as_ours_and_is_not_locked(view: View) -> None:
    if isinstance(decide(view).step, Configure | Grow | Start | Destroy):
        assert view.live is not None
        assert (view.live.presence, view.live.lock) == (Presence.OURS, None)


@PROPERTY
@given(views())
def test_nothing_begins_under_a_brake_against_creation(view: View) -> None:
    if view.brakes.against_creation():
        assert not isinstance(decide(view).step, Accept | Adopt | Place | Create)


@PROPERTY
@given(views())
def test_nothing_happens_while_the_controller_is_paused(view: View) -> None:
    paused = replace(view, brakes=replace(view.brakes, paused="an administrator paused the controller"))
    assert decide(paused).step == Rest()


@PROPERTY
@given(views(LIVING))
def test_nothing_is_forgotten_while_its_container_may_exist(view: View) -> None:
    if view.live is not None and view.live.presence in MAY_EXIST:
        assert not isinstance(decide(view).step, Bury | RecordGone | Release)


@PROPERTY
@given(views(LIVING))
def test_no_life_is_buried_before_its_container_was_read_or_refused_or_never_asked_for(view: View) -> None:
    life = view.incarnation
    assert life is not None
    if isinstance(decide(view).step, Bury | RecordGone) and life.placement is not None and not life.placement.refused:
        assert view.live is not None
        assert view.live.presence in {Presence.ABSENT, Presence.FOREIGN}


@PROPERTY
@given(views(GOING_ON))
def test_no_other_vmid_is_chosen_and_none_asked_for_again_without_a_proof(view: View) -> None:
    step, life = decide(view).step, view.incarnation
    assert life is not None
    if isinstance(step, Displaced):
        assert life.placement is not None
        assert life.placement.refused or (view.live is not None and view.live.presence is Presence.FOREIGN)
    if isinstance(step, Create):
        assert view.live is not None
        assert view.live.presence is Presence.ABSENT
    if isinstance(step, Place):
        assert life.placement is None


@PROPERTY
@given(views(GOING_ON))
def test_nothing_is_placed_before_its_start_but_what_has_begun(view: View) -> None:
    step, life = decide(view).step, view.incarnation
    assert life is not None
    if isinstance(step, Place) and life.ready_at is None:
        assert life.spec.start_at is None or view.now >= life.spec.start_at


@PROPERTY
@given(views(GOING_ON))
def test_an_absent_manifest_ends_a_life_only_when_confirmed_and_unbraked(view: View) -> None:
    step = decide(view).step
    if isinstance(step, End) and step.reason in {EndReason.MANIFEST_REMOVED, EndReason.UNKNOWN_ORPHAN}:
        assert view.incarnation is not None
        assert view.desired is None
        assert not view.undecided
        assert view.missing is not None
        assert view.missing.scans >= 2
        assert view.now >= view.missing.since + view.grace
        assert view.brakes.against_orphan(view.incarnation.uid) is None


@PROPERTY
@given(views(GOING_ON))
def test_no_container_is_given_up_for_its_time_under_a_brake_against_expiry(view: View) -> None:
    if view.brakes.against_expiry():
        step = decide(view).step
        assert not isinstance(step, GiveUpContainer)
        assert not isinstance(step, End) or step.reason is EndReason.REPLACED


@PROPERTY
@given(views(TOMBSTONES))
def test_a_tombstone_only_rests_or_gives_way(view: View) -> None:
    step, life = decide(view).step, view.incarnation
    assert life is not None
    assert isinstance(step, Rest | Release | Accept)
    if isinstance(step, Accept):
        assert view.desired is not None
        assert life.ending is not None
        edited = (view.desired.generation, view.desired.revision) != (life.generation, life.revision)
        assert edited or life.ending.reason in WITH_A_NEXT_LIFE
    if isinstance(step, Release):
        assert view.desired is None


@PROPERTY
@given(views())
def test_the_next_look_is_never_in_the_past(view: View) -> None:
    """A time that has come would have the queue spin on one key."""
    again_at = decide(view).again_at
    assert again_at is None or again_at > view.now


@PROPERTY
@given(views(GOING_ON))
def test_whoever_rests_is_looked_at_again_when_the_life_is_due(view: View) -> None:
    decision, life = decide(view), view.incarnation
    assert life is not None
    if deadline(life) > NOW and decision.step == Rest():
        assert decision.again_at is not None
        assert decision.again_at <= deadline(life)


@PROPERTY
@given(views(GOING_ON))
def test_a_life_that_is_due_ends_unless_a_brake_holds_it(view: View) -> None:
    step, life = decide(view).step, view.incarnation
    assert life is not None
    if deadline(life) > NOW:
        return
    if view.brakes.against_expiry():
        assert step == Rest()
    elif view.desired is not None and view.desired.generation != life.generation:
        assert isinstance(step, Revise)  # the edit may have moved the end; the next step knows
    else:
        assert step == End(EndReason.EXPIRED, "its time was up")


@PROPERTY
@given(views(LIVING))
def test_a_life_that_ended_once_never_goes_on(view: View) -> None:
    life = view.incarnation
    assert life is not None
    ending = life.ending or Ending(reason=EndReason.EXPIRED, message="it ended", since=NOW)
    over = decide(replace(view, incarnation=replace(life, ending=ending))).step
    assert not isinstance(
        over, End | Revise | Place | Create | Start | Configure | Grow | Follow | RecordGone | Displaced
    )


@PROPERTY
@given(views(LIVING))
def test_an_operation_in_flight_is_never_overtaken_by_another(view: View) -> None:
    life = view.incarnation
    assert life is not None
    flying = view.task is None or view.task.state is TaskState.RUNNING
    if life.task is not None and flying and not (life.placement is not None and life.placement.refused):
        assert not isinstance(
            decide(view).step, Place | Create | Start | Grow | Configure | Destroy | Bury | RecordGone
        )


@PROPERTY
@given(views(GOING_ON))
def test_an_edit_is_taken_over_once(view: View) -> None:
    step, life = decide(view).step, view.incarnation
    if isinstance(step, Revise) and life is not None:
        revised = replace(life, spec=step.spec, generation=step.generation)
        assert not isinstance(decide(replace(view, incarnation=revised)).step, Revise)


@PROPERTY
@given(views(GOING_ON), st.sampled_from([End, GiveUpContainer]))
def test_a_decision_to_end_is_taken_once(view: View, kind: type) -> None:
    step, life = decide(view).step, view.incarnation
    if isinstance(step, kind) and life is not None:
        over = (
            replace(life, ending=Ending(reason=step.reason, message=step.message, since=NOW))
            if isinstance(step, End)
            else replace(life, discard="it was never ready")
        )
        assert not isinstance(decide(replace(view, incarnation=over)).step, End | GiveUpContainer)

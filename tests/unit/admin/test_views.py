"""What people are shown of a session at every point of its life."""

from __future__ import annotations

from dataclasses import replace

from controller.admin.models import SessionView
from controller.admin.views import Known, session_view
from controller.api.problem import Problem
from controller.core.incarnation import EndReason, Incarnation
from controller.core.model import ConditionStatus, DesiredSession, Phase
from controller.reconcile.reconciler import Status
from tests.unit.core import given

READY = Status(phase=Phase.READY, reason="Ready", message="the desktop is ready", since=given.NOW)
FAULT = Problem(file="alice.yaml", line=4, column=7, field="spec.ttl", message="is no duration", session="alice")


def view(
    life: Incarnation | None, desired: DesiredSession | None = given.DESIRED, *, status: Status | None = READY
) -> SessionView:
    return session_view(Known(name="alice", life=life, desired=desired, status=status), now=given.NOW)


def test_a_ready_session_tells_where_it_is_and_how_long() -> None:
    shown = view(given.ready())
    assert (shown.phase, shown.vmid, shown.node, shown.address) == ("Ready", 30101, "pve1", "10.0.0.7")
    assert shown.seconds_left == given.END - given.NOW
    assert shown.expires_at is not None
    assert shown.expires_at.timestamp() == given.END
    assert shown.origin == "alice.yaml:3"


def test_the_time_to_live_of_a_session_that_is_not_ready_is_no_end_yet() -> None:
    shown = view(given.created())
    assert (shown.expires_at, shown.seconds_left, shown.ttl) == (None, None, "30m")


def test_a_fixed_end_is_shown_before_there_is_a_life() -> None:
    desired = given.wanted(expires_at=given.NOW + 90, start_at=given.NOW + 30)
    shown = view(None, desired, status=None)
    assert (shown.seconds_left, shown.ttl) == (90.0, None)
    assert shown.starts_at is not None
    assert shown.starts_at.timestamp() == given.NOW + 30


def test_an_extension_moves_the_end() -> None:
    assert view(given.ready(extension=60.0)).seconds_left == given.END + 60 - given.NOW


def test_what_ended_has_no_time_left_and_no_container() -> None:
    shown = view(given.tombstone(EndReason.EXPIRED))
    assert (shown.seconds_left, shown.vmid, shown.address) == (None, None, None)
    assert shown.ended_at is not None


def test_what_is_to_end_is_ending_before_the_reconciler_looks_at_it_again() -> None:
    shown = view(given.ending(given.ready()))
    assert (shown.phase, shown.reason, shown.failing) == ("Terminating", "Expired", False)
    paused = Status(phase=Phase.HELD, reason="Paused", message="it is paused", since=given.NOW)
    assert view(given.ending(given.ready()), status=paused).phase == "Held"


def test_what_is_ending_counts_down_no_more() -> None:
    assert view(given.ending(given.ready())).seconds_left is None


def test_a_life_that_was_not_looked_at_yet_is_pending() -> None:
    shown = view(given.ready(), status=None)
    assert (shown.phase, shown.reason) == ("Pending", "NotYetSeen")


def test_a_name_that_only_a_faulty_manifest_mentions_is_pending_with_the_fault() -> None:
    shown = session_view(Known(name="alice", life=None, desired=None, problems=(FAULT,)), now=given.NOW)
    assert (shown.phase, shown.reason, shown.origin) == ("Pending", "InvalidManifest", "alice.yaml:4")
    assert shown.message == "alice.yaml:4:7: spec.ttl: is no duration"


def test_a_session_that_lives_on_its_last_good_manifest_says_what_is_wrong_with_the_new_one() -> None:
    known = Known(name="alice", life=given.ready(), desired=given.DESIRED, problems=(FAULT,), status=READY)
    shown = session_view(known, now=given.NOW)
    assert (shown.phase, shown.problems) == ("Ready", ("alice.yaml:4:7: spec.ttl: is no duration",))


def test_a_session_whose_manifest_is_gone_names_the_file_that_held_it() -> None:
    assert view(given.ready(), None).origin == "alice.yaml"


def test_paused_is_who_was_paused_by_a_person_or_by_its_manifest() -> None:
    assert view(given.ready(paused=True)).paused
    assert view(given.ready(), given.wanted(paused=True)).paused
    assert not view(given.ready()).paused


def test_conditions_tell_since_when() -> None:
    life = given.ready().with_condition("Ready", ConditionStatus.TRUE, reason="Ready", message="it is", now=given.NOW)
    shown = view(life).conditions
    assert [(one.type, one.status, one.last_transition_time.timestamp()) for one in shown] == [
        ("Ready", "True", given.NOW)
    ]


def test_json_is_camel_case_with_times_in_utc() -> None:
    plain = view(replace(given.ready(), ready_at=given.NOW - 60.25)).model_dump(mode="json", by_alias=True)
    assert plain["readyAt"] == "2027-01-15T07:58:59.750Z"
    assert plain["resources"] == {"cores": 2, "memory": "1Gi", "disk": "10Gi"}


def test_a_view_reads_itself_back() -> None:
    shown = view(given.ready())
    assert SessionView.model_validate_json(shown.model_dump_json(by_alias=True)) == shown

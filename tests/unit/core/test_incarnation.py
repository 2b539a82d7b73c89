"""Conditions of a life: their time moves only when their status flips."""

from __future__ import annotations

from dataclasses import replace

from controller.core.incarnation import Incarnation, Stage
from controller.core.model import ConditionStatus
from tests.unit.core.given import NOW, accepted, created, ready, tombstone

TRUE, FALSE = ConditionStatus.TRUE, ConditionStatus.FALSE


def with_ready(life: Incarnation, status: ConditionStatus, *, message: str = "", now: float = NOW) -> Incarnation:
    return life.with_condition("Ready", status, reason="Because", message=message, now=now)


def test_a_new_condition_begins_now() -> None:
    condition = with_ready(accepted(), TRUE).condition("Ready")
    assert condition is not None
    assert (condition.last_transition, condition.generation) == (NOW, "v1-a")


def test_its_time_stays_while_its_status_does() -> None:
    life = with_ready(with_ready(accepted(), TRUE), TRUE, message="at another address", now=NOW + 60)
    condition = life.condition("Ready")
    assert condition is not None
    assert (condition.last_transition, condition.message) == (NOW, "at another address")


def test_its_time_moves_when_its_status_flips() -> None:
    condition = with_ready(with_ready(accepted(), TRUE), FALSE, now=NOW + 60).condition("Ready")
    assert condition is not None
    assert condition.last_transition == NOW + 60


def test_setting_what_is_set_changes_nothing_at_all() -> None:
    life = with_ready(accepted(), TRUE)
    assert with_ready(life, TRUE, now=NOW + 60) is life


def test_what_was_never_ready_is_not_called_unready() -> None:
    assert accepted().not_ready(reason="Ended", message="it ended", now=NOW) == accepted()


def test_what_was_ready_is_ready_no_longer() -> None:
    condition = (
        with_ready(accepted(), TRUE).not_ready(reason="Ended", message="it ended", now=NOW + 60).condition("Ready")
    )
    assert condition is not None
    assert (condition.status, condition.reason, condition.last_transition) == (FALSE, "Ended", NOW + 60)


def with_started(life: Incarnation, status: ConditionStatus) -> Incarnation:
    return life.with_condition("Started", status, reason="Because", message="it cannot be started", now=NOW)


def test_why_it_did_not_start_is_known_until_it_does() -> None:
    failed = with_started(created(failures=1), FALSE)
    assert failed.start_failure == "it cannot be started"
    assert replace(failed, failures=0).start_failure is None, "another container was made since"
    assert failed.started(now=NOW).start_failure is None
    assert created(failures=1).start_failure is None, "something else failed"


def test_of_a_start_that_never_failed_nothing_is_said() -> None:
    assert created().started(now=NOW) == created()
    condition = with_started(created(), FALSE).started(now=NOW + 60).condition("Started")
    assert condition is not None
    assert (condition.status, condition.reason, condition.last_transition) == (TRUE, "Started", NOW + 60)


def test_conditions_are_kept_apart_and_in_order() -> None:
    life = with_ready(accepted(), TRUE).with_condition("Adopted", FALSE, reason="No", message="", now=NOW)
    assert [condition.type for condition in life.conditions] == ["Adopted", "Ready"]
    assert life.condition("SpecApplied") is None


def test_only_a_tombstone_has_ended() -> None:
    assert tombstone().ended
    assert not ready().ended
    assert [stage for stage in Stage if accepted(stage=stage).ended] == [Stage.ENDED]

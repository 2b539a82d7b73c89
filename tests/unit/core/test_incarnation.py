"""Conditions of a life: their time moves only when their status flips."""

from __future__ import annotations

from controller.core.incarnation import Incarnation, Stage
from controller.core.model import ConditionStatus
from tests.unit.core.given import NOW, accepted, ready, tombstone

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


def test_conditions_are_kept_apart_and_in_order() -> None:
    life = with_ready(accepted(), TRUE).with_condition("Adopted", FALSE, reason="No", message="", now=NOW)
    assert [condition.type for condition in life.conditions] == ["Adopted", "Ready"]
    assert life.condition("SpecApplied") is None


def test_only_a_tombstone_has_ended() -> None:
    assert tombstone().ended
    assert not ready().ended
    assert [stage for stage in Stage if accepted(stage=stage).ended] == [Stage.ENDED]

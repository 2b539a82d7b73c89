"""Who may do what."""

from __future__ import annotations

import pytest

from controller.web.people import Person, Role, may_control, may_launch, may_log_in, may_see_all

# role, launches, sees all, controls others', logs in to others'
TABLE = [
    (Role.GUEST, False, False, False, False),
    (Role.USER, True, False, False, False),
    (Role.OPERATOR, True, True, True, False),
    (Role.ADMIN, True, True, True, True),
]


@pytest.mark.parametrize(("role", "launches", "sees", "controls", "logs_in"), TABLE)
def test_each_role_may_do_what_those_before_it_may(
    role: Role, launches: bool, sees: bool, controls: bool, logs_in: bool
) -> None:
    person = Person(client="192.0.2.1", role=role)
    assert may_launch(person) is launches
    assert may_see_all(person) is sees
    assert may_control(person, mine=False) is controls
    assert may_log_in(person, mine=False) is logs_in


@pytest.mark.parametrize("role", Role)
def test_what_is_theirs_is_theirs_in_whatever_role(role: Role) -> None:
    person = Person(client="192.0.2.1", role=role)
    assert may_control(person, mine=True)
    assert may_log_in(person, mine=True)


def test_a_ticket_stands_in_no_repr() -> None:
    assert "wxt_" not in repr(Person(client="192.0.2.1", ticket="wxt_secret"))

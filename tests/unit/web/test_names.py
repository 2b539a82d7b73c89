"""Names of sessions."""

from __future__ import annotations

from random import Random

import pytest

from controller.web.names import checked, made_up
from controller.web.refusals import Refused


def test_made_up_names_are_names_that_people_can_say() -> None:
    names = [made_up(Random(seed)) for seed in range(500)]
    assert all(checked(name) == name and name.count("-") == 2 for name in names)
    assert len(set(names)) > 490


@pytest.mark.parametrize("name", ["a", "alice", "a-1", "7", "a" * 63])
def test_what_can_be_a_name(name: str) -> None:
    assert checked(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a-", "Alice", "a_b", "a.b", "../etc/passwd", "a/b", "a b", "é", "a\n", "<script>", "a" * 64, "%2e%2e"],
)
def test_what_cannot_is_refused_with_400(name: str) -> None:
    with pytest.raises(Refused, match="cannot be the name of a session") as refused:
        checked(name)
    assert refused.value.status == 400

"""Random histories from seeds: whatever people, administrators, faults and kills do, the promises hold.

What happens is drawn in ``chaos`` and ``mishaps``, what has to hold is checked by ``truth`` after every step and at the
end. More of them: ``python -m tests.simulation --seed 1 --histories 1000``.
"""

from __future__ import annotations

import pytest

from tests.simulation.run import play, replay_line

HISTORIES, TOGETHER = 48, 4


@pytest.mark.parametrize("first", range(1, HISTORIES + 1, TOGETHER))
def test_the_promises_hold_in_histories(first: int) -> None:
    for seed in range(first, first + TOGETHER):
        lines, why = play(seed)
        assert why is None, "\n".join([*lines[-60:], "", why or "", f"replay: {replay_line(seed)}"])


def test_a_seed_gives_the_same_history_again() -> None:
    assert play(7) == play(7)

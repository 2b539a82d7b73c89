"""Random histories: whatever people, faults and deaths do, every promise is kept, and in the end all comes right."""

from __future__ import annotations

import pytest

from tests.simulation.run import play, replay_line


def test_every_promise_is_kept(seed: int) -> None:
    lines, broken = play(seed)
    if broken is not None:
        told = "\n".join(lines)
        pytest.fail(f"{told}\n\n{broken}\nreplay: {replay_line(seed)}", pytrace=False)


def test_a_seed_always_gives_the_same_history() -> None:
    assert play(7) == play(7)

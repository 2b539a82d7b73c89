"""Plays one history from its seed in a directory of its own, and says what broke."""

from __future__ import annotations

import traceback

from tests.scenarios.logs import recorded
from tests.scenarios.memory import memory
from tests.scenarios.witness import Broken
from tests.simulation.history import History


def play(seed: int) -> tuple[list[str], str | None]:
    """The history's lines, and what broke: a promise, or a mistake that a controller had to catch or did not."""
    with memory() as directory, recorded() as log:
        history = History(seed, directory)
        why = None
        try:
            history.play()
        except Broken as broken:
            why = f"{broken}"
        except Exception:
            why = traceback.format_exc()
        if why is None and log.mistakes:
            why = f"the controller logged {log.mistakes[0]}"
        secrets = history.world.secrets
        if why is None and any(secret in line for line in log.lines for secret in secrets):
            why = "a secret shows in the log"
        return history.lines, why


def replay_line(seed: int) -> str:
    return f"python -m tests.simulation --seed {seed}"

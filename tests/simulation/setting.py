"""What the random people of a history share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.scenarios.witness import Witness
from tests.scenarios.world import World
from tests.simulation.death import Fate
from tests.simulation.truth import Truth

Act = Callable[[], str | None]
"""Does something in the world and writes it down in the truth; says what for people to read, None if it was not
possible now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where they act, who has to know, and the dice."""

    world: World
    witness: Witness
    truth: Truth
    fate: Fate
    random: Random
    ledger_may_be_lost: bool = False

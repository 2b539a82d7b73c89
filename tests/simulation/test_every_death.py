"""A simple life, in which the process dies once: before and after all that it ever writes, one after the other."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from controller.core.lifecycle import STRAGGLES
from controller.ledger.ledger import Ledger
from tests.scenarios.logs import Log, recorded
from tests.scenarios.memory import memory
from tests.scenarios.people import Authors
from tests.scenarios.witness import Asked, Asking, Witness
from tests.scenarios.world import World
from tests.simulation.death import WRITES, Fate, MortalLedger, MortalPort

ENDS = 35.0 + STRAGGLES + 5.0
MANY = 100_000


class Lifetime:
    """Two sessions: one expires, the manifest of the other is removed."""

    def __init__(self, directory: Path, spec: dict[str, object]) -> None:
        asked, self.fate = Asked(), Fate(Random(1))
        self.deaths: list[str] = []
        self.world = World(
            directory,
            guests=True,
            on_round=self._look,
            on_killed=self.deaths.append,
            dress=lambda port: Asking(MortalPort(port, self.fate), asked),
            open_ledger=self._open_ledger,
        )
        self.witness = Witness(self.world, asked)
        clone: dict[str, object] = {"source": {"clone": {"templates": [{"vmid": 9000}]}}}
        self.people = Authors(self.world)
        self.people.templates(
            {
                "cloned": {**clone, "credentials": "template"},
                "entered": {**clone, "credentials": "password", "sudo": True},
                "quick": {"readiness": {"timeout": "30s"}},
            }
        )
        self.people.sessions({"alice": {"ttl": "20s", **spec}, "bob": {"ttl": "30m", **spec}})

    def play(self) -> None:
        self.world.run(35)
        self.people.remove(["bob"])
        self.world.run(ENDS - 35)

    def _look(self) -> None:
        self.witness.look()

    def _open_ledger(self, *arguments: object, **named: object) -> Ledger:
        ledger = MortalLedger(*arguments, **named)  # type: ignore[arg-type]  # as Ledger takes them
        ledger.fate = self.fate
        return ledger


@pytest.mark.parametrize(
    "spec",
    [{"template": "quick"}, {"template": "cloned"}, {"template": "entered"}],
    ids=["archive", "clone", "clone-with-a-password"],
)
def test_one_container_a_session_and_nothing_left_wherever_the_process_dies(spec: dict[str, object]) -> None:
    with memory() as directory, recorded() as log:
        unharmed = Lifetime(directory, spec)
        unharmed.fate.doom(points=MANY, deadly=WRITES)
        unharmed.play()
        points = MANY - (unharmed.fate.left or 0)
        _all_went_as_promised(unharmed, log)
    for point in range(1, points + 1):
        with memory() as directory, recorded() as log:
            lifetime = Lifetime(directory, spec)
            lifetime.fate.doom(points=point, deadly=WRITES)
            lifetime.play()
            assert len(lifetime.deaths) == 1
            _all_went_as_promised(lifetime, log)


def _all_went_as_promised(lifetime: Lifetime, log: Log) -> None:
    where = lifetime.deaths
    lifetime.witness.finish()
    assert log.mistakes == [], where
    assert lifetime.world.containers() == {}, where
    assert lifetime.world.phase("alice") == "Expired", where
    life = lifetime.world.controller.tools.ledger.life("alice")
    assert life is not None
    assert life.ended_at is not None
    # the create may be asked for again after the settling time, and a desktop is asked anew; who died before the answer
    # to a create came has to fear that it is carried out after all
    assert life.ready_at is not None, where
    assert life.ended_at - life.ready_at < STRAGGLES, where
    assert lifetime.world.controller.tools.ledger.life("bob") is None, where

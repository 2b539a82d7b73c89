"""People and bad luck at random: one act at a time, done in the world and written down in the truth."""

from __future__ import annotations

from tests.simulation.administrators import RandomAdministrators
from tests.simulation.authors import RandomAuthors
from tests.simulation.operators import RandomOperators
from tests.simulation.setting import Setting


class Chaos:
    """All of them."""

    def __init__(self, setting: Setting) -> None:
        self._random, self._witness = setting.random, setting.witness
        self.authors = RandomAuthors(setting)
        self.administrators = RandomAdministrators(setting)
        self.operators = RandomOperators(setting)
        self._acts = {**self.authors.acts(), **self.administrators.acts(), **self.operators.acts()}

    def act(self) -> str:
        """One thing that is possible now; returns what, for people to read."""
        while True:
            done = self._random.choices([*self._acts], weights=[*self._acts.values()])[0]()
            if done is not None:
                self._witness.administrator_acted()
                return done

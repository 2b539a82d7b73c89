"""A desk before a real controller in virtual time: its manifests, ledger, reconciler and a node in memory."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from controller.web.desk import Desk
from controller.web.desktops import Desktop
from controller.web.limits import Rate
from controller.web.people import Person, Role
from controller.web.quotas import Quotas
from controller.web.rules import Rules
from tests.unit.admin.lab import TEMPLATE, Lab

OFTEN = Rate(times=10_000, per=1.0)
VISITOR = Person(client="192.0.2.1", role=Role.USER)
OTHER = Person(client="192.0.2.2", role=Role.USER)
ALICE = Person(client="192.0.2.3", role=Role.USER, name="alice@example.org")
BOB = Person(client="192.0.2.3", role=Role.USER, name="bob@example.org")
GUEST = Person(client="192.0.2.4")
OPERATOR = Person(client="192.0.2.5", role=Role.OPERATOR, name="olga")
ADMIN = Person(client="192.0.2.6", role=Role.ADMIN, name="ada")


@dataclass
class Reception:
    directory: Path
    quotas: Quotas = field(default_factory=Quotas)
    templates: tuple[str, ...] | None = None
    max_duration: float = 86_400.0
    rate: Rate = OFTEN
    _seeds: Iterator[int] = field(default_factory=itertools.count)
    lab: Lab = field(init=False)
    random: Random = field(init=False)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.lab = Lab(self.directory)
        self.lab.world.write("template-small.yaml", TEMPLATE)
        self.lab.until("the manifests are read", lambda: bool(self.lab.service.templates()))
        self.open()

    def open(self) -> None:
        """A desk that remembers nothing, as after a restart."""
        self.random = Random(next(self._seeds))
        self.desk = Desk(
            self.lab.service,
            rules=Rules(rate=self.rate, quotas=self.quotas, max_duration=self.max_duration, templates=self.templates),
            clock=self.lab.world.clock,
            random=self.random,
        )

    @property
    def manifests(self) -> set[str]:
        """The names of the sessions in the directory."""
        found = (path.stem for path in self.lab.world.manifests.glob("*.yaml"))
        return {name for name in found if not name.startswith("template-")}

    def pass_time(self, seconds: float) -> None:
        """Snapshots grow old by it; the controller does nothing meanwhile."""
        self.lab.world.clock.wait(threading.Event(), seconds)

    def ready(self, person: Person, name: str) -> Desktop:
        """Until it is."""
        self.lab.until(f"{name} is ready", lambda: self.lab.phase(name) == "Ready")
        return self.desk.look(person, name)

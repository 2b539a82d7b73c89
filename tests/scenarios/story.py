"""A story: what happens when, as ``story.yaml`` says it, played in a world, and the log of what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_type_hints

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from controller.ledger.events import Event, EventType
from tests.scenarios.people import Administrators, Authors, Operators
from tests.scenarios.virtual import Controller
from tests.scenarios.witness import Asked, Asking, Witness
from tests.scenarios.world import World

Acts = dict[str, object]
"""Verbs and what they are given, in order."""


class Settings(BaseModel):
    """The world that the story is set in."""

    model_config = ConfigDict(extra="forbid")

    seed: int = 1
    profile: str = "steady"
    nodes: tuple[str, ...] = ("pve1",)
    guests: bool = False
    """Whether the controllers have an SSH key for guests."""
    policy: dict[str, int | float] = {}
    """Fields of ``Policy``."""
    others: dict[str, Other] = {}
    """Controllers beside the first, ``default``, by their ids; each has a directory ``manifests-<id>``."""


class Other(BaseModel):
    """One more controller on the same Proxmox."""

    model_config = ConfigDict(extra="forbid")

    pool: str
    token: str
    manifests: dict[str, str] = {}
    """Files that are there from the beginning."""


class Step(BaseModel):
    """What happens at one moment, in the order of the fields."""

    model_config = ConfigDict(extra="forbid")

    at: float
    """Seconds since the beginning."""
    people: Acts = {}
    """Those who write manifests; verbs of ``Authors``."""
    node: Acts = {}
    """Administrators of Proxmox, and faults; verbs of ``Administrators``."""
    winux: Acts = {}
    """Orders to the controller; verbs of ``Operators``."""
    clock: float = 0.0
    """Seconds by which the wall clock jumps."""
    look: bool = False
    """Write down what ``winux get`` shows now."""


class Story(BaseModel):
    """One ``story.yaml``."""

    model_config = ConfigDict(extra="forbid")

    title: str
    why: str
    settings: Settings = Settings()
    steps: list[Step] = Field(min_length=1)
    ends: float
    """Seconds since the beginning."""
    leaves: str = ""
    """Why something is meant to be left behind, where it is; else nothing of ours may be."""


def read_story(folder: Path) -> Story:
    return Story.model_validate(yaml.safe_load((folder / "story.yaml").read_text(encoding="utf-8")))


@dataclass
class Telling:
    """Plays one story; ``lines`` are the log."""

    story: Story
    directory: Path
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        asked = Asked()
        settings = self.story.settings
        self.world = World(
            self.directory,
            seed=settings.seed,
            profile=settings.profile,
            nodes=settings.nodes,
            guests=settings.guests,
            policy=settings.policy,
            on_event=lambda _at, event: self._told("", event),
            on_round=self._look,
            on_killed=lambda where: self._say(f"> the process dies: {where}"),
            dress=lambda port: Asking(port, asked),
        )
        for name, other in settings.others.items():
            controller = self.world.add_controller(name, told=self._teller(name), pool=other.pool, token=other.token)
            for file, text in other.manifests.items():
                (controller.site.manifests / file).write_text(text, encoding="utf-8")
        self.witness = Witness(self.world, asked)
        self._people: dict[str, object] = {
            "people": Authors(self.world),
            "node": Administrators(self.world),
            "winux": Operators(self.world),
        }

    def play(self) -> str:
        """The whole story.

        Raises:
            Broken: a promise was broken on the way or at the end.
        """
        for step in self.story.steps:
            if step.at > 0:  # what is there at the beginning is there before anybody looks
                self.world.run_to(step.at)
            self._take(step)
        self.world.run_to(self.story.ends)
        self.lines += ["", *self._closing()]
        self.witness.finish() if not self.story.leaves else self.witness.look()
        return "\n".join(self.lines) + "\n"

    def _take(self, step: Step) -> None:
        for who in ("people", "node", "winux"):
            acts: Acts = getattr(step, who)
            for verb, given in acts.items():
                self._say(f"> {who} {verb}: {_short(given)}")
                if verb == "lose-ledger":
                    self.witness.ledger_was_lost = True
                _method(self._people[who], verb)(given)
        self.witness.administrator_acted()
        if step.clock:
            self._say(f"> the wall clock jumps by {step.clock:+g} s")
            self.world.clock.skew(step.clock)
        if step.look:
            self._say("> winux get")
            self.lines += [f"{'':10}{line}" for line in self._statuses(self.world.controller)]

    def _look(self) -> None:
        self.witness.look()

    # -- the log -----------------------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self.lines.append(f"{self.world.now:8.1f}  {text}")

    def _teller(self, name: str) -> Callable[[Event], None]:
        return lambda event: self._told(f"{name}/", event)

    def _told(self, whose: str, event: Event) -> None:
        again = f" (again: {event.count})" if event.count > 1 else ""
        mark = "!" if event.type is EventType.WARNING else " "
        self._say(f"{whose}{event.session or '-':<14}{mark}{event.reason:<18} {event.message}{again}")

    def _statuses(self, controller: Controller) -> Iterator[str]:
        for name, status in sorted(controller.reconciler.statuses().items()):
            yield f"{name:<14} {status.phase:<12} {status.reason:<18} {status.message}"
        for reason, sentence in controller.picture.sentences().items():
            yield f"{'-':<14} {'':<12} {reason:<18} {sentence}"
        for problem in controller.picture.desired.problems if controller.picture.desired is not None else ():
            yield f"{'-':<14} {'':<12} {'Problem':<18} {problem}"

    def _closing(self) -> Iterator[str]:
        yield "What is left:"
        for controller in self.world.running():
            whose = "" if controller is self.world.controller else f"{controller.site.name}/"
            yield from (f"  {whose}{line}" for line in self._statuses(controller))
        for vmid, guest in sorted(self.world.cluster.guests.items()):
            if guest.template:
                continue
            whose = "ours" if self.witness.ours(guest) else "foreign"
            state = "running" if guest.running else "stopped"
            lock = f", locked ({guest.lock})" if guest.lock else ""
            yield f"  container {vmid} {guest.name} on {guest.node}: {whose}, {state}{lock}"
            if self.story.settings.guests and guest.running:
                credential = self.world.controller.tools.ledger.credential(guest.name)
                yield from self.world.inside.of(vmid).told(credential.password if credential is not None else None)
        writes = sorted(self.world.dispatcher.census.calls.items())
        told = ", ".join(f"{count} {name}" for name, count in writes if name in _WRITES)
        yield f"  writes: {told or 'none'}"


_WRITES = ("create", "clone", "update", "resize", "start", "stop", "shutdown", "delete")


def _method(person: object, verb: str) -> Callable[[object], None]:
    method = getattr(person, verb.replace("-", "_"), None)
    if method is None or verb.startswith("_"):
        known = ", ".join(name.replace("_", "-") for name in vars(type(person)) if not name.startswith("_"))
        raise LookupError(f"there is no verb {verb!r}; there are: {known}")
    given = TypeAdapter(get_type_hints(method, include_extras=True)["given"])
    return lambda value: method(given.validate_python(value))


def _short(given: object) -> str:
    if isinstance(given, dict) and any("\n" in f"{value}" for value in given.values()):
        given = [*given]  # the names of files will do
    text = yaml.safe_dump(given, default_flow_style=True, width=10_000, sort_keys=False).removesuffix("...\n").strip()
    return text if len(text) <= 120 else f"{text[:117]}..."

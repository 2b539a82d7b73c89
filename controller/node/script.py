"""A script of faults over time: read strictly from YAML, then played on the node's schedule.

What a step may be is in ``steps`` and ``acts``, what was begun and what is over in ``programme``. The format::

    steps:
      - at: 30s                 # after the start; without it at once
        for: 1m                 # then it is taken back; without it it stays
        fault: {kind: error, operation: create, text: got no worker upid}
      - {at: 2m, act: stop, guest: alice}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from controller.node.acts import ACTS
from controller.node.markedyaml import BadYaml, Marked, Place, read
from controller.node.programme import Entry
from controller.node.sidedoor import SideDoor
from controller.node.steps import FaultFields, InjectFault, Step

_M = TypeVar("_M", bound=BaseModel)


class ScriptError(ValueError):
    """``str()`` is one sentence with the place."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    steps: list[dict[str, object]] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Script:
    """``steps`` in the order of the text, each with the place where it stands."""

    steps: tuple[tuple[str, Step], ...]


def load(path: Path, door: SideDoor | None = None) -> Script:
    """Raises ``ScriptError``, also for a file that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ScriptError(f"{path}: the script of faults cannot be read: {reason}") from None
    return parse(text, source=str(path), door=door)


def parse(text: str, *, source: str, door: SideDoor | None = None) -> Script:
    """With a door the names of nodes and storages have to be those of its cluster. Raises ``ScriptError``."""
    try:
        marked = read(text)
    except BadYaml as error:
        raise ScriptError(f"{source}, line {error.line}: {error}") from None
    reader = _Reader(source, marked, _names(door) if door else {})
    return Script(tuple(reader.steps()))


def play(script: Script, door: SideDoor) -> None:
    """From now on. Several scripts may play at once; ``door.programme`` knows how far they are."""
    for place, step in script.steps:
        title = f"{place}: {_what(step)}"
        entry = Entry(title=title, at=step.at, lasting=step.length, begin=partial(step.begin, door))
        door.programme.add(entry)


def _names(door: SideDoor) -> dict[str, list[str]]:
    return {"node": [*door.cluster.nodes], "storage": [*door.cluster.storages]}


def _what(step: Step) -> str:
    given = step.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"at", "lasting", "act"})
    words = given["fault"] if isinstance(step, InjectFault) else given
    return " ".join([step.name, *(f"{name}={value}" for name, value in words.items())])


class _Reader:
    def __init__(self, source: str, marked: Marked, names: Mapping[str, list[str]]) -> None:
        self._source = source
        self._marked = marked
        self._names = names

    def steps(self) -> list[tuple[str, Step]]:
        document = self._marked.data
        if not isinstance(document, dict):
            raise self._error((), "a script is a mapping with the key 'steps'")
        given = self._checked(_Document, document, ()).steps
        return [(self._place(("steps", number)), self._step(one, number)) for number, one in enumerate(given)]

    def _step(self, given: dict[str, object], number: int) -> Step:
        place: Place = ("steps", number)
        if ("fault" in given) == ("act" in given):
            raise self._error(place, "a step has either 'fault' or 'act'")
        if "fault" in given:
            return self._checked(InjectFault, given, place)
        act = given["act"]
        if not isinstance(act, str) or act not in ACTS:
            raise self._error((*place, "act"), f"there is no act {act!r}; choose one of: {', '.join(ACTS)}")
        return self._checked(ACTS[act], given, place)

    def _checked(self, model: type[_M], given: Mapping[str, object], place: Place) -> _M:
        try:
            return model.model_validate(given, context=dict(self._names))
        except ValidationError as error:
            found = [(self._marked.line((*place, *one["loc"])), one) for one in error.errors()]
            line, first = min(found, key=lambda pair: pair[0])
            raise ScriptError(f"{self._source}, line {line}: {_sentence(first, model)}") from None

    def _place(self, place: Place) -> str:
        return f"{self._source}, line {self._marked.line(place)}"

    def _error(self, place: Place, message: str) -> ScriptError:
        return ScriptError(f"{self._place(place)}: {message}")


def _sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    place = error["loc"]
    inner = model is InjectFault and len(place) > 1
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            fields = (FaultFields if inner else model).model_fields
            keys = ", ".join(field.alias or name for name, field in fields.items())
            return f"the key {place[-1]!r} is unknown here; choose one of: {keys}"
        case "missing":
            return f"the key {place[-1]!r} is missing"
        case "value_error":
            message = str(context["error"])
        case "enum" | "literal_error":
            message = f"choose one of: {context['expected']}"
        case "model_type" | "dict_type":
            message = "write a mapping here"
        case "list_type" | "too_short":
            message = "write a list with something in it"
        case _:
            message = error["msg"][0].lower() + error["msg"][1:]
    return f"{place[inner]} is {error['input']!r}: {message}"

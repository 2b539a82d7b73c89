"""Where settings come from: the table of all of them, read from a YAML file and from ``WINUX_*`` variables.

Whether the values are right is the models' business, and which source wins is decided in ``settings``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from controller.api import documents, encoding, reading, tree
from controller.api.problem import Problem
from controller.api.quantities import shown
from controller.daemon.settings_model import AllSections
from controller.engine.failpoints import VARIABLE as FAILPOINT_VARIABLE

PREFIX = "WINUX_"
_NOT_SETTINGS = frozenset({FAILPOINT_VARIABLE, "WINUX_CONFIG"})
# What Kubernetes and old Docker links set for a service that happens to be called winux or winux-something.
_SERVICE_LINK = re.compile(r"_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)\Z")
_TYPING_MISTAKE = 0.9
"""Likeness from which a variable counts as a setting's misspelt name rather than as somebody else's."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting."""

    key: str
    """``proxmox.tokenId``, as people know it."""
    path: tuple[str, ...]
    """Attribute names from the settings down."""
    variable: str

    @property
    def section(self) -> str:
        return self.key.rpartition(".")[0]


def _walk(model: type[BaseModel], path: tuple[str, ...] = ()) -> list[Leaf]:
    leaves: list[Leaf] = []
    for name, info in model.model_fields.items():
        here = (*path, name)
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            leaves += _walk(kind, here)
        else:
            variable = PREFIX + "__".join(here).upper()
            leaves.append(Leaf(".".join(to_camel(part) for part in here), here, variable))
    return leaves


LEAVES = {leaf.key: leaf for leaf in _walk(AllSections)}
SECTIONS = {".".join(parts[:depth]) for parts in (key.split(".") for key in LEAVES) for depth in range(1, len(parts))}
_BY_VARIABLE = {leaf.variable: leaf for leaf in LEAVES.values()}


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was found; ``place`` begins the sentence about it."""

    value: object = field(repr=False)
    place: str


@dataclass(slots=True)
class Source:
    """What one source says. Keys as in ``LEAVES``; ``old`` by the old system's names in lower case."""

    values: dict[str, Given] = field(default_factory=dict)
    old: dict[str, Given] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    readable_by_others: bool = False
    """Whether it is a file that more than its owner may read."""


def from_variables(environ: Mapping[str, str], *, old_names: frozenset[str]) -> Source:
    """An empty variable counts as not set."""
    source = Source()
    for variable, value in sorted(environ.items()):
        if value == "":
            continue
        if (leaf := _BY_VARIABLE.get(variable)) is not None:
            source.values[leaf.key] = Given(value, variable)
        elif variable.lower() in old_names and (variable.islower() or variable.isupper()):
            source.old[variable.lower()] = Given(value, variable)
        elif variable.startswith(PREFIX) and variable not in _NOT_SETTINGS and not _SERVICE_LINK.search(variable):
            source.problems += _misspelt(variable)
    return source


def _misspelt(variable: str) -> list[str]:
    nested = "__" in variable.removeprefix(PREFIX)
    near = difflib.get_close_matches(variable, _BY_VARIABLE, n=1, cutoff=0.6 if nested else _TYPING_MISTAKE)
    if near:
        return [f"{variable} is not a setting; did you mean {near[0]}?"]
    return [f"{variable} is not a setting; remove it"] if nested else []


def from_file(file: Path, *, old_names: frozenset[str]) -> Source:
    """Reads strict YAML; raises nothing: what is wrong is in ``problems``."""
    source = Source()
    try:
        raw = file.read_bytes()
        source.readable_by_others = bool(file.stat().st_mode & 0o044)
        text = encoding.decode(raw)
    except OSError as error:
        source.problems.append(f"cannot read {file}: {(error.strerror or str(error)).lower()}")
        return source
    except encoding.NotText as error:
        source.problems.append(str(Problem(file=str(file), line=error.line, column=error.column, message=str(error))))
        return source
    _FileReader(file, source, old_names).read(text)
    return source


class _FileReader:
    """Sorts what a YAML document says into settings, old names and mistakes."""

    def __init__(self, file: Path, source: Source, old_names: frozenset[str]) -> None:
        self._file = str(file)
        self._source = source
        self._old_names = old_names
        self._places: Mapping[reading.FieldPath, tree.Position] = {}

    def read(self, text: str) -> None:
        parts = [part for part in documents.split(text) if not part.blank]
        if len(parts) > 1:
            self._complain(
                (), "a second document begins here; settings are one document", tree.Position(parts[1].line, 1)
            )
            return
        for part in parts:
            try:
                root = tree.compose(part.text, first_line=part.line)
            except tree.Unreadable as error:
                self._complain((), str(error), error.at)
                return
            if root is not None:
                self._take_document(reading.read(root))

    def _take_document(self, document: reading.Reading) -> None:
        self._places = document.places
        for complaint in document.complaints:
            self._complain(complaint.path, complaint.message, complaint.at)
        if isinstance(document.value, dict):
            self._take((), document.value)
        elif document.value is not None:
            self._complain((), f"found {shown(document.value)}; settings are a mapping such as workers: 8", None)

    def _take(self, above: tuple[str, ...], fields: Mapping[str, object]) -> None:
        for name, value in fields.items():
            path = (*above, name)
            key = ".".join(path)
            if key in LEAVES:
                self._source.values[key] = Given(value, self._place(path))
            elif key.lower() in self._old_names and not above:
                self._source.old[key.lower()] = Given(value, self._place(path))
            elif key not in SECTIONS:
                self._complain(path, _unknown(key), None)
            elif isinstance(value, dict):
                self._take(path, value)
            else:
                fields_below = ", ".join(_names_below(key))
                self._complain(path, f"found {shown(value)}; it is a mapping of {fields_below}", None)

    def _place(self, path: reading.FieldPath) -> str:
        at = reading.place_of(path, self._places)
        return f"{self._file}:{at.line}:{at.column}: {reading.dotted(path)}"

    def _complain(self, path: reading.FieldPath, message: str, at: tree.Position | None) -> None:
        at = at or reading.place_of(path, self._places)
        problem = Problem(
            file=self._file, line=at.line, column=at.column, field=reading.dotted(path) or None, message=message
        )
        self._source.problems.append(str(problem))


def _names_below(section: str) -> list[str]:
    """The names directly in a section; the empty one is the top."""
    prefix = f"{section}." if section else ""
    below = (key.removeprefix(prefix).split(".")[0] for key in LEAVES if key.startswith(prefix))
    return sorted(set(below))


def _unknown(key: str) -> str:
    section, _, name = key.rpartition(".")
    beside = _names_below(section)
    prefix = f"{section}." if section else ""
    near = [prefix + known for known in difflib.get_close_matches(name, beside, n=1, cutoff=0.7)]
    near += [known for known in LEAVES if known.rpartition(".")[2] == name]
    if not section:
        near += difflib.get_close_matches(key, LEAVES, n=1, cutoff=0.8)
    return f"not a setting; did you mean {near[0]}?" if near else f"not a setting; allowed here: {', '.join(beside)}"

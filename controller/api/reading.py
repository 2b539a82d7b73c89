"""From a tree of nodes to plain values (text, numbers, lists, mappings) with the place of every field.

What YAML allows and manifests do not is found here: duplicate, merged and non-text keys, fields without a value,
ambiguous numbers. Whether the fields are the right ones is the models' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.api.quantities import shown
from controller.api.scalars import read_plain, read_tagged
from controller.api.tree import ListNode, MapNode, Node, Position, ScalarNode

Value = bool | int | float | str | list["Value"] | dict[str, "Value"] | None
FieldPath = tuple[str | int, ...]
"""Such as ``("spec", "nodes", 0)``."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with one field."""

    path: FieldPath
    message: str
    at: Position | None = None
    """Where it is wrong, if that is not simply the place of the field."""
    of_key: bool = False
    """Whether it is the field's name that is wrong, rather than its value."""


@dataclass(slots=True)
class Reading:
    """What a document says, and where."""

    value: Value
    places: dict[FieldPath, Position] = field(default_factory=dict)
    """Of a scalar its own place, of a list or mapping that of its key."""
    keys: dict[FieldPath, Position] = field(default_factory=dict)
    """Of a field its key's place."""
    complaints: list[Complaint] = field(default_factory=list)


def read(node: Node) -> Reading:
    """Never fails: what cannot be used is left out of the value and complained about."""
    reading = Reading(value=None)
    reading.places[()] = node.at
    reading.value = _Reader(reading).value(node, ())
    return reading


def place_in(reading: Reading, complaint: Complaint) -> Position:
    """Where to point a person who reads the complaint."""
    if complaint.at is not None:
        return complaint.at
    if complaint.of_key and complaint.path in reading.keys:
        return reading.keys[complaint.path]
    return place_of(complaint.path, reading.places)


def place_of(path: FieldPath, places: Mapping[FieldPath, Position]) -> Position:
    """The place of a field, or of the nearest thing above it that is there."""
    while path and path not in places:
        path = path[:-1]
    return places.get(path, Position(1, 1))


def dotted(path: FieldPath) -> str:
    """``spec.nodes[0]``; names that would garble a terminal are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = part if part.isprintable() and len(part) <= 80 else shown(part)
            text += f".{word}" if text else word
    return text


class _Reader:
    def __init__(self, reading: Reading) -> None:
        self._places = reading.places
        self._keys = reading.keys
        self._complaints = reading.complaints

    def value(self, node: Node, path: FieldPath) -> Value:
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if isinstance(node, ListNode):
            return self._list(node, path)
        return self._map(node, path)

    def _scalar(self, node: ScalarNode, path: FieldPath) -> Value:
        try:
            if node.tag is not None:
                return read_tagged(node.text, node.tag)
            return read_plain(node.text) if node.plain else node.text
        except ValueError as error:
            self._complaints.append(Complaint(path, str(error), node.at))
            return None

    def _list(self, node: ListNode, path: FieldPath) -> Value:
        values = []
        for index, item in enumerate(node.items):
            here = (*path, index)
            self._places[here] = item.at
            before = len(self._complaints)
            value = self.value(item, here)
            if value is None and len(self._complaints) == before:
                self._complaints.append(Complaint(here, "has no value; write one or remove the item", item.at))
            values.append(value)
        return values

    def _map(self, node: MapNode, path: FieldPath) -> Value:
        values: dict[str, Value] = {}
        for key_node, value_node in node.pairs:
            key = self._key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if here in self._places:
                first = self._places[here].line
                message = f"is given twice, first in line {first}; remove one of them"
                self._complaints.append(Complaint(here, message, key_node.at))
                continue
            self._keys[here] = key_node.at
            self._places[here] = value_node.at if isinstance(value_node, ScalarNode) else key_node.at
            before = len(self._complaints)
            value = self.value(value_node, here)
            if value is not None:
                values[key] = value
            elif len(self._complaints) == before:
                self._complaints.append(Complaint(here, "has no value; write one or remove the line", key_node.at))
        return values

    def _key(self, node: Node, path: FieldPath) -> str | None:
        if not isinstance(node, ScalarNode):
            self._complaints.append(Complaint(path, "a list or mapping cannot be the name of a field", node.at))
            return None
        if not node.plain:
            return node.text
        if node.text == "<<":
            message = 'merging with "<<" is not supported; write the fields out'
            self._complaints.append(Complaint(path, message, node.at))
            return None
        try:
            key = read_plain(node.text)
        except ValueError:
            key = 0
        if not isinstance(key, str):
            message = f"the name of a field must be text, but {node.text or 'an empty one'} is none; put it in quotes"
            self._complaints.append(Complaint(path, message, node.at))
            return None
        return key

"""A YAML document with the line of everything in it, for sentences about what is wrong and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

Place: TypeAlias = tuple[str | int, ...]


class BadYaml(ValueError):
    """``str()`` says what is wrong on ``line``."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Marked:
    data: object
    """Of mappings, lists and scalars as YAML 1.1 reads them."""
    lines: Mapping[Place, int] = field(default_factory=dict)
    """Keys and indices from the root → line, from 1; a mapping's value has the line of its key."""

    def line(self, place: Sequence[str | int]) -> int:
        """That of the nearest known place; names that are no place are left out."""
        known: Place = ()
        for part in place:
            if (*known, part) in self.lines:
                known = (*known, part)
        return self.lines.get(known, 1)


def read(text: str) -> Marked:
    """One document, without aliases and without a key twice."""
    loader = yaml.SafeLoader(text)
    lines: dict[Place, int] = {}
    try:
        root = loader.get_single_node()
        data = _value(loader, root, (), lines, set()) if root is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadYaml(mark.line + 1 if mark else 1, f"this is not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise BadYaml(1, f"this is not YAML: {error}") from None
    except RecursionError:
        raise BadYaml(1, "it is nested too deep") from None
    finally:
        loader.dispose()
    return Marked(data, lines)


def _value(loader: yaml.SafeLoader, node: yaml.Node, place: Place, lines: dict[Place, int], seen: set[int]) -> object:
    line = node.start_mark.line + 1
    if id(node) in seen:
        raise BadYaml(line, "an alias is used; write the value out")
    seen.add(id(node))
    lines.setdefault(place, line)
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, one, (*place, n), lines, seen) for n, one in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _scalar(loader, node, line)
    document: dict[str, object] = {}
    for key_node, value_node in node.value:
        key, at = str(key_node.value), key_node.start_mark.line + 1
        if key in document:
            raise BadYaml(at, f"{key!r} stands here twice")
        lines[(*place, key)] = at
        document[key] = _value(loader, value_node, (*place, key), lines, seen)
    return document


def _scalar(loader: yaml.SafeLoader, node: yaml.Node, line: int) -> object:
    try:
        value: object = loader.construct_object(node)
    except ValueError as error:
        raise BadYaml(line, f"{node.value!r} is no value: {error}") from None
    return value

"""From the text of one YAML document to a tree of nodes that know their line and column.

PyYAML's parser gives the events (libyaml's where it is built in); composing them is done here, with caps on depth and
on the size after aliases, so that no document costs more than its length suggests. ``reading`` gives the meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import yaml

from controller.api.quantities import shown
from controller.api.scalars import STR_TAG, short
from controller.api.yamlwords import DIRECTIVES, Mark, explain

MAX_DEPTH = 24
MAX_NODES = 20_000
"""Of one document, aliases counted as often as they are used."""

Loader = type[yaml.SafeLoader] | type[yaml.CSafeLoader]
FAST_LOADER: Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Position(NamedTuple):
    """Both count from 1."""

    line: int
    column: int


class Unreadable(Exception):
    """The document is no YAML that manifests may use; ``str()`` is the sentence."""

    def __init__(self, message: str, at: Position) -> None:
        super().__init__(message)
        self.at = at


@dataclass(slots=True, eq=False)
class ScalarNode:
    text: str
    plain: bool
    tag: str | None
    at: Position
    size: ClassVar[int] = 1
    height: ClassVar[int] = 1


@dataclass(slots=True, eq=False)
class ListNode:
    at: Position
    items: list[Node] = field(default_factory=list)
    size: int = 1
    """Nodes in this subtree with its aliases written out."""
    height: int = 1


@dataclass(slots=True, eq=False)
class MapNode:
    at: Position
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    size: int = 1
    height: int = 1


Node = ScalarNode | ListNode | MapNode


def compose(text: str, *, first_line: int = 1, loader: Loader = FAST_LOADER) -> Node | None:
    """The tree of a text that holds one document, or None where it holds none."""
    events = loader(text)
    try:
        return _Composer(events, first_line=first_line).document()
    except yaml.MarkedYAMLError as error:
        sentence, mark = explain(error, text)
        raise Unreadable(sentence, _position(mark, first_line)) from None
    except yaml.YAMLError as error:
        raise Unreadable(f"this is not YAML: {error}", Position(first_line, 1)) from None
    finally:
        events.dispose()


def _position(mark: Mark | None, first_line: int) -> Position:
    return Position(first_line, 1) if mark is None else Position(mark.line + first_line, mark.column + 1)


class _Composer:
    def __init__(self, events: yaml.SafeLoader | yaml.CSafeLoader, *, first_line: int) -> None:
        self._events = events
        self._first_line = first_line
        self._anchors: dict[str, Node | None] = {}
        self._nodes = 0

    def document(self) -> Node | None:
        self._next()
        start = self._next()
        if isinstance(start, yaml.StreamEndEvent):
            return None
        if getattr(start, "version", None) or getattr(start, "tags", None):
            raise Unreadable(DIRECTIVES, Position(self._first_line, 1))
        root = self._node(self._next(), depth=1)
        self._next()
        self._next()
        return root

    def _next(self) -> yaml.Event:
        event = self._events.get_event()
        if event is None:
            raise yaml.YAMLError("the parser ended early")
        return event

    def _node(self, event: yaml.Event, *, depth: int) -> Node:
        at = _position(event.start_mark, self._first_line)
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested more than {MAX_DEPTH} levels deep, which no manifest needs", at)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, at, depth)
        self._count(1, at)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = None
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            tag = event.tag if event.tag != "!" else STR_TAG
            if event.style == '"':
                _require_unicode(event.value, at)
            node = ScalarNode(event.value, plain=event.style in (None, ""), tag=tag, at=at)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(event, at, depth)
        else:
            node = self._map(event, at, depth)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _list(self, start: yaml.Event, at: Position, depth: int) -> ListNode:
        _require_tag(start, "tag:yaml.org,2002:seq", at)
        node = ListNode(at)
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            item = self._node(event, depth=depth + 1)
            node.items.append(item)
            _grow(node, item)
        return node

    def _map(self, start: yaml.Event, at: Position, depth: int) -> MapNode:
        _require_tag(start, "tag:yaml.org,2002:map", at)
        node = MapNode(at)
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._node(event, depth=depth + 1)
            value = self._node(self._next(), depth=depth + 1)
            node.pairs.append((key, value))
            _grow(node, key)
            _grow(node, value)
        return node

    def _alias(self, name: str | None, at: Position, depth: int) -> Node:
        node = self._anchors.get(name or "")
        if node is None:
            known = name in self._anchors
            reason = "stands inside the value that it repeats" if known else "repeats nothing: there is no such anchor"
            raise Unreadable(f"the alias *{name} {reason}", at)
        if isinstance(node, ScalarNode):
            self._count(1, at)
            return ScalarNode(node.text, plain=node.plain, tag=node.tag, at=at)
        self._count(node.size, at)
        if depth + node.height > MAX_DEPTH:
            raise Unreadable(f"the alias *{name} nests more than {MAX_DEPTH} levels deep", at)
        return node

    def _count(self, nodes: int, at: Position) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Unreadable(
                f"the document has more than {MAX_NODES} values, its aliases written out; no manifest needs so many", at
            )


def _grow(parent: ListNode | MapNode, child: Node) -> None:
    parent.size += child.size
    parent.height = max(parent.height, child.height + 1)


def _require_unicode(text: str, at: Position) -> None:
    r"""An escape such as ``\ud800`` makes text that cannot be written anywhere."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable("holds half of a surrogate pair, which is no character; remove the escape", at) from None


def _require_tag(event: yaml.Event, core: str, at: Position) -> None:
    tag = getattr(event, "tag", None)
    if tag not in (None, "!", core):
        raise Unreadable(f"the tag {shown(short(str(tag)))} is not supported; remove it", at)

"""Just enough of PromQL to say which series a query names, and by which labels it puts them together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WORDS = {
    "and", "bool", "by", "group_left", "group_right", "ignoring", "offset", "on", "or", "unless", "without",
}  # fmt: skip
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"\b(?<![\d.])([A-Za-z_:][\w:]*)\b(?!\s*\()\s*(\{[^}]*\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Selector:
    """A metric in a query: its name, and (label, operator, value) for each matcher."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]

    def values(self) -> Iterator[tuple[str, str]]:
        """Each value that a label is compared with; alternatives of a plain regular expression one by one."""
        for label, operator, value in self.matchers:
            for one in value.split("|") if operator in {"=~", "!~"} else [value]:
                yield label, one


def selectors(expr: str) -> list[Selector]:
    bare = _GROUPING.sub(" ", expr)
    bare = re.sub(r"\[\w+(?::\w*)?\]", " ", bare)  # ranges
    bare = re.sub(r"\boffset\s+\w+", " ", bare)
    found = []
    for match in _SELECTOR.finditer(_outside_strings(bare)):
        name, span = match[1], match.span(2)
        if name not in _WORDS:
            found.append(Selector(name, tuple(_MATCHER.findall(bare[slice(*span)] if match[2] else ""))))
    return found


def grouping(expr: str) -> set[str]:
    """All labels that are named by ``by (…)`` and its like."""
    return {label.strip() for inside in _GROUPING.findall(expr) for label in inside.split(",") if label.strip()}


def _outside_strings(expr: str) -> str:
    """Of the same length, with every string blanked, so that nothing inside one looks like a metric."""
    return _STRING.sub(lambda found: " " * len(found[0]), expr)

"""PyYAML's and libyaml's syntax errors in plain words: what was found and what to do about it."""

from __future__ import annotations

from typing import Protocol

import yaml


class Mark(Protocol):
    """A place in a text, both counted from 0: PyYAML and its libyaml binding have a class each."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


DIRECTIVES = "directives such as %YAML are not supported; remove the line"

_TAB = "found a tab; YAML is indented with spaces only"
_BRACKET = "this bracket is never closed, or a comma is missing in it"
_INDENTATION = "the indentation fits none of the lines above"
_QUOTE = "this quote is never closed"

# Part of the parser's text, to ours. The first that fits is taken.
_WORDS = (
    (
        "mapping values are not allowed",
        'found a ":" where none can stand; indent the line like its neighbours or quote the text',
    ),
    (
        "could not find expected ':'",
        'found a line without ":"; write "field: value", or close the quote or bracket above',
    ),
    (
        "expected <document start>",
        "only one value can stand here; is the line indented wrongly, or a bracket too many?",
    ),
    (
        "expected '<document start>'",
        "only one value can stand here; is the line indented wrongly, or a bracket too many?",
    ),
    ("while scanning a quoted scalar", _QUOTE),
    ("while parsing a flow", _BRACKET),
    ("expected <block end>", _INDENTATION),
    ("did not find expected key", _INDENTATION),
    ("did not find expected '-' indicator", _INDENTATION),
    ("sequence entries are not allowed", 'found a list item ("- …") where none can stand; put it on a line of its own'),
    ("expected node content", "found a bracket or comma where a value belongs; write or quote the value"),
    ("expected the node content", "found a bracket or comma where a value belongs; write or quote the value"),
    ("undefined tag handle", "found a tag that nothing defines; remove it"),
    ("unknown escape character", 'found an escape that YAML does not know; write "\\\\" for a backslash'),
)


def explain(error: yaml.MarkedYAMLError, text: str) -> tuple[str, Mark | None]:
    """One sentence without place for a syntax error in ``text``, and the mark that it is about."""
    mark = error.problem_mark or error.context_mark
    line = _line(text, mark)
    said = f"{error.context or ''} {error.problem or ''}".strip()
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return _TAB, mark
    if "cannot start any token" in said and mark is not None:
        found = line[mark.column : mark.column + 1]
        return _TAB if found == "\t" else f'"{found}" cannot start a value; put the value in quotes', mark
    if line.startswith("%"):
        return DIRECTIVES, mark
    words = next((words for part, words in _WORDS if part in said), f"this is not YAML: {said}")
    opened_at = error.context_mark if words in (_QUOTE, _BRACKET) else None
    return words, opened_at or mark


def _line(text: str, mark: Mark | None) -> str:
    lines = text.splitlines()
    return lines[mark.line] if mark is not None and mark.line < len(lines) else ""

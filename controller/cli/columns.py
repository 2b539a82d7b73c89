"""Tables as kubectl prints them: a line of capitals, columns apart by blanks, no borders.

A terminal that is too narrow gets shortened cells; a pipe gets all of them, for ``grep`` and ``awk``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

GAP = 3
NARROWEST = 8
"""Cells are shortened to this many characters at least."""
NARROWEST_WRAPPED = 24
"""A column that is narrower is shortened instead of wrapped."""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    shrinks: bool = False
    """May be shortened where the terminal is too narrow."""
    wraps: bool = False
    """Goes on in the next line, below itself, where the terminal is too narrow; for the last column."""
    least: int = 0
    """Characters that it takes in any case, so that a live table does not jump."""


def table(columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], *, width: int | None) -> list[Text]:
    """The lines, the titles first. ``width`` None: as wide as it comes."""
    head = [Text(column.title, style="bold") for column in columns]
    body = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    widths = [
        max(column.least, *(cell.cell_len for cell in cells))
        for column, *cells in zip(columns, head, *body, strict=True)
    ]
    if width is not None:
        _shrink(widths, columns, width)
    return [_line(head, widths), *(line for cells in body for line in _lines(cells, widths))]


def width_of(console: Console) -> int | None:
    """What to fit a table into."""
    return console.width if console.is_terminal else None


def wrapped(text: Text, *, width: int | None, indent: int) -> list[Text]:
    """A sentence in lines of words, all but the first indented. ``width`` None: one line."""
    if width is None or text.cell_len <= width:
        return [text]
    first, *rest = _broken(text, max(NARROWEST, width - indent))
    return [first, *(Text.assemble(" " * indent, line) for line in rest)]


_ANY_CONSOLE = Console(width=80)
"""Wrapping asks for one, of which it uses the tab size."""


def _broken(text: Text, width: int) -> list[Text]:
    lines = list(text.wrap(_ANY_CONSOLE, width))
    for line in lines:
        line.rstrip()
    return lines


def _shrink(widths: list[int], columns: Sequence[Column], width: int) -> None:
    """Take from the wrapping column as long as it has room, then from the widest shrinking one, until all fit."""
    while sum(widths) + GAP * (len(widths) - 1) > width:
        wrapping = [n for n, column in enumerate(columns) if column.wraps and widths[n] > NARROWEST_WRAPPED]
        candidates = wrapping or [n for n, column in enumerate(columns) if column.shrinks and widths[n] > NARROWEST]
        if not candidates:
            return
        widths[max(candidates, key=lambda n: widths[n])] -= 1


def _lines(cells: Sequence[Text], widths: Sequence[int]) -> list[Text]:
    """One line, and more of them below the last cell where that one wraps."""
    *front, last = cells
    if last.cell_len <= widths[-1] or widths[-1] < NARROWEST_WRAPPED:
        return [_line(cells, widths)]
    first, *rest = _broken(last, widths[-1])
    indent = " " * (sum(widths[:-1]) + GAP * len(front))
    return [_line([*front, first], widths), *(Text.assemble(indent, line) for line in rest)]


def _line(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    for number, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        shown = cell.copy()
        shown.truncate(width, overflow="ellipsis")
        line.append(" " * GAP if number else "")
        line.append_text(shown)
        line.append(" " * (width - shown.cell_len))
    line.rstrip()
    return line

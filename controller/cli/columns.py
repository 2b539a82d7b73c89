"""Tables as kubectl prints them: a line of capitals, columns apart by blanks, no borders.

A terminal that is too narrow gets shortened cells; a pipe gets all of them, for ``grep`` and ``awk``.
"""

from __future__ import annotations

import re
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
    yields: bool = False
    """Is shortened before the others are; together with ``shrinks``."""
    wraps: bool = False
    """Goes on in the next line, below itself, where the terminal is too narrow; for the last column."""
    least: int = 0
    """Characters that it takes in any case, so that a live table does not jump."""


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str | Text]],
    *,
    width: int | None,
    below: Text | None = None,
) -> list[Text]:
    """The lines, the titles first. ``width`` None: as wide as it comes.

    ``below``: the line of titles that these rows are to be written under, which was printed before. Each row keeps to
    it by itself: one with a longer cell moves no other.
    """
    head = [Text(column.title, style="bold") for column in columns]
    body = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    if below is not None:
        least = _widths_of(below)
        return [
            below,
            *(line for cells in body for line in _lines(columns, cells, _widths(columns, [cells], least, width))),
        ]
    widths = _widths(columns, [head, *body], [column.least for column in columns], width)
    return [_line(head, widths), *(line for cells in body for line in _lines(columns, cells, widths))]


def _widths(
    columns: Sequence[Column], lines: Sequence[Sequence[Text]], least: Sequence[int], width: int | None
) -> list[int]:
    widths = [max(floor, *(cell.cell_len for cell in cells)) for floor, *cells in zip(least, *lines, strict=True)]
    if width is not None:
        _shrink(widths, columns, width)
    return widths


def _widths_of(titles: Text) -> list[int]:
    """Of the columns of a printed line of titles; that of the last is its title's."""
    found = list(re.finditer(r"\S+", titles.plain))
    ends = [following.start() - GAP for following in found[1:]]
    return [end - title.start() for title, end in zip(found, [*ends, len(titles.plain)], strict=True)]


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
    """Take from the wrapping column as long as it has room, then from the widest that yields, then that shrinks."""
    while sum(widths) + GAP * (len(widths) - 1) > width:
        wrapping = [n for n, column in enumerate(columns) if column.wraps and widths[n] > NARROWEST_WRAPPED]
        shrinking = [n for n, column in enumerate(columns) if column.shrinks and widths[n] > NARROWEST]
        candidates = wrapping or [n for n in shrinking if columns[n].yields] or shrinking
        if not candidates:
            return
        widths[max(candidates, key=lambda n: widths[n])] -= 1


def _lines(columns: Sequence[Column], cells: Sequence[Text], widths: Sequence[int]) -> list[Text]:
    """One line, and more of them below the last cell where that one wraps."""
    *front, last = cells
    if not columns[-1].wraps or last.cell_len <= widths[-1] or widths[-1] < NARROWEST_WRAPPED:
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

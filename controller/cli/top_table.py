"""The table of sessions of ``winux top``: more columns the wider the terminal, and why each stands where it does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.text import Text

from controller.admin.models import SessionView
from controller.cli import tables
from controller.cli.columns import Column, table
from controller.cli.spans import NOTHING, age
from controller.cli.top_rows import troubled

OWNER_FROM, ADDRESS_FROM, CONTAINER_FROM = 104, 132, 164
"""Columns of a terminal from which on more is shown: messages say what to do, and come before all that."""
_WITH_ADDRESS = 2
"""Columns between the age and the message from which on the address is among them."""
_LONGEST_NAME = 0.3
"""Of the width."""


def session_lines(
    shown: Sequence[SessionView], every: Sequence[SessionView], *, now: datetime, width: int | None
) -> list[Text]:
    """The titles, and a line for each of ``shown``. ``every``: all rows, so that scrolling moves no column."""
    names = _widest(view.name for view in every)
    if width is not None:
        names = min(names, max(12, int(width * _LONGEST_NAME)))
    columns = [
        Column("NAME", least=names),
        Column("PHASE", least=len("Terminating")),
        Column("LEFT", least=len("59m59s")),
        Column("AGE", least=len("59m59s")),
    ]
    wide = width or CONTAINER_FROM
    if wide >= OWNER_FROM:
        columns.append(Column("OWNER", shrinks=True, least=min(24, _widest(view.owner or "" for view in every))))
    if wide >= ADDRESS_FROM:
        columns.append(Column("ADDRESS", least=len("10.100.100.100")))
    if wide >= CONTAINER_FROM:
        columns += [
            Column("VMID", least=5),
            Column("NODE", least=_widest(view.node or "" for view in every)),
            Column("TEMPLATE", shrinks=True, least=min(20, _widest(view.template or "" for view in every))),
        ]
    columns.append(Column("MESSAGE", shrinks=True, yields=True))
    rows = [_cells(view, now, names, len(columns)) for view in shown]
    return table(columns, rows, width=width)


def _widest(words: Iterable[str]) -> int:
    return max(map(len, words), default=0)


def _cells(view: SessionView, now: datetime, names: int, number: int) -> list[str | Text]:
    name = Text(view.name)
    name.truncate(max(names, len("NAME")), overflow="ellipsis")
    left = [name, tables.phase(view.phase), tables.time_left(view), Text(age(view.accepted_at, now))]
    middle: list[str | Text] = [
        view.owner or NOTHING,
        view.address or NOTHING,
        str(view.vmid) if view.vmid is not None else NOTHING,
        view.node or NOTHING,
        view.template or NOTHING,
    ]
    shown = middle[: number - len(left) - 1]
    return [*left, *shown, message(view, address=len(shown) < _WITH_ADDRESS)]


def message(view: SessionView, *, address: bool) -> Text:
    """In the colour of how bad it is; quiet where all is well. ``address``: it is in no other column."""
    if troubled(view):
        return Text(view.problems[0] if view.problems and not view.failing else view.message, style="red")
    if view.phase == "Held":
        return Text(view.message, style="yellow")
    if view.reason == "Ready" and address and view.address is not None:
        return Text(f"desktop at {view.address}")
    if view.phase == "Expired" or view.reason == "Ready":
        return Text(view.message, style="dim")
    return Text(view.message)

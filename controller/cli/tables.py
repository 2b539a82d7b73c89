"""The tables of ``winux get``, ``events`` and ``describe``: which columns, in what words. Pure: text out of views."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from controller.admin.models import (
    ConditionView,
    ContainerView,
    EventView,
    ResourcesView,
    SessionView,
    TemplateView,
    Whose,
)
from controller.cli.columns import Column, table
from controller.cli.console import PHASE_STYLES
from controller.cli.spans import NOTHING, age, clock, span

SOON = 60.0
"""Seconds before its end from which a session's time left stands out."""
_MESSAGE = Column("MESSAGE", wraps=True)


def phase(name: str) -> Text:
    return Text(name, style=PHASE_STYLES.get(name, ""))


def sessions(
    views: Sequence[SessionView], *, now: datetime, wide: bool, width: int | None, below: Text | None = None
) -> list[Text]:
    """``below``, here and elsewhere: the titles under which these rows are to be written."""
    columns = [
        Column("NAME", shrinks=True),
        Column("PHASE", least=len("Terminating")),
        Column("ADDRESS", least=len("10.100.100.100")),
        Column("TIME-LEFT"),
        Column("AGE", least=len("59m59s")),
        Column("OWNER", shrinks=True, yields=True),
    ]
    if wide:
        columns += [Column("VMID"), Column("NODE"), Column("TEMPLATE", shrinks=True), Column("REASON", shrinks=True)]
    rows: list[list[str | Text]] = []
    for view in views:
        row: list[str | Text] = [
            view.name,
            phase(view.phase),
            view.address or NOTHING,
            time_left(view),
            age(view.accepted_at, now),
            view.owner or NOTHING,
        ]
        if wide:
            vmid = str(view.vmid) if view.vmid is not None else NOTHING
            row += [vmid, view.node or NOTHING, view.template or NOTHING, view.reason]
        rows.append(row)
    return table(columns, rows, width=width, below=below)


def time_left(view: SessionView) -> Text:
    """Counts down once the end is fixed; until then the time to live that is to come, in brackets."""
    if view.seconds_left is not None:
        return Text(span(view.seconds_left), style="yellow" if view.seconds_left <= SOON else "")
    waits = view.ended_at is None and view.phase not in {"Terminating", "Expired", "Failed"}
    return Text(f"({view.ttl})" if view.ttl is not None and waits else NOTHING, style="dim")


def templates(views: Sequence[TemplateView], *, width: int | None, below: Text | None = None) -> list[Text]:
    columns = [
        Column("NAME", shrinks=True),
        Column("CORES"),
        Column("MEMORY"),
        Column("DISK"),
        Column("TTL"),
        Column("MAX"),
        Column("SESSIONS"),
        Column("SOURCE", shrinks=True),
        Column("MANIFEST", shrinks=True),
    ]
    rows: list[list[str | Text]] = [
        [
            view.name,
            *_resources(view.resources),
            view.ttl or NOTHING,
            view.max_ttl or NOTHING,
            str(view.sessions),
            view.source or (Text("cannot be used", style="red") if view.problems else NOTHING),
            view.origin,
        ]
        for view in views
    ]
    return table(columns, rows, width=width, below=below)


def containers(views: Sequence[ContainerView], *, width: int | None, below: Text | None = None) -> list[Text]:
    columns = [
        Column("VMID"),
        Column("NODE"),
        Column("NAME", shrinks=True),
        Column("STATUS"),
        Column("WHOSE"),
        Column("SESSION", shrinks=True),
    ]
    rows: list[list[str | Text]] = [
        [
            str(view.vmid),
            view.node,
            view.name or NOTHING,
            view.status if view.lock is None else f"{view.status} ({view.lock})",
            Text(view.whose, style="" if view.whose is Whose.OURS else "dim"),
            view.session or NOTHING,
        ]
        for view in views
    ]
    return table(columns, rows, width=width, below=below)


def events(
    views: Sequence[EventView],
    *,
    now: datetime,
    width: int | None,
    of_one: bool = False,
    one_line: bool = False,
    below: Text | None = None,
) -> list[Text]:
    """``of_one``: all of one session, which then needs no column. ``one_line``: shortened where others would wrap."""
    columns = [
        Column("TIME"),
        Column("TYPE", least=7),
        Column("REASON", least=len("ManifestRemoved")),
        Column("SESSION", shrinks=True),
        Column("MESSAGE", shrinks=True, yields=True) if one_line else _MESSAGE,
    ]
    rows: list[list[str | Text]] = [
        [
            Text(clock(view.last_at, now), style="dim"),
            Text(view.type, style="yellow" if view.type == "Warning" else "dim"),
            view.reason,
            view.session or NOTHING,
            view.message if view.count == 1 else f"{view.message} ({view.count} times)",
        ]
        for view in views
    ]
    if of_one:
        del columns[3]
        for row in rows:
            del row[3]
    return table(columns, rows, width=width, below=below)


def conditions(views: Sequence[ConditionView], *, now: datetime, width: int | None) -> list[Text]:
    columns = [Column("TYPE"), Column("STATUS"), Column("REASON"), Column("SINCE"), _MESSAGE]
    rows = [[v.type, v.status, v.reason, f"{age(v.last_transition_time, now)} ago", v.message] for v in views]
    return table(columns, rows, width=width)


def _resources(resources: ResourcesView | None) -> list[str]:
    if resources is None:
        return [NOTHING, NOTHING, NOTHING]
    return [str(resources.cores), resources.memory, resources.disk]

"""``winux events``: what was decided and done, as a table or as lines of JSON, once or as it happens."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from controller.admin.client import AdminClient
from controller.admin.models import EventView, moment
from controller.api.quantities import parse_duration
from controller.cli import completion, tables
from controller.cli.columns import width_of
from controller.cli.console import out
from controller.cli.invocation import invocation
from controller.engine.clock import SystemClock

WATCH_PERIOD = 1.0
"""Seconds between two looks for new events."""
SHOWN = 50
"""Events that are listed unless more are asked for."""
MOST = 10_000


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


class Type(StrEnum):
    NORMAL = "Normal"
    WARNING = "Warning"


def events(
    context: typer.Context,
    *,
    name: Annotated[
        str | None, typer.Argument(help="Only this session's.", autocompletion=completion.session_names)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing new ones until Ctrl-C.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST, help="How many at most.")] = SHOWN,
    output: Annotated[
        Format, typer.Option("--output", "-o", help="json is for programs: an object on each line.")
    ] = Format.TABLE,
    event_type: Annotated[
        Type | None, typer.Option("--type", case_sensitive=False, help="Only warnings, or only the rest.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Only those with this reason, such as Ready.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Only the last hour with 1h, the last two days with 2d.")
    ] = None,
) -> None:
    """Show what was decided and done, oldest first.

    What happens again is counted, and shown again with its count.
    """
    ago = _seconds(since)
    begin = SystemClock().now() - ago if ago is not None else 0.0
    show = _Lines() if output is Format.JSON else _Table(of_one=name is not None)
    with invocation(context).client() as client:
        asked = _Asked(client, name, event_type, reason)
        found = asked.events(limit=limit, since=max(0.0, begin))
        if not found and not watch:
            if name is not None:
                client.session(name)
            show.nothing()
            return
        show.events(found)
        if watch:
            with suppress(KeyboardInterrupt):
                _follow(asked, show, after=found[-1].id if found else 0)


class _Asked:
    """What of the daemon's events is wanted."""

    def __init__(self, client: AdminClient, name: str | None, event_type: Type | None, reason: str | None) -> None:
        self._client = client
        self._name = name
        self._type = event_type
        self._reason = reason

    def events(self, *, limit: int, after: int = 0, since: float = 0.0) -> tuple[EventView, ...]:
        return self._client.events(
            session=self._name, event_type=self._type, reason=self._reason, limit=limit, after=after, since=since
        )


class _Table:
    """Titles once, then a row for each event."""

    def __init__(self, *, of_one: bool) -> None:
        self._of_one = of_one
        self._titles: Text | None = None

    def nothing(self) -> None:
        out.print("there are no events")

    def events(self, found: Sequence[EventView]) -> None:
        now, below = moment(SystemClock().now()), self._titles
        lines = tables.events(found, now=now, width=width_of(out), of_one=self._of_one, below=below)
        for line in lines if below is None else lines[1:]:
            out.print(line)
        self._titles = lines[0]


class _Lines:
    """An object on each line, with the same fields as in the file of ``events.file``."""

    def nothing(self) -> None:
        """No line is how a program is told."""

    def events(self, found: Sequence[EventView]) -> None:
        for event in found:
            typer.echo(json.dumps(event.model_dump(mode="json", by_alias=True), ensure_ascii=False))


def _follow(asked: _Asked, show: _Table | _Lines, *, after: int) -> None:
    clock, never = SystemClock(), threading.Event()
    while not clock.wait(never, WATCH_PERIOD):
        found = asked.events(limit=MOST, after=after)
        show.events(found)
        after = found[-1].id if found else after


def _seconds(duration: str | None) -> float | None:
    try:
        return parse_duration(duration) if duration is not None else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None

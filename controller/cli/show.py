"""``winux get``: sessions, templates and containers as tables, once or live, or as YAML or JSON for programs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer
import yaml
from rich.console import Group
from rich.live import Live
from rich.text import Text

from controller.admin.client import AdminClient
from controller.admin.models import ControllerStatus, SessionView, View, moment
from controller.cli import completion, tables
from controller.cli.columns import width_of
from controller.cli.console import notice_lines, notices, out, warn_all
from controller.cli.exits import Failure
from controller.cli.invocation import invocation
from controller.engine.clock import Clock, SystemClock

WATCH_PERIOD = 1.0
"""Seconds between two looks of a live table."""
MOST_FAILING = 5
"""Sessions that fail of which it is said above the table why."""


class Kind(StrEnum):
    SESSIONS = "sessions"
    TEMPLATES = "templates"
    CONTAINERS = "containers"


class Format(StrEnum):
    TABLE = "table"
    WIDE = "wide"
    YAML = "yaml"
    JSON = "json"


PROGRAMS = frozenset({Format.YAML, Format.JSON})


def get(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(help="sessions, templates or containers.", autocompletion=completion.kinds)
    ] = Kind.SESSIONS,
    name: Annotated[str | None, typer.Argument(help="Only this one.", autocompletion=completion.session_names)] = None,
    output: Annotated[
        Format, typer.Option("--output", "-o", help="wide has more columns; yaml and json are for programs.")
    ] = Format.TABLE,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing changes until Ctrl-C.")] = False,
) -> None:
    """Show sessions, templates or containers.

    What brakes the controller, manifests with mistakes, and why a session does not get on are said above the table, on
    standard error.
    """
    question = _Question(kind=_kind(kind), name=name, wide=output is Format.WIDE)
    if watch and output in PROGRAMS:
        raise Failure("a live view is a table: leave out -w, or -o yaml and -o json")
    with invocation(context).client() as client:
        if not watch:
            status, answer = client.status(), question.ask(client)
            warn_all([*notices(status), *answer.failures(status)])
            if output in PROGRAMS:
                _print_data(answer.items, output, single=name is not None)
            else:
                _print(answer, kind=question.kind)
        else:
            with suppress(KeyboardInterrupt):
                (_live if out.is_terminal else _follow)(question, client, SystemClock())


@dataclass(frozen=True, slots=True)
class _Answer:
    items: Sequence[View]
    lines: Callable[[Text | None], list[Text]]
    """The table, its titles first; under those that are given, if any."""

    def failures(self, status: ControllerStatus) -> Iterator[str]:
        """Why sessions do not get on, so far as nothing else that is said tells that already."""
        told = {notice.reason for notice in status.notices}
        found = [
            one
            for one in self.items
            if isinstance(one, SessionView) and one.failing and not one.problems and one.reason not in told
        ]
        yield from (f"{one.name}: {one.message}" for one in found[:MOST_FAILING])
        if (left := len(found) - MOST_FAILING) > 0:
            yield f"and {left} more: `winux describe NAME` says why"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    kind: Kind
    name: str | None
    wide: bool

    def ask(self, client: AdminClient, *, clock: Clock | None = None) -> _Answer:
        """Raises ``Failure`` or ``Refused`` where there is nothing of that name."""
        now, width = moment((clock or SystemClock()).now()), width_of(out)
        match self.kind:
            case Kind.SESSIONS:
                sessions = client.sessions() if self.name is None else (client.session(self.name),)
                return _Answer(
                    sessions, lambda below: tables.sessions(sessions, now=now, wide=self.wide, width=width, below=below)
                )
            case Kind.TEMPLATES:
                templates = [one for one in client.templates() if self.name in {None, one.name}]
                self._require(templates)
                return _Answer(templates, lambda below: tables.templates(templates, width=width, below=below))
            case Kind.CONTAINERS:
                containers = [c for c in client.containers() if self.name in {None, str(c.vmid), c.name, c.session}]
                self._require(containers)
                return _Answer(containers, lambda below: tables.containers(containers, width=width, below=below))

    def _require(self, found: Sequence[View]) -> None:
        if self.name is not None and not found:
            raise Failure(f"there is no {self.kind.removesuffix('s')} {self.name}: `winux get {self.kind}` lists all")


def _kind(word: str) -> Kind:
    plural = word.lower() if word.lower().endswith("s") else f"{word.lower()}s"
    if plural not in set(Kind):
        raise typer.BadParameter(f'"{word}" is none of {", ".join(Kind)}', param_hint="KIND")
    return Kind(plural)


def _print_data(items: Sequence[View], output: Format, *, single: bool) -> None:
    plain = [item.model_dump(mode="json", by_alias=True, exclude_none=True) for item in items]
    data = plain[0] if single and len(plain) == 1 else {"items": plain}
    if output is Format.JSON:
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        typer.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), nl=False)


def _print(answer: _Answer, *, kind: Kind) -> None:
    if not answer.items:
        out.print(f"there are no {kind}")
        return
    for line in answer.lines(None):
        out.print(line)


def _live(question: _Question, client: AdminClient, clock: Clock) -> None:
    """A table that stays in its place; the last one stays on the screen."""
    never = threading.Event()
    with Live(console=out, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            status, answer = client.status(), question.ask(client, clock=clock)
            sentences = [*notices(status), *answer.failures(status)]
            said = [line for sentence in sentences for line in notice_lines(sentence, width=width_of(out))]
            live.update(Group(*said, *answer.lines(None)), refresh=True)
            clock.wait(never, WATCH_PERIOD)


def _follow(question: _Question, client: AdminClient, clock: Clock) -> None:
    """For pipes: the table once, then a line below its titles whenever something about an item changed."""
    never = threading.Event()
    before: list[dict[str, object]] | None = None
    below: Text | None = None
    while True:
        answer = question.ask(client, clock=clock)
        now = [item.model_dump(exclude={"seconds_left"}) for item in answer.items]
        titles, *rows = answer.lines(below)
        if below is None:
            typer.echo(titles.plain)
        for item, row in zip(now, rows, strict=True):
            if before is None or item not in before:
                typer.echo(row.plain)
        before, below = now, titles
        clock.wait(never, WATCH_PERIOD)

"""``winux describe`` and ``winux events``: all about one session, and what was decided and done."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from controller.admin.client import AdminClient
from controller.admin.models import EventView, SessionView, moment
from controller.cli import completion, tables
from controller.cli.columns import width_of, wrapped
from controller.cli.console import out, warn_all
from controller.cli.invocation import invocation
from controller.cli.spans import NOTHING, span, when
from controller.engine.clock import SystemClock

WATCH_PERIOD = 1.0
"""Seconds between two looks for new events."""
SHOWN = 50
"""Events that are listed unless more are asked for."""
LABEL_WIDTH = 12


def describe(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The session.", autocompletion=completion.session_names)],
) -> None:
    """Show all there is to know about a session: where it stands and why, its times, conditions and events.

    Also works for a name that only a manifest with mistakes mentions.
    """
    with invocation(context).client() as client:
        session = client.session(name)
        events = client.events(session=name, limit=SHOWN)
        said = [notice.sentence for notice in client.status().notices]
    warn_all(sentence for sentence in said if sentence != session.message)
    now = moment(SystemClock().now())
    for line in _description(session, events, now=now):
        out.print(line)


def events(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Only this session's.", autocompletion=completion.session_names)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing new ones until Ctrl-C.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many at most.")] = SHOWN,
) -> None:
    """Show what was decided and done, oldest first."""
    with invocation(context).client() as client:
        found = client.events(session=name, limit=limit)
        if not found and not watch:
            if name is not None:
                client.session(name)
            out.print("there are no events")
            return
        titles = _print_events(found, of_one=name is not None)
        if watch:
            with suppress(KeyboardInterrupt):
                _follow(client, name, after=found[-1].id if found else 0, below=titles)


def _follow(client: AdminClient, name: str | None, *, after: int, below: Text) -> None:
    clock, never = SystemClock(), threading.Event()
    while not clock.wait(never, WATCH_PERIOD):
        found = client.events(session=name, after=after)
        _print_events(found, of_one=name is not None, below=below)
        after = found[-1].id if found else after


def _print_events(found: Sequence[EventView], *, of_one: bool, below: Text | None = None) -> Text:
    """Returns the titles, which are printed unless these events stand ``below`` them already."""
    lines = tables.events(found, now=moment(SystemClock().now()), width=width_of(out), of_one=of_one, below=below)
    for line in lines if below is None else lines[1:]:
        out.print(line)
    return lines[0]


# -- a description ---------------------------------------------------------------------------------------------


def _description(session: SessionView, found: Sequence[EventView], *, now: datetime) -> Iterator[Text]:
    yield _label("Name", Text(session.name, style="bold"))
    reason = f" ({session.reason})" if session.reason != session.phase else ""
    yield _label("Phase", Text.assemble(tables.phase(session.phase), reason))
    yield _label("Message", session.message)
    for problem in session.problems:
        if problem != session.message:
            yield _label("Problem", Text(problem, style="red"))
    yield _label("Manifest", session.origin or "none")
    yield _label("Owner", session.owner or NOTHING)
    for title, pairs in (("Labels", session.labels), ("Annotations", session.annotations)):
        for number, (key, value) in enumerate(sorted(pairs.items())):
            yield _label("" if number else title, f"{key}={value}")
    if session.template is not None:
        yield from _desktop(session)
        yield Text()
        yield from _times(session, now)
    if session.conditions:
        yield Text()
        yield Text("Conditions", style="bold")
        yield from _indented(tables.conditions(session.conditions, now=now, width=_room()))
    yield Text()
    yield Text("Events" if found else "No events", style="bold")
    if found:
        yield from _indented(tables.events(found, now=now, width=_room(), of_one=True))


def _desktop(session: SessionView) -> Iterator[Text]:
    yield Text()
    yield _label("Template", session.template or NOTHING)
    if session.resources is not None:
        given = session.resources
        cores = "1 core" if given.cores == 1 else f"{given.cores} cores"
        yield _label("Resources", f"{cores}, {given.memory} memory, {given.disk} disk")
    yield _label("Container", f"{session.vmid} on {session.node}" if session.vmid is not None else "none")
    yield _label("Address", session.address or NOTHING)
    if session.ssh_host_key is not None:
        yield _label("SSH host", session.ssh_host_key)
    if session.fingerprint is not None:
        yield _label("Certificate", f"SHA-256 {session.fingerprint}")
    if session.attempts:
        given_up = "1 container was" if session.attempts == 1 else f"{session.attempts} containers were"
        last = f"; the last one: {session.last_failure}" if session.last_failure is not None else ""
        yield _label("Attempts", f"{given_up} given up before{last}")
    yield _label("Uid", session.uid or NOTHING)
    if session.paused:
        yield _label("Paused", "yes")


def _times(session: SessionView, now: datetime) -> Iterator[Text]:
    if session.starts_at is not None:
        yield _label("Starts", when(session.starts_at, now))
    yield _label("Accepted", when(session.accepted_at, now))
    yield _label("Ready", when(session.ready_at, now))
    if session.ended_at is not None:
        yield _label("Ended", when(session.ended_at, now))
    else:
        yield _label("Ends", when(session.expires_at, now))
    if session.ttl is not None:
        extended = f", {span(session.extension)} added" if session.extension else ""
        yield _label("Lives", f"{session.ttl} from Ready{extended}; {session.max_ttl} at most")


def _label(title: str, value: str | Text) -> Text:
    """A title and its value, which goes on below itself."""
    shown = f"{title}:" if title else ""
    text = value if isinstance(value, Text) else Text(value)
    room = _room()
    lines = wrapped(text, width=None if room is None else room - LABEL_WIDTH, indent=0)
    body = Text("\n" + " " * (LABEL_WIDTH + 1)).join(lines)
    return Text.assemble((f"{shown:<{LABEL_WIDTH}} ", "dim"), body)


def _indented(lines: Sequence[Text]) -> Iterator[Text]:
    for line in lines:
        yield Text.assemble("  ", line)


def _room() -> int | None:
    width = width_of(out)
    return width - 2 if width is not None else None

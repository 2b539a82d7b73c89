"""All there is to know about one session, as lines for people. Pure: text out of views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.text import Text

from controller.admin.models import EventView, SessionView
from controller.cli import tables
from controller.cli.columns import wrapped
from controller.cli.spans import NOTHING, span, when

LABEL_WIDTH = 12
_Line = Text | tuple[str, str | Text]
"""A line, or a title and its value."""


def description(session: SessionView, found: Sequence[EventView], *, now: datetime, room: int | None) -> Iterator[Text]:
    """``found``: its events. ``room``: columns to fit into, None for as wide as it comes. A text may have newlines."""
    for line in _lines(session, found, now, room):
        yield line if isinstance(line, Text) else _labelled(*line, room=room)


def _lines(session: SessionView, found: Sequence[EventView], now: datetime, room: int | None) -> Iterator[_Line]:
    yield "Name", Text(session.name, style="bold")
    reason = f" ({session.reason})" if session.reason != session.phase else ""
    yield "Phase", Text.assemble(tables.phase(session.phase), reason)
    yield "Message", session.message
    for problem in session.problems:
        if problem != session.message:
            yield "Problem", Text(problem, style="red")
    yield "Manifest", session.origin or "none"
    yield "Owner", session.owner or NOTHING
    for title, pairs in (("Labels", session.labels), ("Annotations", session.annotations)):
        for number, (key, value) in enumerate(sorted(pairs.items())):
            yield "" if number else title, f"{key}={value}"
    if session.template is not None:
        yield from _desktop(session)
        yield Text()
        yield from _times(session, now)
    if session.conditions:
        yield Text()
        yield Text("Conditions", style="bold")
        yield from _indented(tables.conditions(session.conditions, now=now, width=room))
    yield Text()
    yield Text("Events" if found else "No events", style="bold")
    if found:
        yield from _indented(tables.events(found, now=now, width=room, of_one=True))


def _desktop(session: SessionView) -> Iterator[_Line]:
    yield Text()
    yield "Template", session.template or NOTHING
    if session.resources is not None:
        given = session.resources
        cores = "1 core" if given.cores == 1 else f"{given.cores} cores"
        yield "Resources", f"{cores}, {given.memory} memory, {given.disk} disk"
    yield "Container", f"{session.vmid} on {session.node}" if session.vmid is not None else "none"
    yield "Address", session.address or NOTHING
    if session.ssh_host_key is not None:
        yield "SSH host", session.ssh_host_key
    if session.fingerprint is not None:
        yield "Certificate", f"SHA-256 {session.fingerprint}"
    if session.attempts:
        given_up = "1 container was" if session.attempts == 1 else f"{session.attempts} containers were"
        last = f"; the last one: {session.last_failure}" if session.last_failure is not None else ""
        yield "Attempts", f"{given_up} given up before{last}"
    yield "Uid", session.uid or NOTHING
    if session.paused:
        yield "Paused", "yes"


def _times(session: SessionView, now: datetime) -> Iterator[_Line]:
    if session.starts_at is not None:
        yield "Starts", when(session.starts_at, now)
    yield "Accepted", when(session.accepted_at, now)
    yield "Ready", when(session.ready_at, now)
    if session.ended_at is not None:
        yield "Ended", when(session.ended_at, now)
    else:
        yield "Ends", when(session.expires_at, now)
    if session.ttl is not None:
        extended = f", {span(session.extension)} added" if session.extension else ""
        yield "Lives", f"{session.ttl} from Ready{extended}; {session.max_ttl} at most"


def _labelled(title: str, value: str | Text, *, room: int | None) -> Text:
    """A title and its value, which goes on below itself."""
    shown = f"{title}:" if title else ""
    text = value if isinstance(value, Text) else Text(value)
    lines = wrapped(text, width=None if room is None else room - LABEL_WIDTH, indent=0)
    body = Text("\n" + " " * (LABEL_WIDTH + 1)).join(lines)
    return Text.assemble((f"{shown:<{LABEL_WIDTH}} ", "dim"), body)


def _indented(lines: Sequence[Text]) -> Iterator[Text]:
    for line in lines:
        yield Text.assemble("  ", line)

"""``winux describe``: all about one session."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.admin.models import moment
from controller.cli import completion
from controller.cli.columns import width_of
from controller.cli.console import out, warn_all
from controller.cli.description import description
from controller.cli.events import SHOWN
from controller.cli.invocation import invocation
from controller.engine.clock import SystemClock


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
    for line in description(session, events, now=now, room=_room()):
        out.print(line)


def _room() -> int | None:
    width = width_of(out)
    return width - 2 if width is not None else None

"""``winux log``: what is heard of each part of a running daemon, and hearing more of one for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from controller.admin.level_models import LevelView
from controller.api.quantities import parse_duration
from controller.cli import completion
from controller.cli.columns import Column, table, width_of
from controller.cli.console import out, say
from controller.cli.exits import Failure
from controller.cli.invocation import invocation
from controller.cli.spans import clock

AS_CONFIGURED = "reset"
"""The word for the level that the settings say."""


def log(
    context: typer.Context,
    component: Annotated[
        str | None,
        typer.Argument(help="Which part; left out: show all.", autocompletion=completion.log_components),
    ] = None,
    level: Annotated[
        str | None, typer.Argument(metavar="LEVEL", help="debug, info, warning or error; reset: as in the settings.")
    ] = None,
    span: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="How long, such as 10m; then it is as before.")
    ] = None,
) -> None:
    """Show what the daemon logs of each of its parts, or hear more of one while it runs.

    Without --for a level stays until the daemon restarts. `winux log proxmox debug --for 10m` shows every call to
    Proxmox; each line carries the session and the pass that it belongs to. Who changed a level is in the log.
    """
    seconds = _seconds(span)
    with invocation(context).client() as client:
        if level is not None and component is not None:
            outcome = client.log_level(component, None if level == AS_CONFIGURED else level, seconds=seconds)
            for message in outcome.messages:
                say(message)
            return
        if seconds is not None:
            raise Failure("--for goes with a component and a level, as in `winux log proxmox debug --for 10m`")
        views = [view for view in client.log_levels() if component in {None, view.component}]
        now = client.status().now
    if not views:
        raise Failure(f"there is no component {component}: `winux log` lists all")
    for line in level_table(views, now=now, width=width_of(out)):
        out.print(line)


def level_table(views: list[LevelView], *, now: datetime, width: int | None) -> list[Text]:
    rows: list[list[str | Text]] = [[view.component, view.level, _because(view, now)] for view in views]
    return table([Column("COMPONENT"), Column("LEVEL"), Column("BECAUSE", wraps=True)], rows, width=width)


def _because(view: LevelView, now: datetime) -> str:
    if view.by is None:
        return "the settings say so"
    return f"{view.by} ordered it, until {clock(view.until, now) if view.until is not None else 'the daemon restarts'}"


def _seconds(span: str | None) -> float | None:
    try:
        return parse_duration(span) if span is not None else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None

"""What the shell offers after a tab: names of sessions, asked of the daemon, at once or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from controller.admin.client import AdminClient, NoDaemon, Refused
from controller.cli.exits import Failure
from controller.cli.invocation import invocation

PATIENCE = 1.0
"""Seconds that a person who pressed tab is made to wait at most."""


def session_names(context: typer.Context, incomplete: str) -> Iterator[str]:
    """Names that begin like this; none where no daemon answers."""
    try:
        with AdminClient(invocation(context).socket_path(), read_timeout=PATIENCE) as client:
            names = [session.name for session in client.sessions()]
    except (NoDaemon, Refused, Failure):
        return
    yield from (name for name in names if name.startswith(incomplete))


def log_components(context: typer.Context, incomplete: str) -> Iterator[str]:
    """Parts of the daemon that have a level of the log; none where no daemon answers."""
    try:
        with AdminClient(invocation(context).socket_path(), read_timeout=PATIENCE) as client:
            names = [view.component for view in client.log_levels()]
    except (NoDaemon, Refused, Failure):
        return
    yield from (name for name in names if name.startswith(incomplete))


def kinds(incomplete: str) -> Iterator[str]:
    yield from (kind for kind in ("sessions", "templates", "containers") if kind.startswith(incomplete))

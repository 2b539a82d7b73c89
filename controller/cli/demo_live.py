"""``winux demo``: the live view of the demo's sessions and events, and what to try."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from controller.admin.models import moment
from controller.cli import tables
from controller.cli.columns import width_of
from controller.cli.console import notice_lines, notices, out
from controller.cli.demo_manifests import session
from controller.cli.demo_stage import Stage

TTLS = {"alice": "10m", "bob": "4m", "carol": "60s"}
REFRESH = 0.5
EVENTS = 8
"""The last events that are shown."""


def show_live(stage: Stage) -> None:
    """Until Ctrl-C."""
    for name, ttl in TTLS.items():
        stage.drop(f"{name}.yaml", session(name, ttl=ttl))
    (stage.root / "dave.yaml").write_text(session("dave", ttl="90s"), encoding="utf-8")
    if out.is_terminal:
        _live(stage)
    else:
        _follow(stage)


def _live(stage: Stage) -> None:
    with Live(console=out, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            live.update(Group(*_screen(stage)), refresh=True)
            stage.pause(REFRESH)


def _follow(stage: Stage) -> None:
    """For pipes: what to try, then a line for every event."""
    for line in _hints(stage):
        typer.echo(line.plain)
    after = 0
    while True:
        found = stage.client.events(after=after)
        lines = tables.events(found, now=moment(stage.clock.now()), width=None)
        for line in lines[1:] if after else lines:
            typer.echo(line.plain)
        after = found[-1].id if found else after
        stage.pause(REFRESH)


def _screen(stage: Stage) -> Iterator[Text]:
    now, width = moment(stage.clock.now()), width_of(out)
    status, sessions = stage.client.status(), stage.client.sessions()
    events = stage.client.events(limit=EVENTS)
    yield Text.assemble(("winux demo", "bold"), (f"  a controller on a Proxmox-compatible node at {stage.url}", "dim"))
    yield Text()
    yield from tables.sessions(sessions, now=now, wide=False, width=width)
    yield Text()
    for sentence in notices(status):
        yield from notice_lines(sentence, width=width)
    if status.notices or status.problems:
        yield Text()
    yield from tables.events(events, now=now, width=width)
    yield Text()
    yield from _hints(stage)


def _hints(stage: Stage) -> Iterator[Text]:
    """Short enough for 80 columns: ``winux`` finds the configuration in the directory that it is called in."""
    winux = "winux" if shutil.which("winux") is not None else str(Path(sys.argv[0]).absolute())
    tries = (
        ("drop this file there", "cp dave.yaml manifests/"),
        ("delete one", "rm manifests/bob.yaml"),
        ("give one more time", f"{winux} extend carol 5m"),
        ("look closer", f"{winux} describe alice"),
    )
    yield Text.assemble(("The manifests are in ", "bold"), (f"{stage.manifests}", "bold"))
    yield Text.assemble(("Try, in another terminal:  ", "dim"), f"cd {stage.root}")
    for what, line in tries:
        yield Text.assemble((f"  {what:<23}", "dim"), line)
    yield Text("Ctrl-C ends it.", style="dim")

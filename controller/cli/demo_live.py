"""``winux demo``: the live view of the demo's sessions and events, and what to try."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from controller.admin.models import SessionView, moment
from controller.cli import tables
from controller.cli.calling import path_line
from controller.cli.columns import width_of, wrapped
from controller.cli.console import notice_lines, notices, out
from controller.cli.demo_manifests import session
from controller.cli.demo_stage import Stage

TTLS = {"alice": "10m", "bob": "4m", "carol": "60s"}
REFRESH = 0.5
EVENTS = 30
"""The last events that are shown, where there is room for them."""


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
    for line in (*_introduction(stage), *_hints(stage, None)):
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
    """From the top what must be seen: what to try, the sessions, what is wrong; then as many events as there is room.

    A line may take several rows of a narrow terminal; those of events take one.
    """
    fixed = list(_above_the_events(stage))
    yield from fixed
    width, height = out.width, out.height
    # One row for the titles of the events, one below all of it for the cursor.
    room = height - 2 - sum(max(1, -(-line.cell_len // width)) for line in fixed)
    if room > 0:
        found = stage.client.events(limit=min(room, EVENTS))
        yield from tables.events(found, now=moment(stage.clock.now()), width=width, one_line=True)


def _above_the_events(stage: Stage) -> Iterator[Text]:
    now, width = moment(stage.clock.now()), width_of(out)
    status, sessions = stage.client.status(), stage.client.sessions()
    yield from _introduction(stage)
    ready = next((one for one in sessions if one.name == "alice" and one.phase == "Ready"), None)
    yield from _hints(stage, ready)
    yield Text()
    yield from tables.sessions(sessions, now=now, wide=False, width=width)
    yield Text()
    for sentence in notices(status):
        yield from notice_lines(sentence, width=width)
    if status.notices or status.problems:
        yield Text()


def _introduction(stage: Stage) -> Iterator[Text]:
    width = width_of(out)
    yield Text.assemble(("winux demo", "bold"), (f"  a controller on a Proxmox-compatible node at {stage.url}", "dim"))
    yield Text.assemble(("In a browser, press the button: ", "bold"), (stage.page, "bold green"))
    yield from wrapped(Text(stage.desktops.sentence), width=width, indent=2)
    for clause in stage.desktops.unenforced:
        yield from notice_lines(f"{clause}.", width=width)


def _hints(stage: Stage, alice: SessionView | None) -> Iterator[Text]:
    """``alice``: when somebody can log in there.

    Short enough for 80 columns: ``winux`` finds the configuration in the directory that it is called in.
    """
    where = "Try this in another terminal, as root; " if stage.desktops.real else "Try this in another terminal; "
    yield Text.assemble((where, "bold"), ("Ctrl-C here ends the demo.", "dim"))
    yield Text(f"  cd {stage.root}")
    if (first := path_line()) is not None:
        yield Text(f"  {first}")
    for what, line in (
        ("one manifest more", "cp dave.yaml manifests/"),
        ("one less", "rm manifests/bob.yaml"),
        ("more time for one", "winux extend carol 5m"),
        ("look closer", "winux describe alice"),
        *(_ways_in(alice) if stage.desktops.real else ()),
    ):
        yield Text.assemble((f"  {what:<19}", "dim"), line)


def _ways_in(alice: SessionView | None) -> Iterator[tuple[str, str]]:
    """The password is shown to whoever may see it, and typed; it is on no command line."""
    yield "address, password", "winux rdp alice --show"
    address = alice.address if alice is not None and alice.address else "ADDRESS"
    yield "open the desktop", f"xfreerdp /v:{address} /u:winux /cert:tofu"

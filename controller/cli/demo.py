"""``winux demo``: the whole thing on this machine, no Proxmox needed: a node, a controller, a directory, a page."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.console import err
from controller.cli.demo_desktops import Engine, chosen
from controller.cli.demo_live import show_live
from controller.cli.demo_stage import staged
from controller.cli.demo_story import tell
from controller.cli.exits import Ended, Status
from controller.engine.clock import SystemClock


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the story by itself, and end.")] = False,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="Where everything is put, and left.", show_default="a temporary one"),
    ] = None,
    engine: Annotated[
        Engine | None,
        typer.Option(
            metavar="memory|lxc",
            help="Simulated desktops, or real ones.",
            show_default="real where it can; once: memory",
        ),
    ] = None,
    build: Annotated[
        bool, typer.Option("--build", help="Real ones; build their image first if it is not there.")
    ] = False,
) -> None:
    """See it work: a node and a controller on a fresh directory, a page with a button, and a live table of sessions.

    The node serves the Proxmox API over HTTPS on loopback, and the controller the page. Started by root on a machine
    with LXC and an image (`winux image build`, or --build), its desktops are real ones that you can log in to; else
    they are simulated, and it says what is missing. Ctrl-C ends everything and removes what was made. With --once it
    tells the story by itself: three sessions become ready, one is deleted by removing its file, one is launched by the
    page and ended there, one expires, a broken manifest is reported; it ends with 0 if all went as it should.
    """
    with (
        _signals_end_it(),
        staged(directory, chosen(engine, build=build, once=once), clock=SystemClock()) as stage,
    ):
        if once:
            tell(stage)
            return
        with suppress(KeyboardInterrupt):
            show_live(stage)
        err.print("Stopping …", style="dim")


@contextmanager
def _signals_end_it() -> Iterator[None]:
    """A hang-up or a polite kill takes down what was started, as Ctrl-C does."""

    def end(number: int, _frame: object) -> None:
        raise Ended(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except KeyboardInterrupt:
        raise Ended(Status.INTERRUPTED) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

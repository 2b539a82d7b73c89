"""``winux top``: the whole controller on one screen, live. What is on it is in ``top_frame``, keys in ``top_state``."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.control import Control
from rich.screen import Screen

from controller.admin.client import AdminClient
from controller.cli.columns import width_of
from controller.cli.console import out
from controller.cli.exits import Ended
from controller.cli.invocation import invocation
from controller.cli.top_feed import Feed, Seen
from controller.cli.top_frame import Frame, frame, once
from controller.cli.top_keys import Keyboard
from controller.cli.top_state import Page, State, pressed
from controller.engine.clock import Clock, SystemClock

PERIOD = 1.0
"""Seconds between two looks."""
READ_TIMEOUT = 5.0
"""Seconds after which a daemon that says nothing counts as away."""
_LAST_ANSWER = 0.2
"""Seconds that are waited for a question on its way when it is time to end."""


def top(
    context: typer.Context,
    interval: Annotated[
        float, typer.Option("--interval", "-n", min=0.2, max=3600.0, help="Seconds between two looks.")
    ] = PERIOD,
    only_once: Annotated[bool, typer.Option("--once", help="Print all of it once, and end.")] = False,
) -> None:
    """Show the whole controller on one screen, live.

    Sessions, those with problems first; what holds the controller back; how Proxmox, the queue and the ranges are
    doing; the newest events. ? lists the keys. Where there is no terminal all of it is printed once.
    """
    clock = SystemClock()
    live = not only_once and out.is_terminal and not out.is_dumb_terminal and sys.stdin.isatty()
    client = AdminClient(invocation(context).socket_path(), read_timeout=READ_TIMEOUT)
    with ExitStack() as stack:
        stack.callback(client.close)
        if live:
            _watch(client, clock, interval)
            return
        for line in once(Feed(client, clock=clock, period=interval).look(), width=width_of(out)):
            out.print(line)


def _watch(client: AdminClient, clock: Clock, interval: float) -> None:
    keyboard = Keyboard(sys.stdin.fileno())
    feed = Feed(client, clock=clock, period=interval, on_news=keyboard.wake)
    feed.look()  # one who asks the wrong daemon is told so as by every other command
    thread = threading.Thread(target=feed.run, name="feed", daemon=True)
    thread.start()
    try:
        with suppress(KeyboardInterrupt):
            state = State()
            while not state.over:
                with _signals_end_it(), keyboard, _screen(out):
                    state = _until_it_is_left(feed, keyboard, clock, state)
                if state.suspended:
                    signal.raise_signal(signal.SIGTSTP)
                    state = replace(state, suspended=False)
    finally:
        feed.stop()
        thread.join(_LAST_ANSWER)
        if not thread.is_alive():
            keyboard.close()


def _until_it_is_left(feed: Feed, keyboard: Keyboard, clock: Clock, state: State) -> State:
    """Draw, wait for a key or for news, and so on."""
    shown: Seen | None = None
    while not (state.over or state.suspended):
        if feed.failure is not None:
            raise feed.failure
        seen = feed.seen
        assert seen is not None  # noqa: S101 - it was looked at before
        if shown is None or not state.paused:
            shown = seen
        elif seen.picture.details is not shown.picture.details:  # a person may still look closer
            shown = replace(shown, picture=replace(shown.picture, details=seen.picture.details))
        silent = clock.monotonic() - shown.at
        drawn = draw(out, shown, state, silent=silent)
        state = drawn.state
        for key in keyboard.wait(PERIOD):
            state = pressed(state, key, drawn.names)
        feed.focus(state.selected if state.page is Page.DETAILS else None)
    return state


def draw(console: Console, seen: Seen, state: State, *, silent: float = 0.0) -> Frame:
    """A frame over the one before, in one write, so that nothing flickers."""
    drawn = frame(seen, state, width=console.width, height=console.height, silent=silent)
    for line in drawn.lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    with console:
        console.control(Control.home())
        console.print(Screen(Group(*drawn.lines)), end="", soft_wrap=False)
    return drawn


@contextmanager
def _screen(console: Console) -> Iterator[None]:
    """The terminal's second screen without a cursor; the first one is as it was afterwards."""
    with console.screen(hide_cursor=True):
        yield


@contextmanager
def _signals_end_it() -> Iterator[None]:
    """Signals that end a program raise here: the terminal is put back first."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, _end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    raise Ended(128 + number)

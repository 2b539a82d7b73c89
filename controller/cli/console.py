"""Where the command line writes: two consoles, and the few styles that it uses.

Colours only where a terminal is; ``NO_COLOR`` is respected. Answers go to stdout, everything about them to stderr.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from controller.admin.models import ControllerStatus
from controller.cli.columns import width_of, wrapped

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

MOST_PROBLEMS = 10
"""Problems that are listed above a table; all of them would push it off the screen."""

PHASE_STYLES = {
    "Pending": "dim",
    "Creating": "cyan",
    "Starting": "cyan",
    "Ready": "green",
    "Terminating": "magenta",
    "Expired": "dim",
    "Failed": "red",
    "Held": "yellow",
}


def say(sentence: str, *, style: str = "") -> None:
    """A line of the answer."""
    out.print(Text(sentence, style=style))


def complain(sentence: str, *more: str) -> None:
    """An error: its sentence, then what there is to know about it."""
    _print(err, Text.assemble(("error: ", "bold red"), sentence), indent=7)
    for line in more:
        _print(err, Text(f"  {line}"), indent=4)


def notice_lines(sentence: str, *, width: int | None) -> list[Text]:
    return wrapped(Text.assemble(("! ", "bold yellow"), sentence), width=width, indent=2)


def warn(sentence: str) -> None:
    for line in notice_lines(sentence, width=width_of(err)):
        err.print(line)


def _print(console: Console, text: Text, *, indent: int) -> None:
    for line in wrapped(text, width=width_of(console), indent=indent):
        console.print(line)


def notices(status: ControllerStatus) -> list[str]:
    """What people have to know before they read a table: brakes, and manifests with mistakes."""
    problems = [problem.sentence for problem in status.problems]
    left = len(problems) - MOST_PROBLEMS
    more = [f"and {left} more: `winux validate {status.manifests}` lists all"] if left > 0 else []
    return [*(notice.sentence for notice in status.notices), *problems[:MOST_PROBLEMS], *more]


def warn_all(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        warn(sentence)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Something moves on a terminal; a pipe is told only when it is done."""
    if not out.is_terminal:
        yield
        return
    with out.status(Text(f"{what} …", style="dim"), spinner="dots"):
        yield

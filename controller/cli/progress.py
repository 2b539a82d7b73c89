"""How far a long piece of work is: steps with how long each took, moving on a terminal and as plain lines otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from controller.cli.console import err
from controller.engine.clock import Clock


@contextmanager
def stepwise(clock: Clock, *, console: Console = err) -> Iterator[Callable[[str], None]]:
    """Gives what is to be called as each step begins; the one before has ended then."""
    if console.is_terminal:
        with Progress(
            SpinnerColumn("dots", finished_text=Text("✓", style="green")),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
        ) as shown:
            moving = _Moving(shown)
            yield moving.begin
            moving.finish()
    else:
        plain = _Plain(console, clock, clock.monotonic())
        yield plain.begin


@dataclass(slots=True)
class _Moving:
    """On a terminal: a row for each step, the last one of which moves."""

    shown: Progress
    running: TaskID | None = None

    def begin(self, step: str) -> None:
        self.finish()
        self.running = self.shown.add_task(step, total=1)

    def finish(self) -> None:
        """Not called where the work failed: its last step did not end."""
        if self.running is not None:
            self.shown.update(self.running, completed=1)


@dataclass(slots=True)
class _Plain:
    """Elsewhere: a line at the beginning of each step, with the seconds since the first."""

    console: Console
    clock: Clock
    began: float = field(repr=False)

    def begin(self, step: str) -> None:
        self.console.print(Text(f"{self.clock.monotonic() - self.began:5.0f} s  {step}"))

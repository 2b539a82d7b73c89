"""What the demo's desktops are: real containers where this machine can have them, else simulated ones, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from controller.cli.console import say, waiting
from controller.cli.exits import Failure
from controller.cli.image import build_with_progress
from controller.image.cache import cached_image, current
from controller.node.lxc.requirements import missing, unenforced


class Engine(StrEnum):
    MEMORY = "memory"
    LXC = "lxc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desktops:
    """Simulated ones, unless there is an image."""

    image: Path | None = None
    """What real ones are made from."""
    sentence: str = "Its desktops are simulated: they answer, but there is no screen behind them."
    """What they are, for people."""
    unenforced: tuple[str, ...] = ()
    """Limits that this machine cannot hold real ones to; clauses."""

    @property
    def real(self) -> bool:
        return self.image is not None


SIMULATED = Desktops()


def chosen(
    wanted: Engine | None,
    *,
    build: bool,
    once: bool,
    image: Path | None = None,
    lacking_for: Callable[[Path], Sequence[str]] = missing,
) -> Desktops:
    """``wanted`` None: real ones where this machine can, but for the story that plays by itself.

    ``build`` asks for real ones, and builds their image first where it is not there or of another recipe. ``image``
    None is the cached one; ``lacking_for`` says what a machine lacks for an image.

    Raises:
        Failure: real ones were asked for, and this machine lacks something.
    """
    if wanted is Engine.MEMORY:
        if build:
            raise Failure("--build makes an image for real desktops: leave out --engine memory")
        return SIMULATED
    asked = wanted is Engine.LXC or build
    if once and not asked:
        return SIMULATED
    image = image or cached_image()
    with waiting("looking whether this machine can have real desktops"):
        # With --build the image comes later; until then any file stands for it.
        lacking = lacking_for(Path(__file__) if build else image)
    if lacking and asked:
        raise Failure("this machine cannot have real desktops", *lacking)
    if lacking:
        return Desktops(sentence=f"Its desktops are simulated, for {'; '.join(lacking)}.")
    if build and current(image) is None:
        say("The image of the desktop is built first, once; it takes a minute or two.")
        build_with_progress(image)
    return Desktops(
        image=image,
        sentence="Its desktops are real: containers on this machine, with no way to the internet.",
        unenforced=tuple(unenforced()),
    )

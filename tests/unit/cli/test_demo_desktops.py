"""What the demo's desktops are: real ones only where this machine can have them, and it always says why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from controller.api.load import parse
from controller.cli.demo_desktops import SIMULATED, Engine, chosen
from controller.cli.demo_manifests import REAL_TEMPLATE
from controller.cli.exits import Failure
from tests.unit.cli.conftest import Winux

IMAGE = Path("winux.tar.zst")
NOBODY = ["real containers need root: start it as root, for example with sudo", "there is no image"]


def lacks(*clauses: str) -> Callable[[Path], Sequence[str]]:
    return lambda _: list(clauses)


def never(_: Path) -> Sequence[str]:
    raise AssertionError("nobody asked for real desktops")


def test_where_a_machine_can_its_desktops_are_real() -> None:
    desktops = chosen(None, build=False, once=False, image=IMAGE, lacking_for=lacks())
    assert desktops.real
    assert desktops.image == IMAGE
    assert desktops.sentence.startswith("Its desktops are real: ")


def test_where_it_cannot_one_sentence_says_all_that_is_missing() -> None:
    desktops = chosen(None, build=False, once=False, image=IMAGE, lacking_for=lacks(*NOBODY))
    assert not desktops.real
    assert desktops.sentence == (
        "Its desktops are simulated, for real containers need root: start it as root, for example with sudo; "
        "there is no image."
    )


@pytest.mark.parametrize(("wanted", "once"), [(None, True), (Engine.MEMORY, False), (Engine.MEMORY, True)])
def test_the_story_and_who_asks_for_memory_do_not_even_look(wanted: Engine | None, once: bool) -> None:
    assert chosen(wanted, build=False, once=once, image=IMAGE, lacking_for=never) == SIMULATED


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize(("wanted", "build"), [(Engine.LXC, False), (Engine.LXC, True), (None, True)])
def test_who_asks_for_real_ones_gets_no_others(wanted: Engine | None, build: bool, once: bool) -> None:
    with pytest.raises(Failure, match="this machine cannot have real desktops") as failed:
        chosen(wanted, build=build, once=once, image=IMAGE, lacking_for=lacks(*NOBODY))
    assert failed.value.more == tuple(NOBODY)


@pytest.mark.parametrize("once", [False, True])
def test_real_ones_can_be_asked_for(once: bool) -> None:
    assert chosen(Engine.LXC, build=False, once=once, image=IMAGE, lacking_for=lacks()).image == IMAGE


def test_an_image_for_simulated_ones_is_a_contradiction(winux: Winux) -> None:
    said = winux("demo", "--engine", "memory", "--build")
    assert said.status == 1
    assert said.err == "error: --build makes an image for real desktops: leave out --engine memory\n"


def test_the_template_of_real_ones_fits_a_small_machine() -> None:
    parsed = parse(REAL_TEMPLATE.encode(), "desktop.yaml")
    assert parsed.problems == ()
    assert "cores: 1, memory: 1Gi, disk: 4Gi" in REAL_TEMPLATE

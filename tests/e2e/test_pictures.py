"""The panel is found in a picture of a desktop, and in nothing that could be taken for one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.picture import PANEL_HEIGHTS, Picture, panel_height, refused

HERE = Path(__file__).parent / "pictures"
LIGHT, DARK = (246, 245, 244), (23, 35, 51)
pytestmark = pytest.mark.skipif(shutil.which("convert") is None, reason="ImageMagick is not installed")


def test_the_panel_is_in_a_picture_of_the_desktop() -> None:
    assert panel_height(Picture.read(HERE / "desktop.png")) in PANEL_HEIGHTS


@pytest.mark.parametrize("file", ["login.png", "refused.png"])
def test_no_screen_of_xrdp_passes_for_a_desktop(file: str) -> None:
    assert panel_height(Picture.read(HERE / file)) is None


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), DARK])
def test_no_empty_screen_passes(colour: tuple[int, int, int]) -> None:
    assert panel_height(Picture.filled(colour)) is None


def test_a_desktop_without_its_panel_does_not_pass_nor_does_an_empty_bar() -> None:
    desktop = Picture.read(HERE / "desktop.png")
    assert panel_height(desktop.below(30)) is None
    assert panel_height(Picture.filled(LIGHT, height=26).over(Picture.filled(DARK, height=774))) is None


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.1), (0.85, 1.0)])
def test_a_panel_without_its_button_or_its_clock_does_not_pass(start: float, end: float) -> None:
    desktop = Picture.read(HERE / "desktop.png")
    height = panel_height(desktop)
    assert height is not None
    bar = desktop.row(4, start=0.4, end=0.41)[0]
    assert panel_height(desktop.without(start, end, rows=height, colour=bar)) is None


def test_xrdp_s_refusal_is_told_from_every_other_screen() -> None:
    seen = {file.stem: refused(Picture.read(file)) for file in HERE.glob("*.png")}
    assert [name for name, is_refused in seen.items() if is_refused] == ["refused"]
    assert len(seen) >= 3
    assert not refused(Picture.filled((0, 0, 0)))
    assert not refused(Picture.filled(DARK))

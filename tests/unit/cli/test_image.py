"""``winux image``: what it says, without building anything."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from controller.cli.progress import stepwise
from controller.engine.clock import VirtualClock
from controller.image import recipe
from controller.image.manifest import Manifest, write_manifest
from controller.image.overlay_tree import recipe_hash
from tests.unit.cli.conftest import Winux


def put_image(path: Path, *, language: str = "en_US.UTF-8") -> Manifest:
    manifest = Manifest(
        name=path.name,
        version=recipe.VERSION,
        suite="bookworm",
        architecture="amd64",
        language=language,
        user="winux",
        recipe=recipe_hash(language),
        sha256="ab" * 32,
        size=365_400_000,
        packages={"xfce4-panel": "4.18.2-1", "xrdp": "0.9.21.1-1"},
    )
    write_manifest(path, manifest)
    path.write_bytes(b"")
    return manifest


@pytest.mark.parametrize("command", ["build", "show"])
def test_both_have_help_with_examples(winux: Winux, command: str) -> None:
    assert f"$ winux image {command}" in winux("image", command, "--help").out


def test_an_image_that_is_there_is_not_built_again(winux: Winux) -> None:
    put_image(Path("winux.tar.zst"))
    said = winux("image", "build", "--output", "winux.tar.zst")
    assert said.status == 0
    assert said.out == (
        f"{Path('winux.tar.zst').absolute()} is this version already (en_US.UTF-8, 365 MB, 2 packages); "
        "--again builds it anew\n"
    )


def test_a_language_that_is_not_in_images_is_refused_with_those_that_are(winux: Winux) -> None:
    said = winux("image", "build", "--output", "winux.tar.zst", "--language", "de_DE.UTF-8")
    assert said.status == 1
    assert said.err == ("error: --language is 'de_DE.UTF-8'; choose one of: en_US.UTF-8, en_GB.UTF-8, fr_FR.UTF-8\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may build")
def test_who_is_not_root_is_told_what_to_do(winux: Winux) -> None:
    said = winux("image", "build", "--output", "winux.tar.zst")
    assert said.status == 1
    assert said.err == ("error: an image is built by root, for its files belong to many users: run it with sudo\n")


def test_show_says_what_an_image_is(winux: Winux) -> None:
    put_image(Path("fr.tar.zst"), language="fr_FR.UTF-8")
    said = winux("image", "show", "fr.tar.zst")
    assert said.status == 0
    assert said.lines == [
        f"File:     {Path('fr.tar.zst').absolute()}",
        "Version:  1",
        "Suite:    bookworm, amd64",
        "Language: fr_FR.UTF-8",
        "User:     winux",
        "Size:     365 MB",
        f"SHA-256:  {'ab' * 32}",
        "Packages: 2 (--packages lists them)",
        "Recipe:   as in this release",
    ]
    assert winux("image", "show", "fr.tar.zst", "--packages").lines == [
        "xfce4-panel  4.18.2-1",
        "xrdp         0.9.21.1-1",
    ]


def test_show_says_that_an_image_is_of_another_recipe(winux: Winux) -> None:
    image = Path("old.tar.zst")
    write_manifest(image, replace(put_image(image), recipe="another"))
    assert winux("image", "show", "old.tar.zst").lines[-1].startswith("Recipe:   another one's: `winux image build`")


def test_show_says_what_is_not_there(winux: Winux) -> None:
    said = winux("image", "show", "none.tar.zst")
    assert said.status == 1
    assert said.err.startswith(f"error: there is no image {Path('none.tar.zst').absolute()}")
    Path("bare.tar.zst").write_bytes(b"")
    assert "there is no manifest" in winux("image", "show", "bare.tar.zst").err


def test_without_a_terminal_every_step_is_a_line_with_the_seconds_so_far(tmp_path: Path) -> None:
    clock = VirtualClock()
    with (tmp_path / "said").open("w", encoding="utf-8") as file, stepwise(clock, console=Console(file=file)) as step:
        step("reading")
        clock.advance(12.4)
        step("packing")
    assert (tmp_path / "said").read_text().splitlines() == ["    0 s  reading", "   12 s  packing"]


def test_on_a_terminal_every_step_that_ended_has_its_mark() -> None:
    file = io.StringIO()
    with stepwise(VirtualClock(), console=Console(file=file, force_terminal=True, width=60)) as step:
        step("reading")
        step("packing")
    assert "✓" in file.getvalue()
    assert "packing" in file.getvalue()

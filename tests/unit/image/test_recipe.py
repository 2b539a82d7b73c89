"""What the image consists of, and when another one is due."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from controller.image import recipe
from controller.image.build import build_command
from controller.image.cache import cached_image, current, image_name
from controller.image.manifest import Manifest, NoManifest, manifest_path, read_manifest, write_manifest
from controller.image.overlay_tree import recipe_hash
from controller.image.steps import step_of

PACKAGES = [package for group in recipe.PACKAGES.values() for package in group]


def manifest(*, language: str = "en_US.UTF-8") -> Manifest:
    return Manifest(
        name=image_name(),
        version=recipe.VERSION,
        suite=recipe.SUITE,
        architecture=recipe.ARCHITECTURE,
        language=language,
        user=recipe.USER,
        recipe=recipe_hash(language),
        sha256="0" * 64,
        size=365_000_000,
        packages={"xrdp": "0.9.21.1-1", "xfce4-panel": "4.18.2-1"},
    )


def test_no_package_or_unit_is_named_twice() -> None:
    assert len(set(PACKAGES)) == len(PACKAGES)
    assert len(set(recipe.MASKED)) == len(recipe.MASKED)


def test_the_tools_of_the_old_system_are_in() -> None:
    assert {"curl", "wget", "git", "vim", "firefox-esr", "sudo"} <= set(PACKAGES)


def test_nothing_locks_the_screen_or_manages_its_power() -> None:
    assert {"xfce4-screensaver", "light-locker", "xfce4-power-manager", "xscreensaver"}.isdisjoint(PACKAGES)


def test_english_and_french_are_in_every_image() -> None:
    assert {"en_US.UTF-8", "fr_FR.UTF-8"} <= set(recipe.LANGUAGES)
    assert "firefox-esr-l10n-fr" in PACKAGES


def test_the_name_is_what_proxmox_takes_for_an_archive() -> None:
    assert image_name() == f"winux-desktop-debian12_{recipe.VERSION}_amd64.tar.zst"
    assert cached_image() == Path("/var/cache/winux/images") / image_name()


def test_the_command_line() -> None:
    command = build_command(
        overlay=Path("/w/overlay"),
        listing=Path("/w/packages"),
        tarball=Path("/w/image.tar.zst"),
        language="fr_FR.UTF-8",
        mirrors=["http://one.example/debian", "two.sources"],
    )
    assert command[0] == "mmdebstrap"
    assert command[-4:] == ["bookworm", "/w/image.tar.zst", "http://one.example/debian", "two.sources"]
    (included,) = (one.removeprefix("--include=") for one in command if one.startswith("--include="))
    assert included.split(",") == PACKAGES
    hooks = [one.removeprefix("--customize-hook=") for one in command if one.startswith("--customize-hook=")]
    assert [hook.split()[0] for hook in hooks] == ["sync-in", "chroot", "chroot"]
    assert " LANGUAGE='fr_FR.UTF-8' LANGUAGES='en_US.UTF-8 en_GB.UTF-8 fr_FR.UTF-8' " in hooks[1]


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    image = tmp_path / "winux.tar.zst"
    write_manifest(image, manifest())
    assert manifest_path(image) == tmp_path / "winux.json"
    assert read_manifest(image) == manifest()
    assert asdict(read_manifest(image))["packages"] == {"xrdp": "0.9.21.1-1", "xfce4-panel": "4.18.2-1"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no manifest"),
        ("{", "is no manifest of an image: its text: "),
        ("{}", "is no manifest of an image: name: field required"),
        ("[]", "is no manifest of an image"),
    ],
)
def test_what_is_no_manifest_is_said_in_a_sentence(tmp_path: Path, text: str | None, said: str) -> None:
    image = tmp_path / "winux.tar.zst"
    if text is not None:
        manifest_path(image).write_text(text)
    with pytest.raises(NoManifest, match=said):
        read_manifest(image)
    assert current(image) is None


def test_an_image_is_current_if_it_is_there_and_made_from_this_recipe_and_language(tmp_path: Path) -> None:
    image = tmp_path / "winux.tar.zst"
    write_manifest(image, manifest())
    assert current(image) is None
    image.write_bytes(b"")
    assert current(image) == manifest()
    assert current(image, language="fr_FR.UTF-8") is None
    write_manifest(image, replace(manifest(), recipe="another"))
    assert current(image) is None


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("I: running apt-get update...", "reading Debian's package lists"),
        ("I: installing remaining packages inside the chroot...", "downloading and installing the desktop"),
        ("I: running special hook: sync-in /tmp/tmpz/overlay /", "setting up the desktop"),
        ("I: creating tarball...", "packing the image"),
        ("I: running --customize-hook in shell: sh -c 'chroot \"$1\" env USER=…' exec /tmp/mmdebstrap.x", None),
        ("I: automatically chosen format: tar", None),
        ("W: creating tarball", None),
    ],
)
def test_people_see_steps_and_no_shell_commands(line: str, step: str | None) -> None:
    assert step_of(line) == step

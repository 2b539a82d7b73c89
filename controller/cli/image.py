"""``winux image``: builds the golden image of the desktop on this machine, and says what is in one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from controller.cli.console import out, say
from controller.cli.exits import Failure
from controller.cli.progress import stepwise
from controller.engine.clock import SystemClock
from controller.image import recipe
from controller.image.build import BuildError
from controller.image.build import build as build_image
from controller.image.cache import cached_image, current
from controller.image.manifest import Manifest, NoManifest, manifest_path, read_manifest

MB = 1_000_000


def build(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to put it.", show_default=str(cached_image())),
    ] = None,
    mirror: Annotated[
        list[str] | None,
        typer.Option(
            "--mirror",
            metavar="URL|FILE",
            help="A Debian mirror, or a file of apt sources; may be given again.",
            show_default="Debian's own",
        ),
    ] = None,
    language: Annotated[
        str, typer.Option(metavar="LOCALE", help=f"What desktops speak: {', '.join(recipe.LANGUAGES)}.")
    ] = recipe.LANGUAGES[0],
    again: Annotated[
        bool, typer.Option("--again", help="Also where it is built already: with today's Debian.")
    ] = False,
) -> None:
    """Build the golden image of the Winux desktop with mmdebstrap; takes a minute or two, and root.

    It is one tarball: a Proxmox VE container template (upload it to a storage as vztmpl) and what `winux demo` and
    `winux node --engine lxc` make containers from. It lies in a cache of root's, because only root can build it or
    start containers from it. Beside it lies its manifest, NAME.json: version, suite, language, sha256, and every
    package with its version. Where an image of this very recipe lies already, nothing is done without --again. A build
    that fails leaves what was there. The keyboard of a desktop follows the client that logs in, whatever the language.
    """
    if language not in recipe.LANGUAGES:
        raise Failure(f"--language is {language!r}; choose one of: {', '.join(recipe.LANGUAGES)}")
    image = (output or cached_image()).absolute()
    if not again and (there := current(image, language=language)) is not None:
        say(f"{image} is this version already ({_summary(there)}); --again builds it anew")
        return
    manifest = build_with_progress(image, language=language, mirrors=mirror or [])
    say(f"built {image}: {_summary(manifest)}")
    out.print(Text.assemble(("its packages are in ", "dim"), str(manifest_path(image))))


def build_with_progress(
    image: Path, *, language: str = recipe.LANGUAGES[0], mirrors: list[str] | None = None
) -> Manifest:
    """Build it, showing the steps. Raises ``Failure``."""
    try:
        with stepwise(SystemClock()) as step:
            return build_image(image, language=language, mirrors=mirrors or [], progress=step)
    except BuildError as error:
        raise Failure(str(error), *error.said) from None


def show(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="The image.", show_default=str(cached_image())),
    ] = None,
    packages: Annotated[bool, typer.Option("--packages", help="List every package with its version.")] = False,
) -> None:
    """Show what an image is: version, language, size, sha256, and what is in it."""
    image = (file or cached_image()).absolute()
    if not image.is_file():
        raise Failure(f"there is no image {image}: `winux image build` makes one")
    try:
        manifest = read_manifest(image)
    except NoManifest as error:
        raise Failure(str(error)) from None
    if packages:
        widest = max(map(len, manifest.packages), default=0)
        for name, version in manifest.packages.items():
            out.print(Text(f"{name:<{widest}}  {version}"))
        return
    fresh = current(image, language=manifest.language) is not None
    for title, value in (
        ("File", str(image)),
        ("Version", manifest.version),
        ("Suite", f"{manifest.suite}, {manifest.architecture}"),
        ("Language", manifest.language),
        ("User", manifest.user),
        ("Size", f"{manifest.size / MB:.0f} MB"),
        ("SHA-256", manifest.sha256),
        ("Packages", f"{len(manifest.packages)} (--packages lists them)"),
        (
            "Recipe",
            "as in this release" if fresh else "another one's: `winux image build` makes the one of this release",
        ),
    ):
        out.print(Text.assemble((f"{title + ':':<10}", "dim"), value))


def _summary(manifest: Manifest) -> str:
    return f"{manifest.language}, {manifest.size / MB:.0f} MB, {len(manifest.packages)} packages"

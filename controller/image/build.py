"""Makes the image with mmdebstrap: Debian's packages, the overlay, one script run inside, one tarball.

Needs root and Debian's ``mmdebstrap``. Two builds from the same packages are alike byte for byte: everything has the
date of the recipe, and what must differ between containers is made at their first boot.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from controller.image import recipe
from controller.image.manifest import Manifest, manifest_path, write_manifest
from controller.image.overlay_tree import overlay_tree, recipe_hash
from controller.image.steps import step_of

LAST_WORDS = 12
"""Lines of a failed build that its error repeats."""
LONGEST_LINE = 200
_TOOLS = {"mmdebstrap": "mmdebstrap", "unshare": "util-linux", "zstd": "zstd"}
"""Command → Debian's package of it."""
_APART = ("unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc")
"""mmdebstrap mounts /proc and /sys in the new system: out of sight of everybody, and gone when it is killed."""


class BuildError(Exception):
    """The image could not be built: one sentence, and in ``said`` what the build said last."""

    def __init__(self, sentence: str, said: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.said = tuple(said)


def build(
    image: Path,
    *,
    language: str = recipe.LANGUAGES[0],
    mirrors: Sequence[str] = (),
    progress: Callable[[str], None],
) -> Manifest:
    """Make the image at that path, with its manifest beside it; what was there is replaced when all went well.

    ``mirrors`` are addresses of Debian mirrors, lines or files of apt sources; none takes mmdebstrap's choice.
    ``progress`` is told each step as it begins.

    Raises:
        BuildError: a tool is missing, the file cannot be made there, or the build failed.
    """
    _check_host()
    try:
        image.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".winux-image-", dir=image.parent) as scratch, overlay_tree() as tree:
            Path(scratch).chmod(0o755)  # apt's own user reads there
            tarball, listing = Path(scratch, "image.tar.zst"), Path(scratch, "packages")
            command = build_command(overlay=tree, listing=listing, tarball=tarball, language=language, mirrors=mirrors)
            _run(command, Path(scratch), progress)
            return _put(image, tarball=tarball, listing=listing, language=language)
    except OSError as error:
        raise BuildError(f"cannot make {image}: {(error.strerror or str(error)).lower()}") from error


def _check_host() -> None:
    if os.geteuid() != 0:
        raise BuildError("an image is built by root, for its files belong to many users: run it with sudo")
    lacking = [package for command, package in _TOOLS.items() if shutil.which(command) is None]
    if lacking:
        raise BuildError(f"not installed: {', '.join(lacking)}; run `apt-get install {' '.join(lacking)}`")


def _put(image: Path, *, tarball: Path, listing: Path, language: str) -> Manifest:
    """The new one in the place of the old."""
    packages = dict(line.split("\t") for line in listing.read_text(encoding="utf-8").splitlines())
    with tarball.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    manifest = Manifest(
        name=image.name,
        version=recipe.VERSION,
        suite=recipe.SUITE,
        architecture=recipe.ARCHITECTURE,
        language=language,
        user=recipe.USER,
        recipe=recipe_hash(language),
        sha256=digest,
        size=tarball.stat().st_size,
        packages=dict(sorted(packages.items())),
    )
    # An image without a manifest is built anew; one with another's would be taken for what it is not.
    manifest_path(image).unlink(missing_ok=True)
    tarball.replace(image)
    write_manifest(image, manifest)
    return manifest


def build_command(
    *, overlay: Path, listing: Path, tarball: Path, language: str, mirrors: Sequence[str]
) -> Sequence[str]:
    """mmdebstrap's whole command line."""
    packages = ",".join(package for group in recipe.PACKAGES.values() for package in group)
    environment = {
        "USER": recipe.USER,
        "LANGUAGE": language,
        "LANGUAGES": " ".join(recipe.LANGUAGES),
        "MASKED": " ".join(recipe.MASKED),
    }
    given = " ".join(f"{name}='{value}'" for name, value in environment.items())
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--architectures={recipe.ARCHITECTURE}",
        f"--include={packages}",
        '--aptopt=Apt::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude={path}" for path in recipe.LEFT_OUT),
        *(f"--dpkgopt=path-include={path}" for path in recipe.KEPT),
        f"--customize-hook=sync-in {overlay} /",
        f'--customize-hook=chroot "$1" env {given} /usr/lib/winux/customize',
        f'--customize-hook=chroot "$1" dpkg-query --show > {listing}',
        recipe.SUITE,
        str(tarball),
        *mirrors,
    ]


def _run(command: Sequence[str], scratch: Path, progress: Callable[[str], None]) -> None:
    environment = os.environ | {
        "SOURCE_DATE_EPOCH": str(recipe.EPOCH),
        "LC_ALL": "C.UTF-8",
        "TMPDIR": os.fspath(scratch),  # the unpacked system has 1.5 GB, more than many a /tmp
    }
    said: list[str] = []
    # In a session of its own: Ctrl-C ends it from here, and once.
    with subprocess.Popen(  # noqa: S603  # the command is made here
        [*_APART, *command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as running:
        try:
            for line in running.stderr or ():
                said.append(line.rstrip()[:LONGEST_LINE])
                if (step := step_of(line)) is not None:
                    progress(step)
        except BaseException:
            running.kill()
            if running.stderr:
                running.stderr.read()  # ends when the last of its processes did
            raise
    if running.returncode != 0:
        last = [line for line in said if line and not line.startswith("I: ")][-LAST_WORDS:]
        raise BuildError(f"the build failed: mmdebstrap ended with status {running.returncode}, and said last:", last)

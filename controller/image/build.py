"""Makes the image with mmdebstrap: Debian's packages, the overlay, one script run inside, one tarball.

Needs root and Debian's ``mmdebstrap``. Two builds from the same packages are alike byte for byte: everything has the
date of the recipe, and what must differ between containers is made at their first boot.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from controller.image import recipe

ARCHITECTURE = "amd64"
EPOCH = 1_767_225_600
"""Unix seconds: the date of every file in the image, 2026-01-01."""
LAST_WORDS = 12
"""Lines of a failed build that its error repeats."""


class BuildError(Exception):
    """The image could not be built; one sentence, and what the build said last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is beside a built image, as ``NAME.json``."""

    name: str
    version: str
    suite: str
    architecture: str
    user: str
    recipe: str
    """A hash of the recipe and the overlay that it was made from."""
    sha256: str
    """Of the tarball."""
    size: int
    """Bytes of the tarball."""
    packages: dict[str, str]
    """Package → version."""


def image_name() -> str:
    """The name that Proxmox lists: NAME_VERSION_ARCHITECTURE.tar.zst."""
    return f"winux-desktop-debian12_{recipe.VERSION}_{ARCHITECTURE}.tar.zst"


def current(image: Path) -> Manifest | None:
    """The manifest of an image that was made from this recipe; None: it is not there, or is another one."""
    try:
        manifest = read_manifest(image)
    except (OSError, ValueError, TypeError):
        return None
    return manifest if manifest.recipe == recipe_hash() and image.exists() else None


def read_manifest(image: Path) -> Manifest:
    """Raises ``OSError`` when there is none and ``ValueError`` or ``TypeError`` when it is not one."""
    return Manifest(**json.loads(manifest_path(image).read_text(encoding="utf-8")))


def manifest_path(image: Path) -> Path:
    return image.with_name(image.name.removesuffix(".tar.zst") + ".json")


def recipe_hash() -> str:
    """Of everything in this package that decides what is in the image."""
    digest = hashlib.sha256()
    with _overlay() as tree:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(tree)}\0{path.read_text(encoding='utf-8')}\0".encode())
    parts = (
        recipe.VERSION,
        recipe.SUITE,
        recipe.USER,
        recipe.LANGUAGES,
        recipe.PACKAGES,
        recipe.LEFT_OUT,
        recipe.MASKED,
    )
    digest.update(repr((parts, EPOCH)).encode())
    return digest.hexdigest()


def build(image: Path, *, mirror: str | None, progress: Callable[[str], None]) -> Manifest:
    """Make the image at that path, with its manifest beside it; what was there is replaced when all went well.

    ``mirror`` is a Debian mirror's address or a file of apt sources; None takes mmdebstrap's choice.

    Raises:
        BuildError: a tool is missing, or the build failed.
    """
    if shutil.which("mmdebstrap") is None:
        raise BuildError("mmdebstrap is not installed: run `apt-get install mmdebstrap zstd`")
    if os.geteuid() != 0:
        raise BuildError("an image is built by root: run it with sudo")
    image.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".winux-image-", dir=image.parent) as scratch, _overlay() as overlay:
        work = Path(scratch)
        tarball, listing = work / "image.tar.zst", work / "packages"
        command = _command(overlay, listing, tarball, mirror)
        _run(command, progress)
        packages = dict(line.split("\t") for line in listing.read_text(encoding="utf-8").splitlines())
        with tarball.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        manifest = Manifest(
            name=image.name,
            version=recipe.VERSION,
            suite=recipe.SUITE,
            architecture=ARCHITECTURE,
            user=recipe.USER,
            recipe=recipe_hash(),
            sha256=digest,
            size=tarball.stat().st_size,
            packages=dict(sorted(packages.items())),
        )
        manifest_path(image).unlink(missing_ok=True)
        tarball.replace(image)
        manifest_path(image).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return manifest


def _command(overlay: Path, listing: Path, tarball: Path, mirror: str | None) -> list[str]:
    packages = ",".join(package for group in recipe.PACKAGES.values() for package in group)
    environment = {"USER": recipe.USER, "LANGUAGES": " ".join(recipe.LANGUAGES), "MASKED": " ".join(recipe.MASKED)}
    given = " ".join(f"{name}='{value}'" for name, value in environment.items())
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--architectures={ARCHITECTURE}",
        f"--include={packages}",
        '--aptopt=Apt::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude={path}" for path in recipe.LEFT_OUT),
        *(f"--dpkgopt=path-include={path}" for path in recipe.KEPT),
        f"--customize-hook=sync-in {overlay} /",
        f'--customize-hook=chroot "$1" env {given} /usr/lib/winux/customize',
        f'--customize-hook=chroot "$1" dpkg-query --show > {listing}',
        recipe.SUITE,
        str(tarball),
        *([mirror] if mirror else []),
    ]


def _run(command: list[str], progress: Callable[[str], None]) -> None:
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH), "LC_ALL": "C.UTF-8"}
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603  # the command is made here
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as running:
        for line in running.stderr or ():
            said.append(line.rstrip())
            if line.startswith("I: ") and "tempdir" not in line:
                progress(line.removeprefix("I: ").strip().rstrip("."))
    if running.returncode != 0:
        last = "\n".join(line for line in said[-LAST_WORDS:] if line)
        raise BuildError(f"mmdebstrap ended with status {running.returncode}; it said last:\n{last}")


@contextmanager
def _overlay() -> Iterator[Path]:
    """The overlay's files as they are to be in the image: root's, and nobody else writes them."""
    with (
        resources.as_file(resources.files("controller.image") / "overlay") as source,
        tempfile.TemporaryDirectory() as to,
    ):
        tree = Path(to, "overlay")
        shutil.copytree(source, tree)
        for path in (tree, *tree.rglob("*")):
            script = path.parts[-2:-1] == ("winux",) and path.is_file()
            path.chmod(0o755 if path.is_dir() or script else 0o644)
            if os.geteuid() == 0:
                os.chown(path, 0, 0)
        yield tree

"""What is beside a built image: ``NAME.json``, with what it was made from and what is in it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

SUFFIX = ".tar.zst"
_BEFORE = re.compile(r"\.tar(\.\w+)?$|\.tzst$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Of one image."""

    name: str
    version: str
    suite: str
    architecture: str
    language: str
    """What its desktops speak, such as ``fr_FR.UTF-8``."""
    user: str
    recipe: str
    """A hash of the recipe and the overlay that it was made from."""
    sha256: str
    """Of the tarball."""
    size: int
    """Bytes of the tarball."""
    packages: dict[str, str]
    """Package → version."""


class NoManifest(Exception):
    """There is none that can be read; one sentence."""


def manifest_path(image: Path) -> Path:
    return image.with_name(_BEFORE.sub("", image.name) + ".json")


def read_manifest(image: Path) -> Manifest:
    """Raises ``NoManifest``."""
    path = manifest_path(image)
    try:
        return TypeAdapter(Manifest).validate_json(path.read_bytes())
    except FileNotFoundError:
        raise NoManifest(f"there is no manifest {path}: it lies beside every image that was built here") from None
    except OSError as error:
        raise NoManifest(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "its text"
        raise NoManifest(f"{path} is no manifest of an image: {where}: {error.errors()[0]['msg'].lower()}") from None


def write_manifest(image: Path, manifest: Manifest) -> None:
    manifest_path(image).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")

"""The overlay as it is to be in the image, and the hash of everything that decides what is in one."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from controller.image import recipe


def recipe_hash(language: str) -> str:
    """Of the recipe, the overlay and the language: images with the same hash have the same parts."""
    digest = hashlib.sha256()
    with overlay_tree() as tree:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(tree)}\0{path.read_text(encoding='utf-8')}\0".encode())
    parts = (
        recipe.VERSION,
        recipe.SUITE,
        recipe.ARCHITECTURE,
        recipe.EPOCH,
        recipe.USER,
        recipe.LANGUAGES,
        recipe.PACKAGES,
        recipe.LEFT_OUT,
        recipe.KEPT,
        recipe.MASKED,
        language,
    )
    digest.update(repr(parts).encode())
    return digest.hexdigest()


@contextmanager
def overlay_tree() -> Iterator[Path]:
    """A copy of the overlay: root's files where root makes it, and nobody else writes them."""
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

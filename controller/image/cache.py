"""Where built images lie, and whether one is what the recipe says today."""

from __future__ import annotations

from pathlib import Path

from controller.image import recipe
from controller.image.manifest import SUFFIX, Manifest, NoManifest, read_manifest
from controller.image.overlay_tree import recipe_hash

CACHE = Path("/var/cache/winux/images")
"""Root's, for only root builds images and starts containers from them."""


def image_name() -> str:
    """The name that Proxmox lists: NAME_VERSION_ARCHITECTURE.tar.zst."""
    return f"winux-desktop-debian12_{recipe.VERSION}_{recipe.ARCHITECTURE}{SUFFIX}"


def cached_image() -> Path:
    """Where ``winux image build`` puts it; it need not be there."""
    return CACHE / image_name()


def current(image: Path, *, language: str = recipe.LANGUAGES[0]) -> Manifest | None:
    """The manifest of an image that was made from this recipe; None: it is not there, or is another one."""
    try:
        manifest = read_manifest(image)
    except NoManifest:
        return None
    return manifest if manifest.recipe == recipe_hash(language) and image.is_file() else None

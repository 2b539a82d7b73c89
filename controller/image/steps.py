"""What mmdebstrap says of its progress, as the few steps that people want to see."""

from __future__ import annotations

_STEPS = (
    ("running apt-get update", "reading Debian's package lists"),
    ("downloading packages with apt", "downloading the base system"),
    ("extracting archives", "unpacking the base system"),
    ("installing essential packages", "installing the base system"),
    ("installing remaining packages", "downloading and installing the desktop"),
    ("running special hook: sync-in", "setting up the desktop"),
    ("cleaning package lists", "cleaning up"),
    ("creating tarball", "packing the image"),
)
"""How a line of mmdebstrap 1.3 begins, without its ``I: `` → the step that begins there."""


def step_of(line: str) -> str | None:
    """None: the line begins no step. Its hooks are whole shell commands, and nobody wants to read those."""
    if not line.startswith("I: "):
        return None
    said = line.removeprefix("I: ")
    return next((step for beginning, step in _STEPS if said.startswith(beginning)), None)

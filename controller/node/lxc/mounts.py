"""What is mounted below a directory, read from the kernel, and how to be rid of it."""

from __future__ import annotations

import os
from pathlib import Path

from controller.node.lxc import host


def below(directory: Path) -> list[Path]:
    """Mount points at or below ``directory``, the deepest and latest first."""
    wanted = os.fspath(directory)
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        place = _unescaped(line.split(" ")[4])
        if place == wanted or place.startswith(f"{wanted}/"):
            found.append(Path(place))
    return found[::-1]


def is_mounted(place: Path) -> bool:
    return place in below(place)


def unmount_all(directory: Path) -> None:
    """Unmount all at or below ``directory``.

    Raises:
        HostError: something there is still in use.
    """
    for place in below(directory):
        host.run("umount", os.fspath(place))


def _unescaped(text: str) -> str:
    """The kernel writes blanks, tabs, line ends and backslashes in octal."""
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, sign)
    return text

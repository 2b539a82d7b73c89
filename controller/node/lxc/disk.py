"""The writable disk of a container: a file as large as asked for, which takes only what is written, with ext4 in it.

So the size that a manifest asks for is the size that the guest gets, on any file system of the host.
"""

from __future__ import annotations

import os
from pathlib import Path

from controller.node.lxc import host, mounts

SMALLEST = 16 << 20
"""Bytes below which ext4 makes no sense."""


class Disk:
    """One disk: ``file`` holds it, ``place`` is where it is mounted."""

    def __init__(self, file: Path, place: Path) -> None:
        self.file = file
        self.place = place

    def make(self, size: int) -> None:
        """A new, empty disk of ``size`` bytes."""
        with self.file.open("xb") as handle:
            handle.truncate(max(size, SMALLEST))
        self._format()

    def _format(self) -> None:
        lazy = "lazy_itable_init=1,lazy_journal_init=1"
        host.run("mkfs.ext4", "-q", "-m", "0", "-E", lazy, "-O", "^has_journal", os.fspath(self.file))

    def copy_from(self, other: Disk) -> None:
        """The same content. The other one must be at rest: not mounted, or held still."""
        command = ("cp", "--sparse=always", "--reflink=auto")
        host.run(*command, os.fspath(other.file), os.fspath(self.file), seconds=300)

    def grow(self, size: int) -> None:
        """Also while it is mounted. A disk does not shrink."""
        if size <= self.file.stat().st_size:
            return
        os.truncate(self.file, size)
        at_rest = not mounts.is_mounted(self.place)
        self.mount()
        device = host.run("findmnt", "--noheadings", "--output", "SOURCE", os.fspath(self.place)).strip()
        host.run("losetup", "--set-capacity", device)
        host.run("resize2fs", device)
        if at_rest:
            self.unmount()

    def mount(self) -> None:
        if not mounts.is_mounted(self.place):
            self.place.mkdir(exist_ok=True)
            host.run("mount", "-o", "loop,noatime,nodev", os.fspath(self.file), os.fspath(self.place))

    def unmount(self) -> None:
        mounts.unmount_all(self.place)

"""The writable disk of a container: a file as large as asked for, which takes only what is written, with ext4 in it.

So the size that a manifest asks for is the size that the guest gets, on any file system of the host.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

from controller.engine.clock import SystemClock
from controller.node.lxc import host, mounts

SMALLEST = 16 << 20
"""Bytes below which ext4 makes no sense."""
COPY_SECONDS = 300.0
RELEASE_SECONDS = 10.0
CLOCK = SystemClock()
_NEVER = threading.Event()


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

    def copy_to(self, file: Path) -> None:
        """The same content. This one must be at rest: not mounted, or held still."""
        self._await_release()
        command = ("cp", "--sparse=always", "--reflink=auto")
        host.run(*command, os.fspath(self.file), os.fspath(file), seconds=COPY_SECONDS)

    def check(self) -> None:
        """Mend what a power cut broke; it must not be mounted. Nothing happens to a file system that is whole.

        Raises:
            HostError: it cannot be mended without a person.
        """
        self._await_release()
        host.run("e2fsck", "-p", os.fspath(self.file), seconds=COPY_SECONDS, good=(0, 1))

    def grow(self, size: int) -> None:
        """Also while it is mounted. A disk does not shrink.

        Raises:
            HostError: this host cannot grow it, or not while it is mounted; it is as large as it was.
        """
        now = self.file.stat().st_size
        if size <= now:
            return
        os.truncate(self.file, size)
        try:
            if mounts.is_mounted(self.place):
                self._fill(self._device())
            else:
                self._await_release()
                host.run("e2fsck", "-f", "-p", os.fspath(self.file), seconds=COPY_SECONDS, good=(0, 1))
                host.run("resize2fs", os.fspath(self.file), seconds=COPY_SECONDS)
        except host.HostError:
            os.truncate(self.file, now)
            raise

    def _fill(self, device: str) -> None:
        host.run("losetup", "--set-capacity", device)
        try:
            host.run("resize2fs", device)
        except host.HostError as failure:
            raise host.HostError(
                f"the disk cannot grow while the container runs, stop it first: {failure}"
            ) from failure

    def _device(self) -> str:
        return host.run("findmnt", "--noheadings", "--output", "SOURCE", os.fspath(self.place)).strip()

    def mount(self) -> None:
        if not mounts.is_mounted(self.place):
            self._await_release()
            self.place.mkdir(exist_ok=True)
            host.run("mount", "-o", "loop,noatime,nodev", os.fspath(self.file), os.fspath(self.place))

    def _await_release(self) -> None:
        """What is mounted here no more may be for a moment elsewhere: in the copy of all mounts that a container has
        while it starts, or in one that is being torn down. Until then the file is not what the file system holds.

        Raises:
            HostError: it is in use for too long.
        """
        if mounts.is_mounted(self.place):
            return
        deadline = CLOCK.monotonic() + RELEASE_SECONDS
        while self._is_looped():
            if CLOCK.monotonic() > deadline:
                raise host.HostError(f"{self.file} is still in use, {RELEASE_SECONDS:.0f} s after it was unmounted")
            CLOCK.wait(_NEVER, 0.005)

    def _is_looped(self) -> bool:
        for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
            with suppress(OSError):  # detached since
                if backing.read_text(encoding="utf-8").rstrip("\n") == os.fspath(self.file):
                    return True
        return False

    def unmount(self) -> None:
        mounts.unmount_all(self.place)

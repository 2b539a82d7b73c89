"""The root of a container: read-only layers, idmapped to its own ids, under a disk that takes what it writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from controller.node.lxc import host, idmap, mounts
from controller.node.lxc.disk import Disk


class RootFs:
    """Below ``directory``: the disk in ``disk.img`` and ``disk``, the layers in ``lower/N``, all of it in ``root``."""

    def __init__(self, directory: Path, *, first: int) -> None:
        self.directory = directory
        self.first = first
        """The host's id of the container's root."""
        self.disk = Disk(directory / "disk.img", directory / "disk")
        self.root = directory / "root"

    @property
    def upper(self) -> Path:
        """What the container changed, with ids of the host."""
        return self.disk.place / "upper"

    def mount(self, layers: Sequence[Path]) -> None:
        """Nothing happens if it is mounted already. ``layers``: the uppermost first.

        Raises:
            HostError, OSError: what the host could not do; what was mounted until then stays for ``unmount``.
        """
        if mounts.is_mounted(self.root):
            return
        self.disk.mount()
        self.disk.place.chmod(0o700)
        (self.directory / "lower").mkdir(mode=0o700, exist_ok=True)
        for directory in (self.upper, self.disk.place / "work", self.root):
            directory.mkdir(exist_ok=True)
        os.chown(self.upper, self.first, self.first)
        self.upper.chmod(0o755)
        lowers = []
        for number, layer in enumerate(layers):
            place = self.directory / "lower" / str(number)
            place.mkdir(exist_ok=True)
            if not mounts.is_mounted(place):
                idmap.mount_idmapped(layer, place, self.first)
            lowers.append(os.fspath(place))
        options = f"lowerdir={':'.join(lowers)},upperdir={self.upper},workdir={self.disk.place / 'work'}"
        host.run("mount", "-t", "overlay", "-o", options, "overlay", os.fspath(self.root))

    def unmount(self) -> None:
        mounts.unmount_all(self.directory)

"""``python -m controller.node.lxc.probe HOME``: try what a container needs of the kernel, and print what fails.

It runs in namespaces of its own for mounts and for the network (``requirements``), which take all of it along when it
ends, however it ends.
"""

from __future__ import annotations

import fcntl
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from controller.node.lxc import host, idmap, mounts
from controller.node.lxc.disk import SMALLEST
from controller.node.lxc.network import Network
from controller.node.lxc.rootfs import RootFs
from controller.node.lxc.site import LOCK
from controller.node.lxc.slots import FIRST_ID

PREFIX = ".probe-"
"""How the directory begins in which it tries; one that was killed leaves it, empty of mounts."""


def main() -> int:
    home = Path(sys.argv[1])
    with ExitStack() as held:
        lock = held.enter_context((home / LOCK).open("a", encoding="utf-8"))
        fcntl.flock(lock, fcntl.LOCK_SH)  # an engine that opens removes what killed ones left, and waits for this one
        scratch = Path(held.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX, dir=home)))
        held.callback(mounts.unmount_all, scratch)
        print("\n".join(failures(scratch)))  # noqa: T201  # that is what it is for
    return 0


def failures(scratch: Path) -> list[str]:
    """Clauses with what this kernel cannot do."""
    layer, target, rootfs = scratch / "layer", scratch / "mapped", RootFs(scratch, first=FIRST_ID)
    for directory in (layer, target):
        directory.mkdir()
    network = Network(scratch, internet=False)

    def disk() -> None:
        rootfs.disk.make(SMALLEST)
        rootfs.disk.mount()

    tries: list[tuple[Callable[[], None], str]] = [
        (disk, "a file cannot be mounted as a disk (loop devices, ext4)"),
        (lambda: idmap.mount_idmapped(layer, target, FIRST_ID), f"mounts below {scratch.parent} cannot be idmapped"),
        (lambda: rootfs.mount([layer]), "idmapped directories cannot be layers of overlayfs (Linux 5.19 or later can)"),
        (network.up, "there can be no bridge with rules (the kernel's bridge and nftables)"),
    ]
    return [clause for act, what in tries for clause in _tried(act, what)]


def _tried(act: Callable[[], None], what: str) -> list[str]:
    try:
        act()
    except (host.HostError, OSError) as failure:
        return [f"{what}: {failure}"]
    return []


if __name__ == "__main__":
    sys.exit(main())

"""What this machine lacks for the engine ``lxc``, and what it cannot enforce: in words, each with what to do.

What can be looked up is looked up; what only shows when it is done is tried by ``probe``.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from controller.node.config import LXC_HOME
from controller.node.lxc import host
from controller.node.lxc.cgroups import Hierarchy
from controller.node.lxc.slots import FIRST_ID, IDS

_PACKAGES = {
    "lxc": ("lxc-start", "lxc-stop", "lxc-info", "lxc-wait", "lxc-cgroup"),
    "nftables": ("nft",),
    "iproute2": ("ip",),
    "e2fsprogs": ("e2fsck", "mkfs.ext4", "resize2fs"),
    "coreutils": ("cp", "sync"),
    "mount": ("mount", "umount", "losetup"),
    "util-linux": ("findmnt", "fsfreeze", "nsenter", "setpriv", "unshare"),
    "openssl": ("openssl",),
    "openssh-client": ("ssh-keygen",),
    "tar": ("tar",),
    "zstd": ("zstd",),
}
"""Debian's package → the commands of it that are needed."""
_CAP_SYS_RESOURCE = 24


def missing(image: Path | None, *, home: Path = LXC_HOME) -> list[str]:
    """What keeps this machine from real containers; empty when nothing does.

    Clauses without a capital and a full stop, so that they can be joined into one sentence with semicolons. Leaves
    nothing behind; takes some tenths of a second. ``home`` is where containers are to be.
    """
    said = [*_image(image), *_commands(), *_subordinate_ids(), *_control_groups()]
    if os.geteuid() != 0:
        return ["real containers need root: start it as root, for example with sudo", *said]
    return said or _probe(home)


def unenforced(hierarchy: Hierarchy | None = None) -> list[str]:
    """What this host cannot hold containers to, as clauses like those of ``missing``."""
    return [
        f"{what} of containers cannot be limited: this kernel has no control group '{controller}' mounted"
        for controller, what in (hierarchy or Hierarchy()).lacking().items()
    ] + ([] if may_grow_disks() else ["disks of containers that run cannot grow: root has no CAP_SYS_RESOURCE here"])


def may_grow_disks() -> bool:
    """Whether ext4 grows while it is mounted, as far as this process may say so (capabilities(7))."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> _CAP_SYS_RESOURCE & 1)


def _image(image: Path | None) -> list[str]:
    if image is None:
        return ["there is no image: build one with `winux image build`"]
    if not image.is_file():
        return [f"the image {image} is not there: build one with `winux image build`"]
    return []


def _commands() -> list[str]:
    lacking = {
        package: [name for name in commands if shutil.which(name) is None] for package, commands in _PACKAGES.items()
    }
    packages = [package for package, names in lacking.items() if names]
    if not packages:
        return []
    names = ", ".join(name for names in lacking.values() for name in names)
    return [f"these commands are not installed: {names}; install them with `apt install {' '.join(packages)}`"]


def _subordinate_ids() -> list[str]:
    """With ``newuidmap`` there, LXC takes only ids that these files give to root."""
    if shutil.which("newuidmap") is None:
        return []
    files = [file for file in (Path("/etc/subuid"), Path("/etc/subgid")) if not gives_root(_text(file))]
    if not files:
        return []
    names = " and to ".join(str(file) for file in files)
    return [f"newuidmap is installed, and root has no ids of its own: add the line root:{FIRST_ID}:{IDS} to {names}"]


def gives_root(text: str, *, first: int = FIRST_ID, count: int = IDS) -> bool:
    """Whether one line of a subuid file gives all those ids to root."""
    for line in text.splitlines():
        owner, *numbers = line.strip().split(":")
        if owner not in ("root", "0") or len(numbers) != 2 or not all(one.isdecimal() for one in numbers):
            continue
        start, length = (int(one) for one in numbers)
        if start <= first and first + count <= start + length:
            return True
    return False


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _control_groups() -> list[str]:
    if Hierarchy().writable():
        return []
    return ["control groups are not mounted on /sys/fs/cgroup, or cannot be written: containers need them"]


def _probe(home: Path) -> list[str]:
    """In namespaces of its own, so that nothing can be left; not in this process, whose threads would lose theirs."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        command = (sys.executable, "-m", "controller.node.lxc.probe", os.fspath(home))
        said = host.run("unshare", "--mount", "--net", "--propagation", "private", *command)
    except host.HostError as failure:
        return [f"this machine cannot try what containers need: {failure}"]
    except OSError as failure:
        return [f"{home} cannot be used: {os.strerror(failure.errno or 0)}; choose another --home"]
    closed = [place for place in (home.resolve(), *home.resolve().parents) if not place.stat().st_mode & 0o001]
    if closed:
        return [f"containers have no way to {home}: run `chmod o+x {closed[0]}`, or choose another --home"]
    return [line for line in said.splitlines() if line]

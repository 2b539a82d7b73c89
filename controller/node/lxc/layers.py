"""Read-only layers: the trees that containers share, each unpacked once from an archive or taken from a template."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.node.lxc import host
from controller.node.lxc.idmap import UIDS

UNPACK_SECONDS = 600.0
_TEMPLATE, _PASSING = "template-", ".arriving-"


class Layers:
    """By name; files there have the ids that they have in a container.

    Those of archives are shared with other engines, those of templates are this one's own.
    """

    def __init__(self, own: Path, *, shared: Path) -> None:
        self._own = own
        self._shared = shared

    def path(self, name: str) -> Path:
        return (self._own if name.startswith(_TEMPLATE) else self._shared) / name

    def of_archive(self, archive: Path) -> str:
        """The name of the layer that an archive is unpacked to; unpacks it the first time.

        Raises:
            HostError: the archive is not there or cannot be unpacked.
        """
        try:
            facts = archive.stat()
        except OSError as missing:
            raise host.HostError(f"archive {archive} cannot be read: {missing.strerror}") from missing
        key = f"{archive.resolve()}\n{facts.st_size}\n{facts.st_mtime_ns}"
        name = f"archive-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        final = self.path(name)
        if not final.is_dir():
            with _arrivals(final.parent):
                if not final.is_dir():  # as long as this one waited, another process may have unpacked it
                    with _arriving(final) as tree:
                        _unpack(archive, tree)
        return name

    def of_template(self, vmid: int, upper: Path, *, first: int) -> str:
        """The name of a new layer of what a container changed: a copy of ``upper``, its ids moved down by ``first``."""
        name = f"{_TEMPLATE}{vmid}-{secrets.token_hex(4)}"
        final = self.path(name)
        with _arrivals(final.parent), _arriving(final) as tree:
            copy = ("cp", "--archive", "--no-target-directory", os.fspath(upper), os.fspath(tree))
            host.run(*copy, seconds=UNPACK_SECONDS)
            shift(tree, first=first, to=0)
        return name

    def collect(self, used: set[str]) -> None:
        """Remove the layers of templates that nobody uses any more."""
        for place in self._own.glob(f"{_TEMPLATE}*"):
            if place.name not in used:
                shutil.rmtree(place)


@contextmanager
def _arrivals(directory: Path) -> Iterator[None]:
    """Layers arrive one at a time, whichever process brings them; what a killed one left half-way goes."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)  # programs in there are setuid root of this machine until they are idmapped
    with (directory / ".lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in directory.glob(f"{_PASSING}*"):
            shutil.rmtree(left)
        yield


@contextmanager
def _arriving(final: Path) -> Iterator[Path]:
    """A directory under a passing name that gets its own when all went well and is on the disk; else it goes."""
    passing = Path(tempfile.mkdtemp(prefix=_PASSING, dir=final.parent))
    try:
        tree = passing / "tree"
        tree.mkdir()
        yield tree
        host.run("sync", "--file-system", os.fspath(tree), seconds=UNPACK_SECONDS)
        tree.rename(final)
    finally:
        shutil.rmtree(passing, ignore_errors=True)


def _unpack(archive: Path, tree: Path) -> None:
    command = ("tar", "--extract", "--numeric-owner", "--same-owner", "--xattrs", "--xattrs-include=*", "--file")
    host.run(*command, os.fspath(archive), "--directory", os.fspath(tree), seconds=UNPACK_SECONDS)
    if not any((tree / path).exists() or (tree / path).is_symlink() for path in ("sbin/init", "usr/sbin/init")):
        raise host.HostError(f"archive {archive} holds no root file system: it has no /sbin/init")


def shift(tree: Path, *, first: int, to: int) -> None:
    """Move owners and groups from the range that begins at ``first`` to the one at ``to``; all else stays as it is.

    What overlayfs itself made, such as the marks of removed files, belongs to the host's root and is left alone.
    """
    _shift_one(tree, first, to)
    for directory, names, files in os.walk(tree):
        for name in (*names, *files):
            _shift_one(Path(directory, name), first, to)


def _shift_one(path: Path, first: int, to: int) -> None:
    facts = path.lstat()
    user, group = (one - first + to if first <= one < first + UIDS else one for one in (facts.st_uid, facts.st_gid))
    held = {}
    if not path.is_symlink():
        names = (name for name in os.listxattr(path, follow_symlinks=False) if name == "security.capability")
        held = {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    os.lchown(path, user, group)
    if path.is_symlink():
        return
    path.chmod(facts.st_mode & 0o7777)  # lchown takes the setuid bit away
    for name, value in held.items():
        os.setxattr(path, name, value, follow_symlinks=False)

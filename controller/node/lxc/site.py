"""Where one engine keeps its containers, and what engines that died without a word left behind.

Below a common home each engine has a directory of its own, named after the directory of its node: ``n/NAME``. It holds
a lock as long as it lives. A directory whose lock is free belongs to nobody who lives; unless its node keeps a state
that is still there, it goes, with all that runs in it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.node.lxc.host import HostError

_LOCK, _STATE = "lock", "state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where and of what the engine makes containers."""

    home: Path
    """Of all engines of this machine. Short, for LXC puts it into the names of its sockets."""
    node: Path
    """The directory of the node, by which its containers are found again."""
    state: Path | None
    """Where the node keeps its state; None: containers end with it."""
    archives: Mapping[str, Path]
    """Volume of a template → the tarball."""
    internet: bool = False
    """Whether guests reach what is beyond this host."""

    @property
    def directory(self) -> Path:
        name = hashlib.sha256(os.fspath((self.state or self.node).resolve()).encode()).hexdigest()[:8]
        return self.home / "n" / name

    @property
    def layers(self) -> Path:
        """Unpacked archives, which all engines share."""
        return self.home / "layers"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the directory; it tells whose it is.

        Raises:
            HostError: another engine holds it.
        """
        self.directory.mkdir(mode=0o711, parents=True, exist_ok=True)
        with (self.directory / _LOCK).open("a", encoding="utf-8") as lock:
            if not _locked(lock.fileno()):
                raise HostError(f"another node has its containers in {self.directory}")
            (self.directory / _STATE).write_text(
                os.fspath(self.state.resolve()) if self.state else "", encoding="utf-8"
            )
            yield


def abandoned(home: Path) -> list[Path]:
    """The directories of engines that died and whose node keeps no state."""
    return [directory for directory in sorted((home / "n").glob("*")) if _is_abandoned(directory)]


def _is_abandoned(directory: Path) -> bool:
    try:
        with (directory / _LOCK).open("a", encoding="utf-8") as lock:
            if not _locked(lock.fileno()):
                return False
            state = (directory / _STATE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return False  # it is being made, or already removed
    return not (state and Path(state).is_dir())


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""Where one engine keeps its containers, and which directories engines that died without a word left behind.

Below a common home each engine has a directory of its own, named after the directory of its node: ``n/NAME``. It holds
a lock as long as it lives. A directory whose lock is free belongs to nobody who lives; unless its node keeps a state
that is still there, it goes, with all that runs in it. Engines come one after the other: whoever opens has the home.
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

LOCK, _STATE = "lock", "state"


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
    def sole(self) -> Iterator[None]:
        """No other engine opens meanwhile. Waits for its turn.

        Raises:
            OSError: the home cannot be made.
        """
        self.home.mkdir(mode=0o711, parents=True, exist_ok=True)
        with (self.home / LOCK).open("a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the directory; it tells whose it is. Begin it while ``sole``.

        Raises:
            HostError: another engine holds it.
        """
        self.directory.mkdir(mode=0o711, parents=True, exist_ok=True)
        with (self.directory / LOCK).open("a", encoding="utf-8") as lock:
            if not _locked(lock.fileno()):
                raise HostError(f"another node has its containers in {self.directory}")
            (self.directory / _STATE).write_text(
                os.fspath(self.state.resolve()) if self.state else "", encoding="utf-8"
            )
            yield


def abandoned(home: Path) -> Iterator[Path]:
    """The directories of engines that died and whose node keeps no state, each held while it is looked at.

    Only while ``sole``: what lies there unlocked is then nobody's, and not somebody's who is about to lock it.
    """
    for directory in sorted((home / "n").glob("*")):
        with (directory / LOCK).open("a", encoding="utf-8") as lock:
            if _locked(lock.fileno()) and not _is_kept(directory):
                yield directory


def _is_kept(directory: Path) -> bool:
    try:
        state = (directory / _STATE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return False  # killed before it said so: it made nothing yet
    return bool(state) and Path(state).is_dir()


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""Sessions whose manifest was just written and that no scan has shown yet: whoever asks for them finds them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from controller.core.model import DesiredSession, DesiredSnapshot, Phase
from controller.reconcile.reconciler import Status

ARRIVED = Status(
    phase=Phase.PENDING, reason="Launched", message="its manifest was written and is about to be read", since=0.0
)


@dataclass(frozen=True, slots=True)
class _Arrival:
    desired: DesiredSession
    path: Path
    file: tuple[int, int]
    """Device and inode: as long as the path leads there, the manifest is there."""


class Arrivals:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrivals: dict[str, _Arrival] = {}

    def add(self, desired: DesiredSession, path: Path) -> None:
        file = _file(path)
        if file is not None:
            with self._lock:
                self._arrivals[desired.name] = _Arrival(desired, path, file)

    def pending(self, snapshot: DesiredSnapshot | None) -> dict[str, DesiredSession]:
        """Those that the snapshot does not show although their file is there; by name."""
        if not self._arrivals:
            return {}
        faulty = {problem.session for problem in snapshot.problems} if snapshot is not None else set()
        with self._lock:
            self._arrivals = {
                name: arrival
                for name, arrival in self._arrivals.items()
                if (snapshot is None or name not in snapshot.sessions)
                and name not in faulty
                and _file(arrival.path) == arrival.file
            }
            return {name: arrival.desired for name, arrival in self._arrivals.items()}


def _file(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino

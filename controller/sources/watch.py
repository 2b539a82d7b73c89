"""Hints that the manifest directory may have changed, from the kernel through watchdog.

A hint sets a flag somewhere and says nothing else: the truth is what a scan finds, and scans come without hints too.
So the worst that a broken watch can do is to make changes show later.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

import structlog
from watchdog import events
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from controller.sources.listing import reason

log: structlog.stdlib.BoundLogger = structlog.get_logger("winux.manifests")

_MAX_LINKS = 40

_WANTED_EVENTS: list[type[events.FileSystemEvent]] = [
    events.FileCreatedEvent,
    events.FileDeletedEvent,
    events.FileModifiedEvent,
    events.FileMovedEvent,
    events.FileClosedEvent,
    events.DirCreatedEvent,
    events.DirDeletedEvent,
    events.DirMovedEvent,
]
if hasattr(events, "FileAttribEvent"):
    # Newer releases report a changed mode or owner as an event of its own.
    _WANTED_EVENTS.append(events.FileAttribEvent)


@dataclass(frozen=True, slots=True)
class WatchPoint:
    """A directory to watch, as it was when the watch began."""

    directory: str
    device: int
    inode: int
    names: frozenset[str] | None
    """The entries of it that matter because the path leads through them; None: all of them."""


class DirectoryWatch:
    """Watches a directory and every link that leads to it, and begins anew when they lead elsewhere.

    ``ensure`` and ``stop`` belong to one thread; ``on_hint`` is called from watchdog's and must only set a flag.
    """

    def __init__(
        self, path: Path | str, *, on_hint: Callable[[], None], new_observer: Callable[[], BaseObserver] = Observer
    ) -> None:
        self._path = Path(path)
        self._on_hint = on_hint
        self._new_observer = new_observer
        self._observer: BaseObserver | None = None
        self._points: frozenset[WatchPoint] = frozenset()
        self._moved = False
        """Whether the path may lead elsewhere since the watch began, even if to the same inode used again."""
        self._warned = False
        self.restarts = 0
        """How often the watch began anew: the directory was swapped, or a thread of the watch had died."""

    @property
    def working(self) -> bool:
        """Whether hints can be expected."""
        observer = self._observer
        if observer is None or not observer.is_alive():
            return False
        emitters = list(observer.emitters)
        return len(emitters) == len(self._points) and all(emitter.is_alive() for emitter in emitters)

    def ensure(self) -> bool:
        """Begin or renew the watch where that is needed; whether hints can be expected now.

        Call it before every scan: what changes after this call gives a hint, what changed before is found by the scan.
        """
        try:
            points = watch_points(self._path)
            if self._observer is not None:
                if self.working and not self._moved and points == self._points:
                    return True
                self.stop()
                self.restarts += 1
            self._moved = False
            self._begin(points)
        except (OSError, RuntimeError) as error:
            self.stop()
            self._warn(error)
            return False
        if self._warned:
            self._warned = False
            log.info("watch_works_again", directory=str(self._path))
        return True

    def stop(self) -> None:
        """End the watch; ``ensure`` begins it again."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            if observer.is_alive():
                observer.join()

    def _warn(self, error: OSError | RuntimeError) -> None:
        if not self._warned:
            self._warned = True
            why = reason(error) if isinstance(error, OSError) else str(error)
            log.warning("watch_failed", directory=str(self._path), error=why, effect="changes show at the next scan")

    def _begin(self, points: frozenset[WatchPoint]) -> None:
        observer = self._new_observer()
        self._observer = observer
        self._points = points
        observer.start()
        for point in points:
            # inotify needs the right to read, and watchdog does not report that it lacks.
            if not os.access(point.directory, os.R_OK, effective_ids=True):
                raise PermissionError(13, os.strerror(13), point.directory)
            observer.schedule(_Handler(self, point.names), point.directory, event_filter=_WANTED_EVENTS)

    def noticed(self, event: events.FileSystemEvent, names: frozenset[str] | None) -> None:
        """Called for every event at a watch point."""
        touched = {PurePath(os.fsdecode(path)).name for path in (event.src_path, event.dest_path) if path}
        if names is not None:
            if not touched & names:
                return
            self._moved = True
        self._on_hint()


class _Handler(events.FileSystemEventHandler):
    def __init__(self, watch: DirectoryWatch, names: frozenset[str] | None) -> None:
        self._watch = watch
        self._names = names

    def dispatch(self, event: events.FileSystemEvent) -> None:
        # An exception would end watchdog's thread, and with it all hints.
        try:
            self._watch.noticed(event, self._names)
        except Exception:
            log.exception("hint_failed")


def watch_points(path: Path) -> frozenset[WatchPoint]:
    """The directory that ``path`` means, and every place where it could come to mean another one.

    Those are the directories that hold the last part of the path and any link on the way, or the first part that is
    missing. git-sync swaps such a link; a ConfigMap swaps one (``..data``) inside the directory itself.
    """
    names: dict[Path, set[str]] = {}
    here = _walk(path, names)
    found: dict[Path, frozenset[str] | None] = {directory: frozenset(some) for directory, some in names.items()}
    if here is not None:
        found[here] = None
    return _existing(found)


def _walk(path: Path, names: dict[Path, set[str]]) -> Path | None:
    """Follow a path part by part, noting what it depends on; where it ends, or None where a part is missing."""
    here = Path("/")
    pending = list(path.absolute().parts[1:])
    links = 0
    while pending:
        name = pending.pop(0)
        if name == "..":
            here = here.parent
            continue
        below = here / name
        if below.is_symlink() and links < _MAX_LINKS:
            links += 1
            names.setdefault(here, set()).add(name)
            target = below.readlink()
            pending[:0] = target.parts[1:] if target.is_absolute() else target.parts
            here = Path("/") if target.is_absolute() else here
            continue
        there = below.is_dir()
        if not pending or not there:
            names.setdefault(here, set()).add(name)
        if not there:
            return None
        here = below
    return here


def _existing(found: Mapping[Path, frozenset[str] | None]) -> frozenset[WatchPoint]:
    points = set()
    for directory, names in found.items():
        try:
            status = directory.stat()
        except FileNotFoundError:
            # It vanished this instant; the next look finds what is there instead.
            continue
        points.add(WatchPoint(str(directory), status.st_dev, status.st_ino, names))
    return frozenset(points)

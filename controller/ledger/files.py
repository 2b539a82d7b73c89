"""The files of a SQLite ledger: whether they are still those that are open, and what they take.

A file that was removed, moved or replaced goes on taking what is written to it, and whoever starts next never sees it.
SQLite notices nothing in the journal mode that the ledger uses.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL

_Identity = tuple[int, int]
"""Device and inode; no other file gets them as long as this one is open."""


class OpenFiles:
    """To be made once the database was read: its journal is there from then on until it is closed."""

    def __init__(self, url: URL) -> None:
        """``url`` of a database that is open; one without a file cannot lose it."""
        in_a_file = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
        paths = (Path(f"{url.database}"), Path(f"{url.database}-wal")) if in_a_file else ()
        self._files = {path: _identity(path) for path in paths}

    def problem(self) -> str | None:
        """What is no longer as it was opened, and what to do; None where all is. Costs two calls of stat(2)."""
        for path, opened in self._files.items():
            found = _identity(path)
            if found != opened:
                what = "is gone" if found is None else "is another file than the one that is open"
                return f"{path} {what}: put that one back, or restart the daemon to go on with what is there"
        return None

    def size_bytes(self) -> int | None:
        """What they take together; None for a database without a file. One that is gone takes nothing."""
        if not self._files:
            return None
        return sum(_size(path) for path in self._files)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _identity(path: Path) -> _Identity | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

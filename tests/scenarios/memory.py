"""A place for worlds: the ledger syncs every write, which nobody needs to wait for in virtual time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of its own is made in it


@contextmanager
def memory() -> Iterator[Path]:
    """A directory in memory where there is such, else on the disk; it goes afterwards."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="winux-world-") as directory:
        yield Path(directory)

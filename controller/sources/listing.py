"""One look at the manifest directory: pinned by a descriptor, so that a swapped symbolic link cannot mix two of them.

Lists and reads; what the contents mean, and what to do when something changed meanwhile, is the callers' business.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.api.encoding import MAX_BYTES

Fingerprint = tuple[int, int, int, int, int]
"""Device, inode, size, mtime and ctime in nanoseconds: equal while a file was not touched."""

DirectoryId = tuple[str, int, int]
"""Real path, device and inode."""


class DirectoryUnusable(Exception):
    """The directory cannot be listed now; ``str()`` is one sentence."""


class Changed(Exception):
    """Something changed between two looks: look again."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The manifest files of a directory, by name."""

    readable: dict[str, Fingerprint]
    failing: dict[str, str]
    """Entries that are there but no readable file, such as dangling links, with the reason."""


def is_manifest_name(name: str) -> bool:
    """``*.yaml`` and ``*.yml``, without hidden files, editors' droppings and files set aside with ``_``."""
    return name.endswith((".yaml", ".yml")) and not name.startswith((".", "#", "_"))


def display_name(name: str) -> str:
    """A file's name as problems show it: names that would garble a terminal are escaped."""
    return name if name.isprintable() else ascii(name)[1:-1]


@contextmanager
def pinned(path: Path) -> Iterator[PinnedDirectory]:
    """Open the directory that ``path`` means now; it stays the same one however links are swapped."""
    try:
        real = os.path.realpath(path, strict=True)
        descriptor = os.open(real, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise DirectoryUnusable(f"the manifest directory {path} does not exist; create it, or mount it again") from None
    except NotADirectoryError:
        raise DirectoryUnusable(f"the manifest directory {path} is no directory; set it to one") from None
    except OSError as error:
        raise DirectoryUnusable(f"the manifest directory {path} cannot be opened: {reason(error)}") from None
    try:
        yield PinnedDirectory(path, real, descriptor)
    finally:
        os.close(descriptor)


class PinnedDirectory:
    def __init__(self, path: Path, real: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        self.id: DirectoryId = (real, status.st_dev, status.st_ino)

    def still_meant(self) -> bool:
        """Whether the configured path still leads here."""
        return directory_id(self._path) == self.id

    def list(self, *, limit: int) -> Listing:
        """All manifest files; ``DirectoryUnusable`` where there are more than ``limit``."""
        readable: dict[str, Fingerprint] = {}
        failing: dict[str, str] = {}
        try:
            with os.scandir(self._descriptor) as entries:
                for entry in entries:
                    if is_manifest_name(entry.name):
                        self._look(entry, readable, failing)
        except OSError as error:
            raise DirectoryUnusable(f"the manifest directory {self._path} cannot be listed: {reason(error)}") from None
        if len(readable) + len(failing) > limit:
            raise DirectoryUnusable(f"the manifest directory {self._path} holds more than {limit} manifest files")
        return Listing(readable, failing)

    def _look(self, entry: os.DirEntry[str], readable: dict[str, Fingerprint], failing: dict[str, str]) -> None:
        try:
            status = entry.stat()
        except FileNotFoundError:
            if not entry.is_symlink():
                raise Changed(entry.name) from None
            failing[entry.name] = "it is a link to a file that does not exist"
        except OSError as error:
            failing[entry.name] = reason(error)
        else:
            if stat.S_ISREG(status.st_mode):
                readable[entry.name] = fingerprint(status)
            else:
                failing[entry.name] = NOT_A_FILE

    def read(self, name: str) -> bytes:
        """Up to one byte more than a manifest may have; ``Changed`` where it is gone.

        That it was no other file than the one listed, and did not change meanwhile, is for a second listing to show.
        """
        try:
            descriptor = os.open(name, _READ, dir_fd=self._descriptor)
        except FileNotFoundError:
            raise Changed(name) from None
        try:
            return _read_up_to(descriptor, MAX_BYTES + 1)
        finally:
            os.close(descriptor)


NOT_A_FILE = "it is not a regular file"

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Without waiting: what was listed as a file may be a pipe by now."""


def directory_id(path: Path) -> DirectoryId | None:
    """What a path leads to now, None where that is nothing."""
    try:
        real = os.path.realpath(path, strict=True)
        status = Path(real).stat()
    except OSError:
        return None
    return real, status.st_dev, status.st_ino


def fingerprint(status: os.stat_result) -> Fingerprint:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def reason(error: OSError) -> str:
    """The system's words for an error, without the path that they repeat."""
    return error.strerror or type(error).__name__


def _read_up_to(descriptor: int, size: int) -> bytes:
    parts = []
    while size > 0 and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)

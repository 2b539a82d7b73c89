"""Events as lines of JSON at the end of a file, which may be rotated under it: moved, removed or emptied."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from controller.deliveries.sink import NotTaken, fields_of
from controller.ledger.events import Event, EventType

MODE = 0o640
"""Of a file that is made here; one that is there keeps its own."""


@dataclass(slots=True)
class FileSink:
    """A whole batch is in the file, or nothing of it: what only fitted in part is taken back."""

    path: Path
    _open: int | None = field(default=None, compare=False, repr=False)
    """The descriptor."""

    name = "file"
    types = tuple(EventType)

    @property
    def place(self) -> str:
        return f"the file {self.path}"

    def send(self, events: Sequence[Event], stop: threading.Event) -> None:  # noqa: ARG002 - a file is quick
        lines = "".join(json.dumps(fields_of(event), ensure_ascii=False) + "\n" for event in events).encode()
        try:
            self._append(lines)
        except OSError as error:
            self.close()
            raise NotTaken((error.strerror or str(error)).lower()) from None

    def close(self) -> None:
        if self._open is not None:
            descriptor, self._open = self._open, None
            os.close(descriptor)

    def _append(self, lines: bytes) -> None:
        descriptor = self._opened()
        before = os.fstat(descriptor).st_size
        if before and os.pread(descriptor, 1, before - 1) != b"\n":
            lines = b"\n" + lines  # a process that was killed left half a line
        rest = memoryview(lines)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError:
            if os.fstat(descriptor).st_size > before:
                os.ftruncate(descriptor, before)
            raise

    def _opened(self) -> int:
        """The file that has the name now."""
        if self._open is not None:
            try:
                found, opened = self.path.stat(), os.fstat(self._open)
            except FileNotFoundError:
                self.close()
            else:
                if (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino):
                    return self._open
                self.close()
        # Without O_NONBLOCK, opening a named pipe would wait until somebody reads it.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(self.path, flags, MODE)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError("it is no regular file")
        self._open = descriptor
        return descriptor

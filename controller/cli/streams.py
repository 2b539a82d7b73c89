"""Standard output and standard error as the command line finds them: what they can show, and when they take no more.

A full disk or a closed pipe becomes one exception, whichever library was printing. What is said of it is not decided
here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_NAMES = {"stdout": "standard output", "stderr": "standard error"}


class Unwritten(OSError):
    """A standard stream took no more; ``__cause__`` says why.

    It has no ``errno``: by that of a closed pipe the libraries would end the program in ways of their own.
    """

    @property
    def reason(self) -> str:
        cause = self.__cause__
        return (cause.strerror or str(cause)).lower() if isinstance(cause, OSError) else "unknown"

    @property
    def nobody_reads(self) -> bool:
        """Such as where ``head`` has seen enough."""
        return isinstance(self.__cause__, BrokenPipeError)


class _Outlet(FileIO):
    """The file of a standard stream, which stays open."""

    def __init__(self, descriptor: int, stream: str) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._stream = stream
        self.discards = False
        """Nothing is written any more: what is left in buffers would fail again where nobody can say so."""

    def write(self, data: ReadableBuffer, /) -> int | None:  # type: ignore[override]  # None where it would block
        if self.discards:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except OSError as error:
            raise Unwritten(f"cannot write to {_NAMES[self._stream]}") from error


@contextmanager
def standard_streams() -> Iterator[None]:
    """Raises ``Unwritten`` where they take no more, at the latest at the end."""
    before, outlets = {}, []
    for name in _NAMES:
        stream = getattr(sys, name)
        if not isinstance(stream, TextIOWrapper):
            continue
        # A terminal that cannot show a check mark shows a question mark.
        stream.reconfigure(errors="replace")
        if isinstance(stream.buffer, BufferedWriter | FileIO):
            before[name] = stream
            outlets.append(outlet := _Outlet(stream.fileno(), name))
            setattr(sys, name, _like(stream, outlet))
    try:
        yield
    finally:
        try:
            for name in before:
                getattr(sys, name).flush()
        finally:
            for outlet in outlets:
                outlet.discards = True
            for name, stream in before.items():
                setattr(sys, name, stream)


def _like(stream: TextIOWrapper, outlet: _Outlet) -> TextIOWrapper:
    by_line = stream.line_buffering or stream.write_through
    return TextIOWrapper(BufferedWriter(outlet), encoding=stream.encoding, errors=stream.errors, line_buffering=by_line)

"""Keys as they are pressed: the terminal without echo and lines, put back as it was. What keys do is not said here."""

from __future__ import annotations

import os
import select
import signal
import termios
import tty
from codecs import getincrementaldecoder
from collections.abc import Iterator
from enum import StrEnum
from types import FrameType, TracebackType
from typing import Self

_ESCAPE_LASTS = 0.05
"""Seconds within which the rest of a key's sequence comes; an escape without one is the key of that name."""
_ONE_READ = 1024


class Key(StrEnum):
    """Keys that are no characters; those that are stand for themselves."""

    UP = "up"
    DOWN = "down"
    PAGE_UP = "page up"
    PAGE_DOWN = "page down"
    HOME = "home"
    END = "end"
    ENTER = "enter"
    ESCAPE = "escape"
    BACKSPACE = "backspace"
    SUSPEND = "suspend"
    HANG_UP = "hang up"
    """Nobody is at the other end of the terminal any more."""


_CONTROLS = {
    "\r": Key.ENTER,
    "\n": Key.ENTER,
    "\x7f": Key.BACKSPACE,
    "\b": Key.BACKSPACE,
    "\x1a": Key.SUSPEND,
    "\x04": Key.HANG_UP,
    "\x02": Key.PAGE_UP,
    "\x06": Key.PAGE_DOWN,
    "\x10": Key.UP,
    "\x0e": Key.DOWN,
}
"""Ctrl-B, -F, -P and -N are those of Emacs, less and vi."""
_SEQUENCES = {
    "A": Key.UP,
    "B": Key.DOWN,
    "H": Key.HOME,
    "F": Key.END,
    "1~": Key.HOME,
    "7~": Key.HOME,
    "4~": Key.END,
    "8~": Key.END,
    "5~": Key.PAGE_UP,
    "6~": Key.PAGE_DOWN,
    "M": Key.ENTER,
}
"""What follows ``ESC [`` or ``ESC O`` (xterm, rxvt, the Linux console)."""


def keys_of(text: str) -> Iterator[str]:
    """The keys that a terminal sent; unknown sequences and control characters are no keys."""
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\x1b" and text[position + 1 : position + 2] in {"[", "O"}:
            end = position + 2
            while end < len(text) and not "@" <= text[end] <= "~":
                end += 1
            sequence = text[position + 2 : end + 1]
            if (key := _SEQUENCES.get(sequence)) is not None:
                yield key
            position = end + 1
            continue
        if char == "\x1b":
            yield Key.ESCAPE
        elif char in _CONTROLS:
            yield _CONTROLS[char]
        elif char.isprintable():
            yield char
        position += 1


class Keyboard:
    """A terminal in cbreak mode, as a context manager. Ctrl-C stays a signal; Ctrl-Z is a key here.

    For the main thread: a change of the terminal's size ends a wait, as ``wake`` does from any thread.
    """

    def __init__(self, terminal: int) -> None:
        """``terminal``: its file descriptor."""
        self._terminal = terminal
        self._decoder = getincrementaldecoder("utf-8")(errors="ignore")
        self._heard, self._bell = os.pipe()
        os.set_blocking(self._heard, False)
        os.set_blocking(self._bell, False)

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._terminal)
        self._on_resize = signal.signal(signal.SIGWINCH, self._resized)
        tty.setcbreak(self._terminal, termios.TCSADRAIN)
        mode = termios.tcgetattr(self._terminal)
        mode[6][termios.VSUSP] = b"\0"
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, mode)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        termios.tcsetattr(self._terminal, termios.TCSAFLUSH, self._before)
        signal.signal(signal.SIGWINCH, self._on_resize)

    def close(self) -> None:
        os.close(self._heard)
        os.close(self._bell)

    def wake(self) -> None:
        """End a wait, the next one if there is none."""
        try:
            os.write(self._bell, b"\0")
        except BlockingIOError:
            return  # it is full of calls already

    def wait(self, timeout: float) -> list[str]:
        """The keys that were pressed; none after ``timeout`` seconds, or when something else happened."""
        ready, _, _ = select.select([self._terminal, self._heard], [], [], timeout)
        if self._heard in ready:
            os.read(self._heard, _ONE_READ)
        if self._terminal not in ready:
            return []
        data = self._read()
        if not data:
            return [Key.HANG_UP]
        if _unfinished(data) and select.select([self._terminal], [], [], _ESCAPE_LASTS)[0]:
            data += self._read()
        return list(keys_of(self._decoder.decode(data)))

    def _read(self) -> bytes:
        """Empty where nobody is there any more: a terminal that is gone fails with EIO."""
        try:
            return os.read(self._terminal, _ONE_READ)
        except OSError:
            return b""

    def _resized(self, _signal: int, _frame: FrameType | None) -> None:
        self.wake()


def _unfinished(data: bytes) -> bool:
    """Whether it ends within a key's sequence."""
    _, escape, rest = data.rpartition(b"\x1b")
    return bool(escape) and (not rest or (rest[:1] in b"[O" and not any(0x40 <= byte <= 0x7E for byte in rest[1:])))

"""A terminal with a program on it: what is typed, what is seen, and whether it is left as it was found."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence

from tests.e2e.waiting import PATIENCE, until

_HOME = b"\x1b[H"
_SECOND_SCREEN, _FIRST_SCREEN, _CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"
_STEERING = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
_COLOUR = re.compile(rb"\x1b\[[0-9;]*3[0-9][0-9;]*m")


class Terminal:
    """The program has it as its controlling terminal. ``end`` may be called any number of times."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        lines: int = 24,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._person, self._program = pty.openpty()
        self._ended = False
        self.resize(columns, lines)
        self._before = termios.tcgetattr(self._program)
        self._lock = threading.Lock()
        self._written = b""
        dropped = ("WINUX_", "PROXMOX_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM")
        kept = {key: value for key, value in os.environ.items() if not key.upper().startswith(dropped)}
        self._child = subprocess.Popen(
            command,
            stdin=self._program,
            stdout=self._program,
            stderr=self._program,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509
            env={**kept, "TERM": "xterm-256color", **(environment or {})},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    # -- what is seen ------------------------------------------------------------------------------------------

    @property
    def written(self) -> bytes:
        with self._lock:
            return self._written

    def screen(self) -> list[str]:
        """The last frame that is whole; where nothing was drawn from the corner on, all that was written.

        A frame fills the terminal, and a large one arrives in pieces.
        """
        before, *frames = self.written.split(_HOME)
        if not frames:
            return [line.rstrip() for line in _lines(before)]
        columns, lines = self._size
        for frame in reversed(frames):
            drawn = _lines(frame)
            if len(drawn) == lines and len(drawn[-1]) == columns:
                return [line.rstrip() for line in drawn]
        return []

    def wait_to_see(self, *texts: str, within: float = PATIENCE) -> list[str]:
        """The frame as soon as it has all of them in it."""

        def seen() -> list[str]:
            screen = self.screen()
            return screen if all(text in "\n".join(screen) for text in texts) else []

        return until(seen, within=within, what=f"{' and '.join(map(repr, texts))} is seen", show=self.screen)

    @property
    def coloured(self) -> bool:
        return _COLOUR.search(self.written) is not None

    def left_as_found(self) -> bool:
        """The modes are those of before, the first screen is back, and there is a cursor.

        To be waited for: what a program wrote at its end is read a moment later.
        """
        written = self.written
        return (
            termios.tcgetattr(self._program) == self._before
            and written.rfind(_FIRST_SCREEN) > written.rfind(_SECOND_SCREEN) >= 0
            and written.rfind(_CURSOR) > written.rfind(_SECOND_SCREEN)
        )

    # -- what is done ------------------------------------------------------------------------------------------

    def type(self, keys: str) -> None:
        os.write(self._person, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        self._size = columns, lines
        fcntl.ioctl(self._person, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def signal(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def wait(self, *, within: float = PATIENCE) -> int:
        """The exit status."""
        until(lambda: self._child.poll() is not None, within=within, what="the program ends", show=self.screen)
        return self._child.wait()

    def end(self) -> None:
        if self._child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()
            self._child.wait()
        if not self._ended:
            self._ended = True
            os.close(self._program)
            self._reader.join(PATIENCE)  # else it might read on from another file of the same number
            os.close(self._person)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._person, 65_536)
            except OSError:
                return  # nobody has its other end any more
            with self._lock:
                self._written += data


def _lines(written: bytes) -> list[str]:
    return _STEERING.sub(b"", written).decode(errors="replace").splitlines()


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

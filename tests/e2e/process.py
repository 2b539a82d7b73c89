"""A child process with its output in files, which is always ended by whoever started it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.e2e.waiting import PATIENCE, until


class Process:
    """Starts at once; ``end`` may be called any number of times."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        name: str,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        mortal: bool = False,
    ) -> None:
        """``mortal``: without root's right to read and write whatever the modes of files say."""
        self.name = name
        self.out, self.err = directory / f"{name}.out", directory / f"{name}.err"
        kept = {key: value for key, value in os.environ.items() if not key.upper().startswith(("WINUX_", "PROXMOX_"))}
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=directory,
                env=kept | dict(environment or {}),
                preexec_fn=_become_mortal if mortal and os.geteuid() == 0 else None,  # noqa: PLW1509
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._child.poll()

    def signal(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It stands still, with all its threads, and goes on afterwards."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)  # a signal takes a moment to arrive
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def wait(self, *, within: float = PATIENCE) -> int:
        """The exit status, once it has ended."""
        until(lambda: self.status is not None, within=within, what=f"{self.name} ends", show=self.tail)
        return self._child.wait()

    def kill(self) -> None:
        """SIGKILL: as a power cut."""
        with contextlib.suppress(ProcessLookupError):
            self._child.kill()
        self._child.wait()

    def end(self) -> None:
        """End it in any case, a stopped one too."""
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                self._child.send_signal(signal.SIGCONT)
            self.kill()

    def output(self) -> str:
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in (self.out, self.err))

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.output().splitlines()[-lines:])


def _become_mortal() -> None:
    """What root may do is bounded by this set when a program is executed (capabilities(7))."""
    drop, read_and_write, read_and_search = 24, 1, 2
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (read_and_write, read_and_search):
        if libc.prctl(drop, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "root's rights cannot be given up here")

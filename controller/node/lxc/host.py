"""Commands of the host: run to their end, with what they said in the error. Never a secret in their arguments.

A command does not outlive this process: one that is killed must not leave a mount or a copy that is made after it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Collection, Sequence

_MORTAL = ("setpriv", "--pdeathsig", "KILL", "--")
"""The command is killed when the thread that runs it ends; what it leaves in the background, such as LXC, is not."""
_NOT_FOUND = 127


class HostError(Exception):
    """A command of the host failed; the text is what it said, in one line."""


def run(*command: str, text: str | None = None, seconds: float = 60.0, good: Collection[int] = (0,)) -> str:
    """What it printed. ``text`` goes to its standard input, ``seconds`` is how long it may take.

    ``good`` are the exit statuses that mean success.

    Raises:
        HostError: it failed, was not to be found, or took too long.
    """
    try:
        done = subprocess.run(  # noqa: S603  # commands of this package
            (*_MORTAL, *command),
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as missing:
        raise HostError(f"{_MORTAL[0]} is not installed") from missing
    except subprocess.TimeoutExpired as late:
        raise HostError(f"{_name(command)} took longer than {seconds:.0f} s") from late
    if done.returncode == _NOT_FOUND and shutil.which(command[0]) is None:
        raise HostError(f"{command[0]} is not installed")
    if done.returncode not in good:
        said = " ".join((done.stderr or done.stdout).split()) or f"exit status {done.returncode}"
        raise HostError(f"{_name(command)}: {said[:500]}")
    return done.stdout


def succeeds(*command: str, seconds: float = 60.0) -> bool:
    try:
        run(*command, seconds=seconds)
    except HostError:
        return False
    return True


def _name(command: Sequence[str]) -> str:
    return " ".join(command[:3])

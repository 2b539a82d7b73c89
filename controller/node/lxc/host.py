"""Commands of the host: run to their end, with what they said in the error. Never a secret in their arguments."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence


class HostError(Exception):
    """A command of the host failed; the text is what it said, in one line."""


def run(
    *command: str, text: str | None = None, seconds: float = 60.0, environment: Mapping[str, str] | None = None
) -> str:
    """What it printed. ``text`` goes to its standard input, ``seconds`` is how long it may take.

    Raises:
        HostError: it failed, was not to be found, or took too long.
    """
    try:
        done = subprocess.run(  # noqa: S603  # commands of this package
            command, input=text, capture_output=True, text=True, timeout=seconds, check=False, env=environment
        )
    except FileNotFoundError as missing:
        raise HostError(f"{command[0]} is not installed") from missing
    except subprocess.TimeoutExpired as late:
        raise HostError(f"{_name(command)} took longer than {seconds:.0f} s") from late
    if done.returncode != 0:
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

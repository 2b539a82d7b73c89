"""``winux``, the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

__all__ = ["main"]

_SIZE = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point: runs one command and returns its exit status."""
    for name in ("COLUMNS", "LINES"):
        if not _SIZE.fullmatch(os.environ.get(name, "")):
            # As if unset: who reads it takes 0 at its word and prints nothing, or stumbles over what is no number.
            os.environ.pop(name, None)
    from controller.cli.app import run_command_line  # noqa: PLC0415 - importing the package alone stays cheap

    return run_command_line(arguments)

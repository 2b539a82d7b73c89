"""``winux``, the command line."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point: runs one command and returns its exit status."""
    from controller.cli.app import run_command_line  # noqa: PLC0415 - importing the package alone stays cheap

    return run_command_line(arguments)

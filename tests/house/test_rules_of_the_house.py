"""The house keeps its own rules: format, lint, types and layers are held by tools, in the same command as the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

TOOLS = {
    "the code is formatted": ["ruff", "format", "--check", "."],
    "the linter finds nothing": ["ruff", "check", "."],
    "the types hold, strictly": ["mypy"],
    "imports go down the layers only": ["lint-imports"],
}


@pytest.mark.parametrize("command", TOOLS.values(), ids=TOOLS.keys())
def test_a_tool_finds_nothing(command: list[str]) -> None:
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_stay_readable() -> None:
    """A file is one idea; one that outgrows 400 lines has become two."""
    long = {
        str(path.relative_to(ROOT)): lines
        for path in ROOT.glob("controller/**/*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_nothing_sleeps_or_reads_the_clock_but_the_clock() -> None:
    """Time is an argument in the core and an injected Clock elsewhere, or no simulation could be believed."""
    words = ("time.sleep(", "time.time(", "time.monotonic(", "datetime.now(", "datetime.utcnow(")
    offenders = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in ROOT.glob("controller/**/*.py")
        if path.name != "clock.py"
        for word in words
        if word in path.read_text(encoding="utf-8")
    ]
    assert offenders == []

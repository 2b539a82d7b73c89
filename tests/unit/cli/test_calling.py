"""What people are told to type finds the program, wherever it lies."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from controller.cli.calling import as_called, path_line


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the program in it, which was called by its path."""
    directory = tmp_path / "a venv" / "bin"
    directory.mkdir(parents=True)
    (directory / "winux").touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(directory / "winux"), "demo"])
    monkeypatch.setenv("PATH", "/nonexistent")
    return directory


def test_on_the_path_nothing_has_to_be_said_first(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(installed))
    assert (path_line(), as_called()) == (None, "winux")


def test_elsewhere_the_path_is_extended_once(installed: Path) -> None:
    assert path_line() == f"export PATH='{installed}':$PATH"
    assert as_called() == f"'{installed}/winux'"


def test_a_module_is_called_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(sys, "argv", ["/src/controller/cli/__main__.py", "demo"])
    assert as_called() == f"{sys.executable} -m controller.cli"

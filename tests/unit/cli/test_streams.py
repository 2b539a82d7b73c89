"""A full disk is one sentence, a reader that has seen enough none, and an odd size no reason to fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.unit.admin.lab import Lab
from tests.unit.cli.conftest import Winux

Program = Callable[..., subprocess.CompletedProcess[str]]
FULL = Path("/dev/full")
NO_ROOM = "error: cannot write to standard output: no space left on device\n"

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """``winux`` as a process, its standard output at a file."""

    def run(*arguments: str, out: int, err: int = subprocess.PIPE, more: Mapping[str, str] | None = None) -> object:
        environment = {"PATH": os.environ["PATH"], "WINUX_ADMIN__SOCKET": str(tmp_path / "admin.sock"), **(more or {})}
        command = [sys.executable, "-m", "controller.cli", *arguments]
        root = Path(__file__).parents[3]
        return subprocess.run(command, cwd=root, env=environment, stdout=out, stderr=err, text=True, check=False)

    return run  # type: ignore[return-value]


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["get"], ["get", "-o", "json"], ["version"], ["--help"]], ids=" ".join)
def test_an_answer_that_finds_no_room_is_one_sentence(
    lab: Lab, program: Program, arguments: list[str], unbuffered: str
) -> None:
    lab.ready("alice")
    with FULL.open("w") as full:
        ended = program(*arguments, out=full.fileno(), more={"PYTHONUNBUFFERED": unbuffered})
    assert (ended.returncode, ended.stderr) == (74, NO_ROOM)


def test_where_even_the_error_finds_no_room_the_status_tells(program: Program) -> None:
    with FULL.open("w") as full:
        assert program("get", "nonsense", out=full.fileno(), err=full.fileno()).returncode == 74
        assert program("get", "nonsense", out=subprocess.PIPE, err=full.fileno()).returncode == 74


@pytest.mark.parametrize("arguments", [["get"], ["get", "-o", "json"], ["--help"]], ids=" ".join)
def test_a_reader_that_has_seen_enough_is_told_nothing(lab: Lab, program: Program, arguments: list[str]) -> None:
    lab.ready("alice")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = program(*arguments, out=writer)
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.parametrize("size", ["0", "00", "-1", "²", "wide", "99999999999"])
def test_a_size_that_no_terminal_has_counts_as_not_given(lab: Lab, program: Program, size: str) -> None:
    lab.ready("alice")
    ended = program("get", out=subprocess.PIPE, more={"COLUMNS": size, "LINES": size})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [line.split()[0] for line in ended.stdout.splitlines()] == ["NAME", "alice"]


def test_a_size_that_a_terminal_can_have_is_kept(winux: Winux, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "0")
    winux("version")
    assert (os.environ.get("COLUMNS"), os.environ.get("LINES")) == ("40", None)

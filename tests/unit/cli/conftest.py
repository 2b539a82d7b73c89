"""A daemon's admin API on a unix socket, over a world in virtual time, and the command line called in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.admin.app import make_app
from controller.cli import main
from controller.telemetry.httpserver import HttpServer
from controller.telemetry.loglevels import LogLevels
from tests.unit.admin.lab import Lab


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Winux = Callable[..., Said]


@pytest.fixture
def winux(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Winux:
    """``winux(*arguments)`` in an empty directory, with no daemon but the one that is named."""
    home = tmp_path / "here"
    home.mkdir(exist_ok=True)
    monkeypatch.chdir(home)
    monkeypatch.setenv("WINUX_ADMIN__SOCKET", str(tmp_path / "admin.sock"))
    for name in ("WINUX_CONFIG", "FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERMINAL_WIDTH", "100")

    def call(*arguments: str) -> Said:
        capsys.readouterr()
        status = main(arguments)
        captured = capsys.readouterr()
        return Said(status, captured.out, captured.err)

    return call


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A daemon that answers where ``winux`` looks for one."""
    lab = Lab(tmp_path)
    server = HttpServer(
        make_app(lab.service, LogLevels(clock=lab.world.clock)),
        name="the admin API",
        listen=str(tmp_path / "admin.sock"),
    )
    server.start()
    yield lab
    server.stop()

"""``winux log``: what is heard of each part, and hearing more for a while. ``winux run``: which logs it is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from controller.cli.exits import Status
from controller.engine.clock import VirtualClock
from controller.telemetry.loglevels import Component, LogLevels
from tests.unit.admin.lab import Lab
from tests.unit.cli.conftest import Winux


@pytest.fixture(autouse=True)
def _levels_as_before() -> Iterator[None]:
    level = logging.getLogger().level
    yield
    LogLevels(clock=VirtualClock()).apply()
    logging.getLogger().setLevel(level)


@pytest.mark.usefixtures("lab")
def test_it_shows_the_level_of_every_part(winux: Winux) -> None:
    said = winux("log")
    assert said.status == 0
    assert [line.split()[0] for line in said.lines] == ["COMPONENT", *Component]
    assert said.lines[1].split() == ["daemon", "info", "the", "settings", "say", "so"]
    assert len(winux("log", "guest").lines) == 2


@pytest.mark.usefixtures("lab")
def test_a_level_is_ordered_for_a_while_and_reset(winux: Winux) -> None:
    with capture_logs() as logs:
        assert winux("log", "proxmox", "debug", "--for", "10m").out == "proxmox is heard from debug on for 10m\n"
        shown = winux("log", "proxmox").lines[1]
        assert winux("log", "proxmox", "reset").out == "proxmox is heard from info on, as the settings say\n"
        assert winux("log", "proxmox", "debug").out == "proxmox is heard from debug on until a restart\n"
        assert winux("log", "proxmox").lines[1].endswith("until the daemon restarts")
    assert shown.split()[:2] == ["proxmox", "debug"]
    assert " ordered it, until " in shown
    line, *_ = [log for log in logs if log["event"] == "log.level-ordered"]
    assert (line["of"], line["level"], line["span"]) == ("proxmox", "debug", "10m")
    assert line["by"].startswith("uid ")


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nosuch", "debug"), "there is no component 'nosuch'; write one of daemon, reconcile, "),
        (("nosuch",), "there is no component nosuch: `winux log` lists all"),
        (("proxmox", "loud"), "'loud' is not a level; write one of debug, info, warning, error, "),
        (("proxmox", "--for", "10m"), "--for goes with a component and a level, "),
        (("proxmox", "reset", "--for", "10m"), "what the settings say has no end: leave out how long"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(winux: Winux, arguments: tuple[str, ...], sentence: str) -> None:
    said = winux("log", *arguments)
    assert (said.status, said.out) == (1, "")
    assert said.err.replace("\n       ", " ").startswith(f"error: {sentence}")


def test_an_order_works_while_the_ledger_cannot_be_written(winux: Winux, lab: Lab) -> None:
    lab.world.controller.tools.ledger.close()
    assert winux("log", "ledger", "debug").status == 0


@pytest.mark.parametrize("option", ["--log-format", "--log-level"])
def test_run_refuses_what_it_does_not_know(winux: Winux, option: str) -> None:
    said = winux("run", option, "loud")
    assert said.status == Status.USAGE
    assert "'loud' is none of " in said.err

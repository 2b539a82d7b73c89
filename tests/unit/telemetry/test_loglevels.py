"""Each component has a level of its own, from the settings or ordered at runtime; request bodies are never heard."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from controller.engine.clock import VirtualClock
from controller.telemetry.loglevels import SILENT, Component, InForce, LogLevel, LogLevels, component_of
from controller.telemetry.logs import LogFormat, configure

ROOT = Path(__file__).parents[3]


class Heard:
    """A log of JSON lines, and what may be heard in it."""

    def __init__(self, *, level: LogLevel = LogLevel.INFO, components: dict[Component, LogLevel] | None = None) -> None:
        self.clock = VirtualClock()
        self.stream = io.StringIO()
        self.levels = LogLevels(clock=self.clock, level=level, components=components)
        configure(clock=self.clock, log_format=LogFormat.JSON, levels=self.levels, stream=self.stream)

    def say_all(self) -> dict[str, str]:
        """Everybody says something at every level; the lowest that is heard, by component."""
        self.stream.seek(0)
        self.stream.truncate()
        for component in Component:
            log = structlog.get_logger(component.logger or "some.library")
            for level in LogLevel:
                getattr(log, level)("said")
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return {line["component"]: line["level"] for line in reversed(lines)}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    LogLevels(clock=VirtualClock()).apply()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def everybody(level: str, **others: str) -> dict[str, str]:
    return dict.fromkeys(Component, level) | others


@pytest.mark.parametrize("level", LogLevel)
def test_one_level_holds_for_all_but_libraries_which_are_heard_from_warnings_on(level: LogLevel) -> None:
    libraries = "error" if level is LogLevel.ERROR else "warning"
    assert Heard(level=level).say_all() == everybody(level, libraries=libraries)


def test_a_component_has_the_level_that_the_settings_give_it() -> None:
    heard = Heard(components={Component.PROXMOX: LogLevel.DEBUG, Component.LIBRARIES: LogLevel.ERROR})
    assert heard.say_all() == everybody("info", proxmox="debug", libraries="error")


def test_an_order_holds_at_once_and_until_it_is_taken_back() -> None:
    heard = Heard(components={Component.PROXMOX: LogLevel.WARNING})
    heard.levels.order(Component.PROXMOX, LogLevel.DEBUG, by="root")
    assert heard.say_all() == everybody("info", proxmox="debug", libraries="warning")
    heard.levels.order(Component.PROXMOX, None, by="root")
    assert heard.say_all() == everybody("info", proxmox="warning", libraries="warning")


def test_an_order_with_an_end_goes_back_to_the_settings() -> None:
    heard = Heard()
    heard.levels.order(Component.GUEST, LogLevel.DEBUG, by="root", seconds=600)
    heard.clock.advance(599)
    assert heard.levels.expire() == []
    assert heard.say_all()["guest"] == "debug"
    heard.clock.advance(1)
    assert heard.levels.expire() == [InForce(component=Component.GUEST, level=LogLevel.INFO)]
    assert heard.say_all()["guest"] == "info"
    assert heard.levels.expire() == []


def test_an_order_outlasts_a_reload_and_its_end_is_what_the_reload_says() -> None:
    heard = Heard()
    heard.levels.order(Component.GUEST, LogLevel.DEBUG, by="root", seconds=60)
    heard.levels.settle(level=LogLevel.ERROR, components={Component.GUEST: LogLevel.WARNING})
    assert heard.say_all() == everybody("error", guest="debug")
    heard.clock.advance(60)
    heard.levels.expire()
    assert heard.say_all() == everybody("error", guest="warning")


def test_what_is_in_force_says_who_ordered_it_and_until_when_by_the_wall_clock() -> None:
    clock = VirtualClock(start=1_000.0)
    levels = LogLevels(clock=clock)
    levels.order(Component.LEDGER, LogLevel.DEBUG, by="uid 0 (root)", seconds=60)
    clock.skew(3_600)
    assert {one.component for one in levels.in_force()} == set(Component)
    assert [one for one in levels.in_force() if one.by is not None] == [
        InForce(component=Component.LEDGER, level=LogLevel.DEBUG, by="uid 0 (root)", until=1_000.0 + 3_600 + 60)
    ]


@pytest.mark.parametrize("name", [*SILENT, "proxmoxer.core", "sqlalchemy.engine.Engine", "paramiko.transport"])
def test_bodies_and_statements_are_never_heard_whoever_sets_whatever_level(name: str) -> None:
    heard = Heard(level=LogLevel.DEBUG, components=dict.fromkeys(Component, LogLevel.DEBUG))
    heard.levels.order(Component.LIBRARIES, LogLevel.DEBUG, by="root")
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        logger.debug("password=hunter2")
        logger.info("POST {'password': 'hunter2'}")
        logger.warning("the pool is full")
    finally:
        logger.setLevel(before)
    lines = [json.loads(line) for line in heard.stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["the pool is full"]


@pytest.mark.parametrize(
    ("logger", "component"),
    [
        ("winux", "daemon"),
        ("winux.proxmox", "proxmox"),
        ("winux.proxmox.calls", "proxmox"),
        ("winuxes", "libraries"),
        ("urllib3.connectionpool", "libraries"),
        ("", "libraries"),
    ],
)
def test_a_logger_belongs_to_a_component(logger: str, component: str) -> None:
    assert component_of(logger) == component


def test_everything_that_logs_does_so_as_a_component() -> None:
    """A line of a logger with another name could be neither found nor made louder by its component."""
    names = {
        f"{path.relative_to(ROOT)}: {call}"
        for path in (ROOT / "controller").rglob("*.py")
        if path.parent.name != "node" and "node" not in path.relative_to(ROOT).parts
        for call in path.read_text(encoding="utf-8").split("structlog.get_logger(")[1:]
        if call.split(")")[0] not in {f'"{component.logger}"' for component in Component if component.logger}
    }
    assert {name.split("\n")[0] for name in names} == set()

"""Logs are events in JSON or for a terminal, with UTC times and without secrets, whoever speaks."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from controller.engine.clock import VirtualClock
from controller.telemetry import redact
from controller.telemetry.loglevels import LogLevel, LogLevels
from controller.telemetry.logs import LogFormat, configure

SECRET = "0d1c9b1e-9e33-4c1e-9d0a-5c1f3f6c2a11"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    redact.register(SECRET)
    yield
    redact.forget(SECRET)
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def start(
    stream: io.StringIO, *, log_format: LogFormat = LogFormat.JSON, level: LogLevel = LogLevel.INFO
) -> structlog.stdlib.BoundLogger:
    clock = VirtualClock(start=1_800_000_000.25)
    configure(clock=clock, log_format=log_format, levels=LogLevels(clock=clock, level=level), stream=stream)
    logger: structlog.stdlib.BoundLogger = structlog.get_logger("winux.test")
    return logger


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_its_keys_and_a_utc_time(stream: io.StringIO) -> None:
    start(stream).bind(session="alice").info("session.ready", vmid=30001, seconds=2.5)
    assert lines(stream) == [
        {
            "component": "test",
            "event": "session.ready",
            "level": "info",
            "seconds": 2.5,
            "session": "alice",
            "timestamp": "2027-01-15T08:00:00.250Z",
            "vmid": 30001,
        }
    ]


def test_libraries_speak_the_same_way(stream: io.StringIO) -> None:
    start(stream)
    logging.getLogger("some.library").warning("disk %s is full", "sda", extra={"node": "pve1"})
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("disk sda is full", "warning", "some.library")
    assert (line["node"], line["timestamp"]) == ("pve1", "2027-01-15T08:00:00.250Z")


def test_what_is_bound_to_the_context_is_in_every_line_also_in_those_of_libraries(stream: io.StringIO) -> None:
    log = start(stream)
    with structlog.contextvars.bound_contextvars(session="alice", reconcile=7):
        log.info("ours")
        logging.getLogger("some.library").warning("theirs")
    log.info("afterwards")
    said = [(line["event"], line["component"], line.get("session"), line.get("reconcile")) for line in lines(stream)]
    assert said == [
        ("ours", "test", "alice", 7),
        ("theirs", "libraries", "alice", 7),
        ("afterwards", "test", None, None),
    ]


def say_it_in_every_way(log: structlog.stdlib.BoundLogger) -> None:
    log.info(f"in the event: {SECRET}", field=SECRET, nested={"deep": [f"x{SECRET}"]})
    log.info("by name", password="hunter2", headers={"Authorization": "PVEAPIToken=x=hunter2"})
    logging.getLogger("library").warning("as argument %s", SECRET, extra={"apiToken": "hunter2"})
    try:
        raise RuntimeError(f"in an exception: {SECRET}")
    except RuntimeError:
        log.exception("failed")
        logging.getLogger("library").exception("failed too")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"in a warning: {SECRET}", stacklevel=1)


@pytest.mark.parametrize("log_format", [LogFormat.JSON, LogFormat.CONSOLE])
def test_no_secret_gets_through_in_any_way(stream: io.StringIO, log_format: LogFormat) -> None:
    say_it_in_every_way(start(stream, log_format=log_format))
    text = stream.getvalue()
    assert text.count(redact.HIDDEN) >= 9
    assert SECRET not in text
    assert "hunter2" not in text
    assert "in an exception" in text


def test_the_console_shows_lines_for_people(stream: io.StringIO) -> None:
    start(stream, log_format=LogFormat.CONSOLE).info("session.ready", session="alice")
    assert "session.ready" in stream.getvalue()
    assert "session=alice" in stream.getvalue()
    assert "[test]" in stream.getvalue()
    assert "\x1b" not in stream.getvalue(), "colours are for terminals"


@pytest.mark.parametrize(("stream_kind", "begins"), [(io.StringIO, "{"), (Terminal, "\x1b")])
def test_auto_means_colours_on_a_terminal_and_json_elsewhere(stream_kind: type[io.StringIO], begins: str) -> None:
    stream = stream_kind()
    start(stream, log_format=LogFormat.AUTO).info("hello")
    assert stream.getvalue().startswith(begins)


def test_configuring_again_replaces_the_first_set_up(stream: io.StringIO) -> None:
    start(io.StringIO())
    start(stream).info("once")
    assert len(lines(stream)) == 1

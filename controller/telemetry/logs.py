"""The set-up of structlog: JSON lines for machines, coloured lines for a terminal, and never a secret in either.

The standard library's logging, in which dependencies speak, goes the same way. Every line has the ``component`` that
speaks and what is bound to the context, as the session of a pass. Which lines are heard is in ``loglevels``.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor

from controller.engine.clock import Clock
from controller.telemetry import redact
from controller.telemetry.loglevels import Component, LogLevels, NoBodies, component_of


class LogFormat(StrEnum):
    """``auto`` is ``console`` on a terminal and ``json`` elsewhere."""

    JSON = "json"
    CONSOLE = "console"
    AUTO = "auto"


def configure(*, clock: Clock, log_format: LogFormat, levels: LogLevels, stream: TextIO | None = None) -> None:
    """Send all logs of the process to ``stream`` (standard error). Calling it again replaces what was set up."""
    target = sys.stderr if stream is None else stream
    timestamp = _timestamper(clock)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_component,
        structlog.stdlib.add_log_level,
        timestamp,
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Exceptions become text before secrets are looked for: their messages may hold some.
            structlog.processors.format_exc_info,
            hide_secrets,
            *_renderers(log_format, target),
        ],
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    handler.addFilter(NoBodies())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.captureWarnings(True)
    levels.apply()


def hide_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: secret-looking fields lose their values, registered secrets vanish from all texts."""
    return redact.clean_fields(dict(event))


def _renderers(log_format: LogFormat, stream: TextIO) -> list[Processor]:
    terminal = stream.isatty()
    if log_format is LogFormat.CONSOLE or (log_format is LogFormat.AUTO and terminal):
        lines = structlog.dev.ConsoleRenderer(colors=terminal, exception_formatter=structlog.dev.plain_traceback)
        return [_component_in_brackets, lines]
    return [structlog.processors.JSONRenderer(ensure_ascii=False)]


def _add_component(logger: object, _method: str, event: EventDict) -> EventDict:
    """Which part of the program speaks; of a library also its logger's name."""
    speaker = event.get("_record", logger)
    name = str(getattr(speaker, "name", ""))
    event["component"] = str(component_of(name))
    if event["component"] == Component.LIBRARIES:
        event["logger"] = name
    return event


def _component_in_brackets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Where the console's lines have the logger's name."""
    event.setdefault("logger", event.pop("component", None))
    return event


def _timestamper(clock: Clock) -> Processor:
    def add_timestamp(_logger: object, _method: str, event: EventDict) -> EventDict:
        moment = datetime.fromtimestamp(clock.now(), tz=UTC)
        event["timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return event

    return add_timestamp

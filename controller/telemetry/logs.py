"""The set-up of structlog: JSON lines for machines, coloured lines for a terminal, and never a secret in either.

The standard library's logging, in which dependencies speak, goes the same way. What is logged is others' business.
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


class LogFormat(StrEnum):
    """``auto`` is ``console`` on a terminal and ``json`` elsewhere."""

    JSON = "json"
    CONSOLE = "console"
    AUTO = "auto"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def number(self) -> int:
        """As the standard library counts."""
        return logging.getLevelNamesMapping()[self.name]


_CHATTY = (
    "asyncio",
    "httpcore",
    "httpx",
    "proxmoxer",
    "proxmoxer.backends.https",
    "proxmoxer.core",
    "requests",
    "sqlalchemy",
    "urllib3",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.error",
    "watchdog",
)
"""Kept at WARNING or above: proxmoxer logs whole request bodies, passwords included, at INFO."""


def configure(*, clock: Clock, log_format: LogFormat, level: LogLevel, stream: TextIO | None = None) -> None:
    """Send all logs of the process to ``stream`` (standard error). Calling it again replaces what was set up."""
    target = sys.stderr if stream is None else stream
    timestamp = _timestamper(clock)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
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
            _renderer(log_format, target),
        ],
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.captureWarnings(True)
    set_level(level)


def set_level(level: LogLevel) -> None:
    """Change the level at once; chatty libraries stay at WARNING at least."""
    logging.getLogger().setLevel(level.number)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level.number, logging.WARNING))


def hide_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: secret-looking fields lose their values, registered secrets vanish from all texts."""
    return redact.clean_fields(dict(event))


def _renderer(log_format: LogFormat, stream: TextIO) -> Processor:
    terminal = stream.isatty()
    if log_format is LogFormat.CONSOLE or (log_format is LogFormat.AUTO and terminal):
        return structlog.dev.ConsoleRenderer(colors=terminal, exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def _timestamper(clock: Clock) -> Processor:
    def add_timestamp(_logger: object, _method: str, event: EventDict) -> EventDict:
        moment = datetime.fromtimestamp(clock.now(), tz=UTC)
        event["timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return event

    return add_timestamp

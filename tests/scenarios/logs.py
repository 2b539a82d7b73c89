"""What the controllers log while a story is played: kept instead of shown, to be searched."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog


@dataclass
class Log:
    """Every log event as text."""

    lines: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    """Errors: a controller made a mistake that it had to catch itself."""

    def take(self, _logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line = f"{event}"
        self.lines.append(line)
        if method in {"error", "exception", "critical"}:
            self.mistakes.append(line)
        raise structlog.DropEvent


@contextmanager
def recorded() -> Iterator[Log]:
    """Everything that is logged meanwhile."""
    log, before = Log(), structlog.get_config()
    structlog.configure(processors=[structlog.processors.format_exc_info, log.take])
    try:
        yield log
    finally:
        structlog.configure(**before)

"""Where a manifest stands, and what is wrong with one: the words in which every mistake reaches a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a manifest stands. ``file`` is relative to the watched directory; ``line`` counts from 1."""

    file: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a manifest. ``str()`` is one sentence: where, what, what is allowed, what to do."""

    file: str
    message: str
    line: int | None = None
    column: int | None = None
    field: str | None = None
    session: str | None = None
    """The name of the session concerned, where it could be read."""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"

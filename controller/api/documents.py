"""Cuts a YAML stream into its documents, by the markers ``---`` and ``...`` at the start of a line.

YAML allows those markers nowhere else, not even inside block scalars or quotes, so that one document's mistake cannot
hide the next. What a document says is not read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_DOCUMENTS = 10_000

_MARKER = re.compile(r"(?:(?<=\n)|(?<=\r)|\A)(---|\.\.\.)(?=[ \t\r\n]|\Z)[^\r\n]*(?:\r\n|\n|\r|\Z)")
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a file; cutting ``[start:end]`` out of the file's text leaves the others as they were."""

    start: int
    end: int
    line: int
    """The line of the file, from 1, on which ``text`` starts."""
    text: str
    """What YAML reads: with the ``---`` line, without the ``...`` line."""

    @property
    def blank(self) -> bool:
        """Whether there is nothing but a marker, comments and white space."""
        body = self.text.removeprefix("---")
        return all(not line.strip() or line.lstrip().startswith("#") for line in _LINE_END.split(body))


def split(text: str) -> tuple[Document, ...]:
    """All documents in order, blank ones included."""
    documents = []
    start, line = 0, 1

    def close(stop: int, end: int, following: int) -> None:
        nonlocal start, line
        if stop > start:
            documents.append(Document(start=start, end=end, line=line, text=text[start:stop]))
        line += len(_LINE_END.findall(text, start, following))
        start = following

    for marker in _MARKER.finditer(text):
        if marker.group(1) == "---":
            close(marker.start(), marker.start(), marker.start())
        else:
            # Left standing, the marker goes on separating the neighbours; at the start there is none to separate.
            close(marker.start(), marker.end() if start == 0 else marker.start(), marker.end())
    close(len(text), len(text), len(text))
    return tuple(documents)

"""The runbook of the alerts as a dashboard, so that it can be read where the alert is seen: a row for each alert."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.grafana.source.boards import Board, Section
from deploy.grafana.source.names import RUNBOOK_UID
from deploy.grafana.source.panels import prose

FILE = Path(__file__).resolve().parents[2] / "prometheus" / "RUNBOOK.md"
SEVERITIES = ("critical", "warning", "info")
COLUMNS = 150
"""About as many characters fit beside each other."""


_HEADING = re.compile(r"^#+ .*\n?", re.MULTILINE)
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")
"""Links lead to other sections and files: here, rows and a checkout have the same names."""


def _sections() -> list[Section]:
    first, *chapters = re.split(r"^## ", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [_section("How to use this", first), *(_section(*chapter.split("\n", 1)) for chapter in chapters)]


def _section(title: str, text: str) -> Section:
    plain = _LINK.sub(r"\1", _HEADING.sub("", text)).strip()
    lines = sum(1 + len(line) // COLUMNS for line in plain.splitlines())
    severity = plain.split(" · ", 1)[0]
    row = f"{title} ({severity})" if severity in SEVERITIES else ""
    # A unit of the grid is 30 pixels high, a line of text 20; lines of a paragraph are joined.
    return Section(title=row, folded=bool(row), panels=[prose(title, plain, size=(24, 3 + lines // 2))])


RUNBOOK = Board(
    uid=RUNBOOK_UID,
    title="Winux: runbook",
    description="What to do about each alert: `deploy/prometheus/RUNBOOK.md`, to be read where the alert is seen.",
    variables=(),
    sections=_sections(),
)

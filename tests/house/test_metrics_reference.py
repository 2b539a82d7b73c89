"""The reference of metrics that people read is the one that the code makes."""

from __future__ import annotations

import re
from pathlib import Path

from controller.telemetry.families import FAMILIES
from controller.telemetry.reference import COMMAND, reference

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "deploy" / "prometheus" / "METRICS.md"


def test_the_page_is_what_the_code_declares() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), f"make it anew: {COMMAND}"


def test_every_metric_has_one_line_of_four_cells() -> None:
    rows = re.findall(r"^\| `(winux_[a-z_]+)` \|(.*)\|$", reference(), re.MULTILINE)
    assert [name for name, _ in rows] == [family.name for family in FAMILIES]
    assert all(rest.count("|") == 2 for _, rest in rows)


def test_every_link_in_it_leads_somewhere() -> None:
    headings = {
        line.removeprefix("## ").lower().replace(" ", "-") for line in reference().splitlines() if "## " in line
    }
    assert set(re.findall(r"\]\(#([a-z-]+)\)", reference())) <= headings

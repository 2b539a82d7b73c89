"""Draw the dashboards with what a Prometheus knows now, one picture each, to see whether they show what they should.

``python -m tests.dashboards --url http://127.0.0.1:9090 --minutes 10 --into DIRECTORY``; needs matplotlib (``.[dev]``).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from matplotlib.figure import Figure

from tests.dashboards.ask import Asked
from tests.dashboards.draw import Box, Page
from tests.dashboards.looks import THEMES
from tests.dashboards.written import Dashboard, Panel, dashboards

COLUMN, UNIT, GAP = 0.6, 0.36, 0.07
"""Inches: a column of the grid, a unit of its height, and what is left between panels."""
MARGIN, HEAD = 0.15, 0.5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.dashboards", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:9090", help="of a Prometheus")
    parser.add_argument("--minutes", type=int, default=180, help="how much of the past is shown")
    parser.add_argument("--ago", type=int, default=0, help="how many seconds before now that time ended")
    parser.add_argument("--scrapes", type=int, default=15, help="seconds between two scrapes")
    parser.add_argument("--theme", choices=THEMES, default="light")
    parser.add_argument("--into", type=Path, default=Path(), help="directory of the pictures")
    parser.add_argument("--unfold", action="store_true", help="show the folded rows too")
    parser.add_argument("names", nargs="*", help="dashboards, such as winux-overview; all without")
    given = parser.parse_args()
    seconds = given.minutes * 60
    given.into.mkdir(parents=True, exist_ok=True)
    asked = Asked(given.url, time.time() - given.ago, seconds, max(seconds // 240, given.scrapes), 4 * given.scrapes)
    for dashboard in dashboards():
        if dashboard.file.stem in given.names or not given.names:
            file = given.into / f"{dashboard.file.stem}-{given.theme}.png"
            draw(dashboard, asked, theme=given.theme, unfold=given.unfold).savefig(file, dpi=100)
            print(file)


def draw(dashboard: Dashboard, asked: Asked, *, theme: str, unfold: bool) -> Figure:
    placed, units = lay_out(dashboard, unfold=unfold)
    height = units * UNIT + HEAD + MARGIN
    figure = Figure(figsize=(24 * COLUMN + 2 * MARGIN, height), facecolor=THEMES[theme].page)
    page = Page(figure, THEMES[theme], (asked.end - asked.seconds, asked.end), asked.marks(dashboard))
    figure.text(MARGIN / figure.get_figwidth(), 1 - 0.25 / height, dashboard.title, fontsize=14, va="center",
                fontweight="bold", color=page.theme.text)  # fmt: skip
    for item, (x, y, w, h) in placed:
        left, bottom = MARGIN + x * COLUMN, height - HEAD - (y + h) * UNIT
        box = Box(left, bottom, w * COLUMN - GAP, h * UNIT - GAP)
        if isinstance(item, Panel):
            page.panel(item, box, asked.panel(item))
        else:
            page.row(item.removeprefix("-"), box, folded=item.startswith("-"))
    return figure


def lay_out(dashboard: Dashboard, *, unfold: bool) -> tuple[list[tuple[Panel | str, tuple[int, int, int, int]]], int]:
    """Panels and titles of rows with their places, and how many units high all is. A folded row begins with ``-``."""
    placed: list[tuple[Panel | str, tuple[int, int, int, int]]] = []
    shift = 0
    for raw in dashboard.raw["panels"]:
        x, y, w, h = Panel(raw, "", folded=False).box
        if raw["type"] != "row":
            placed.append((Panel(raw, "", folded=False), (x, y + shift, w, h)))
            continue
        inside = [Panel(one, raw["title"], folded=True) for one in raw["panels"]]
        placed.append((f"{'-' if inside and not unfold else ''}{raw['title']}", (x, y + shift, w, h)))
        if inside and unfold:
            placed += [(one, (one.box[0], one.box[1] + shift, *one.box[2:])) for one in inside]
            shift += max(one.box[1] + one.box[3] for one in inside) - y - h
    return placed, max(y + h for _, (_, y, _, h) in placed)


if __name__ == "__main__":
    main()

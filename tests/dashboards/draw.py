"""Panels of a dashboard, drawn into a figure. A preview for people; Grafana draws them itself, and better."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tests.dashboards.ask import Series
from tests.dashboards.looks import CLASSIC, Theme, step_colour, worded, written
from tests.dashboards.written import Panel

SMALL, NORMAL = 7.5, 8.5
SHADES = ("", "light-", "dark-", "super-light-")
LINE = 0.155
"""Height of a line of small text in inches."""


@dataclass(frozen=True)
class Box:
    """Part of the page in inches, from its lower left corner."""

    x: float
    y: float
    w: float
    h: float


@dataclass
class Page:
    figure: Figure
    theme: Theme
    times: tuple[float, float]
    marks: Sequence[tuple[str, Sequence[float]]]

    def axes(self, box: Box) -> Axes:
        width, height = self.figure.get_size_inches()
        axes = self.figure.add_axes((box.x / width, box.y / height, box.w / width, box.h / height))
        axes.set_facecolor("none")
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes

    def bare(self, box: Box) -> Axes:
        """In inches, with nothing around it."""
        axes = self.axes(box)
        axes.set_xlim(0, box.w)
        axes.set_ylim(0, box.h)
        axes.set_xticks([])
        axes.set_yticks([])
        return axes

    def panel(self, panel: Panel, box: Box, series: Sequence[Series]) -> None:
        frame = self.bare(box)
        frame.add_patch(
            Rectangle((0, 0), box.w, box.h, facecolor=self.theme.panel, edgecolor=self.theme.edge, linewidth=1)
        )
        frame.text(0.1, box.h - 0.14, panel.title, color=self.theme.text, fontsize=9, fontweight="bold", va="center")
        inside = Box(box.x + 0.08, box.y + 0.06, box.w - 0.16, box.h - 0.34)
        if series or panel.kind == "text":
            DRAWERS[panel.kind](self, panel, inside, series)
        else:
            said = panel.defaults.get("noValue") or "no data"
            frame.text(box.w / 2, box.h / 2 - 0.1, said, color=self.theme.faint, fontsize=10, ha="center", va="center")

    def row(self, title: str, box: Box, *, folded: bool) -> None:
        mark = "▸" if folded else "▾"
        self.bare(box).text(0.02, box.h / 2, f"{mark} {title}", color=self.theme.text, fontsize=10.5, va="center")


def _stat(page: Page, panel: Panel, box: Box, series: Sequence[Series]) -> None:
    mode, wide = panel.raw["options"]["textMode"], box.w > 2.4
    named, both = mode == "name", mode == "value_and_name" or (mode == "auto" and len(series) > 1)
    count = len(series)
    for at, one in enumerate(series):
        part = (
            Box(box.x + at * box.w / count, box.y, box.w / count - 0.03, box.h)
            if wide
            else Box(box.x, box.y + (count - 1 - at) * box.h / count, box.w, box.h / count - 0.03)
        )
        text, colour = worded(one.last, panel.defaults)
        colour = colour or step_colour(one.last, panel.defaults["thresholds"]["steps"])
        axes = page.bare(part)
        axes.add_patch(Rectangle((0, 0), part.w, part.h, facecolor=page.theme.colour(colour), linewidth=0))
        if panel.raw["options"]["graphMode"] == "area" and len(one.values) > 1:
            xs = np.linspace(0, part.w, len(one.values))
            axes.fill_between(
                xs, np.array(one.values) / (max(one.values) or 1) * part.h * 0.35, color="#FFFFFF40", lw=0
            )
        text = one.name if named else text
        size = min(26.0, part.h * 34, part.w * 95 / max(len(text), 4))
        ink = "#1F1F1F" if sum(_rgb(page.theme.colour(colour))) > 400 else "#FFFFFF"
        middle = part.h * (0.58 if both else 0.5)
        axes.text(part.w / 2, middle, text, color=ink, fontsize=size, fontweight="bold", ha="center", va="center")
        if both:
            axes.text(part.w / 2, part.h * 0.16, one.name, color=ink, fontsize=SMALL, ha="center", va="center")


def _timeseries(page: Page, panel: Panel, box: Box, series: Sequence[Series]) -> None:
    custom = panel.defaults["custom"]
    shown = series[:14]
    lines = -(-len(shown) // _columns(box))
    legend_height = min(lines, 5) * LINE + 0.05
    axes = page.axes(Box(box.x + 0.5, box.y + legend_height + 0.2, box.w - 0.58, box.h - legend_height - 0.25))
    shades = panel.defaults["color"]["mode"] == "shades"
    palette = (
        [f"{shade}{panel.defaults['color']['fixedColor']}" for shade in SHADES[2:] + SHADES[:2]] if shades else CLASSIC
    )
    colours = [_own_colour(panel, one.name) or palette[at % len(palette)] for at, one in enumerate(series)]
    inks = [page.theme.colour(colour) for colour in colours]
    if custom.get("stacking", {}).get("mode") == "normal":
        _stacked(axes, series, inks, bars=custom["drawStyle"] == "bars")
    else:
        for one, ink in zip(series, inks, strict=True):
            marker = "." if custom["showPoints"] == "auto" else ""
            axes.plot(one.times, one.values, color=ink, linewidth=1.5, marker=marker, markersize=3)
            axes.fill_between(one.times, one.values, color=ink, alpha=0.07, linewidth=0)
    top = axes.get_ylim()[1]
    for step in panel.defaults["thresholds"]["steps"][1:] if custom.get("thresholdsStyle") else ():
        if step["value"] < top * 1.6:
            axes.axhline(step["value"], color=page.theme.colour(step["color"]), linewidth=1, linestyle=(0, (4, 3)))
    axes.set_ylim(bottom=0, top=axes.get_ylim()[1] if any(max(one.values) > 0 for one in series) else 1)
    _scales(page, axes, panel)
    _legend(page, panel, Box(box.x, box.y, box.w, legend_height), shown, inks)


def _stacked(axes: Axes, series: Sequence[Series], inks: Sequence[str], *, bars: bool) -> None:
    times = sorted({at for one in series for at in one.times})
    bottom = np.zeros(len(times))
    step = min((b - a for a, b in itertools.pairwise(times)), default=1.0)
    for one, ink in zip(series, inks, strict=True):
        known = dict(zip(one.times, one.values, strict=True))
        heights = np.array([known.get(at, 0.0) for at in times])
        if bars:
            axes.bar(times, heights, width=step * 0.9, bottom=bottom, color=ink, linewidth=0)
        else:
            axes.fill_between(times, bottom, bottom + heights, color=ink, alpha=0.75, linewidth=0, step="post")
        bottom += heights


def _legend(page: Page, panel: Panel, box: Box, series: Sequence[Series], inks: Sequence[str]) -> None:
    columns = _columns(box)
    axes = page.bare(box)
    unit, decimals = panel.defaults.get("unit", "short"), panel.defaults.get("decimals")
    lines = -(-len(series) // columns)
    for at, (one, ink) in enumerate(zip(series, inks, strict=False)):
        column, line = divmod(at, lines)
        if line >= 5:
            continue
        left, width = column * box.w / columns, box.w / columns
        y = box.h - (line + 0.5) * LINE
        axes.plot([left + 0.05, left + 0.2], [y, y], color=ink, linewidth=2.5)
        axes.text(left + 0.27, y, one.name[:28], color=page.theme.text, fontsize=SMALL, va="center")
        numbers = "   max ".join(written(value, unit, decimals) for value in (one.last, max(one.values)))
        axes.text(left + width - 0.12, y, numbers, color=page.theme.faint, fontsize=SMALL, va="center", ha="right")


def _columns(box: Box) -> int:
    return 1 if box.w < 5.5 else 2


def _states(page: Page, panel: Panel, box: Box, series: Sequence[Series]) -> None:
    left = 0.1 + 0.075 * max(len(one.name) for one in series)
    axes = page.axes(Box(box.x + left, box.y + 0.2, box.w - left - 0.08, box.h - 0.22))
    for line, one in enumerate(reversed(series)):
        begin = 0
        for at in range(1, len(one.values) + 1):
            if at == len(one.values) or one.values[at] != one.values[begin]:
                word, colour = worded(one.values[begin], panel.defaults)
                end = one.times[min(at, len(one.times) - 1)]
                span = (one.times[begin], max(end - one.times[begin], 1.0))
                axes.broken_barh([span], (line - 0.38, 0.76), facecolors=page.theme.colour(colour or "blue"))
                if span[1] > (one.times[-1] - one.times[0]) * 0.14:
                    middle = span[0] + span[1] / 2
                    axes.text(middle, line, word, fontsize=6.5, color="#1F1F1F", ha="center", va="center")
                begin = at
    _scales(page, axes, panel)
    axes.set_yticks(range(len(series)), [one.name for one in reversed(series)])
    axes.grid(visible=False)


def _heatmap(page: Page, panel: Panel, box: Box, series: Sequence[Series]) -> None:
    ordered = sorted(series, key=lambda one: float(one.labels["le"]))
    times = sorted({at for one in ordered for at in one.times})
    known = [dict(zip(one.times, one.values, strict=True)) for one in ordered]
    cumulated = np.array([[row.get(at, 0.0) for at in times] for row in known])
    cells = np.diff(cumulated, axis=0, prepend=0).clip(min=0)
    axes = page.axes(Box(box.x + 0.5, box.y + 0.2, box.w - 0.58, box.h - 0.25))
    shades = "Blues" if page.theme.name == "light" else "Blues_r"
    axes.pcolormesh(times, range(len(ordered)), np.ma.masked_equal(np.sqrt(cells.round(3)), 0), cmap=shades)
    _scales(page, axes, panel)
    axes.set_yticks(range(len(ordered)), [f"{one.labels['le'].removesuffix('.0')} s" for one in ordered], fontsize=6.5)
    axes.grid(visible=False)


def _bars(page: Page, panel: Panel, box: Box, series: Sequence[Series]) -> None:
    axes = page.bare(box)
    height = min(box.h / len(series), 0.75)
    for at, one in enumerate(series):
        top = box.h - at * height
        ink = page.theme.colour(step_colour(one.last, panel.defaults["thresholds"]["steps"]))
        axes.text(0.05, top - 0.13, one.name, color=page.theme.text, fontsize=SMALL, va="center")
        axes.add_patch(Rectangle((0.05, top - height + 0.1), box.w - 0.7, height - 0.34, facecolor=page.theme.grid))
        share = min(max(one.last, 0.0), 1.0)
        axes.add_patch(Rectangle((0.05, top - height + 0.1), (box.w - 0.7) * share, height - 0.34, facecolor=ink))
        text = written(one.last, "percentunit", panel.defaults.get("decimals"))
        axes.text(box.w - 0.05, top - height / 2 - 0.07, text, color=ink, fontsize=11, ha="right", va="center")


def _table(page: Page, panel: Panel, box: Box, series: Sequence[Series]) -> None:
    axes = page.bare(box)
    columns = [target.legend for target in panel.targets]
    by_letter = {target.letter: target.legend for target in panel.targets}
    lines: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for one in series:
        lines[tuple(one.labels.values())][by_letter[one.letter]] = one.last
    keys = list(next(iter(series)).labels)
    names = [*keys, *columns]
    for column, name in enumerate(names):
        x = 0.05 + column * box.w / len(names)
        axes.text(x, box.h - 0.12, name, color=page.theme.colour("semi-dark-blue"), fontsize=NORMAL, va="center")
        for line, (key, values) in enumerate(sorted(lines.items())):
            own = panel.overrides.get(name, {})
            unit, decimals = own.get("unit", "short"), own.get("decimals", 0)
            text = key[column] if column < len(keys) else written(values.get(name, 0.0), unit, decimals)
            y = box.h - 0.4 - line * 0.25
            if y > 0:
                axes.text(x, y, text[:22], color=page.theme.text, fontsize=NORMAL, va="center")


def _scales(page: Page, axes: Axes, panel: Panel) -> None:
    unit = panel.defaults.get("unit", "short")
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value, unit)))
    width = axes.get_position().width * page.figure.get_figwidth()
    axes.xaxis.set_major_locator(MaxNLocator(max(int(width / 0.9), 2), prune="upper"))
    axes.set_xlim(page.times)
    for colour, times in page.marks:
        axes.vlines(times, *axes.get_ylim(), color=page.theme.colour(colour), linewidth=0.8, alpha=0.35)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{datetime.fromtimestamp(at).astimezone():%H:%M:%S}"))
    axes.tick_params(colors=page.theme.faint, labelsize=7, length=0)
    axes.grid(visible=True, color=page.theme.grid, linewidth=0.7)
    axes.set_axisbelow(True)


def _own_colour(panel: Panel, name: str) -> str | None:
    found = panel.overrides.get(name, {}).get("color")
    return None if found is None else str(found["fixedColor"])


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5)) if colour.startswith("#") else (0, 0, 0)


def _text(page: Page, panel: Panel, box: Box, _: Sequence[Series]) -> None:
    content = panel.raw["options"]["content"]
    page.bare(box).text(0.1, box.h - 0.05, content, color=page.theme.text, fontsize=SMALL, va="top")


DRAWERS: dict[str, Callable[[Page, Panel, Box, Sequence[Series]], None]] = {
    "stat": _stat,
    "timeseries": _timeseries,
    "state-timeline": _states,
    "heatmap": _heatmap,
    "bargauge": _bars,
    "table": _table,
    "text": _text,
}

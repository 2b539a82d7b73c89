"""The kinds of panels, each in one look. A panel has to say what it shows and when to worry; colours have names.

Grafana's named colours are made for its light and its dark theme. What a colour tells is written as well.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import text as text_panel
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
GOOD, ODD, BAD, PLAIN = "green", "orange", "red", "blue"

Steps = Sequence[tuple[float, str]]
"""From a value on, a colour; below the first one it is that of the panel."""
NAME, BOTH = looks.BigValueTextMode.NAME, looks.BigValueTextMode.VALUE_AND_NAME
Words = Mapping[float, tuple[str, str]]
"""The word and the colour that stand for a value."""
Panel = TypeVar("Panel", stat.Panel, timeseries.Panel, table.Panel, statetimeline.Panel, heatmap.Panel, bargauge.Panel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What people read who hover over a panel's title."""

    shows: str
    worry: str

    def __str__(self) -> str:
        return f"{self.shows}\n\n**Worry when** {self.worry}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    title: str
    url: str

    def built(self) -> build.DashboardLink:
        return build.DashboardLink(self.title).type(model.DashboardLinkType.LINK).url(self.url)


def number(
    title: str,
    meaning: Meaning,
    *queries: Query,
    unit: str = "short",
    steps: Steps = (),
    words: Words | None = None,
    low: str = GOOD,
    shown: looks.BigValueTextMode = looks.BigValueTextMode.AUTO,
    trend: bool = True,
    decimals: int | None = None,
    empty: str = "no data",
    link: Link | None = None,
    size: tuple[int, int] = (3, 4),
) -> stat.Panel:
    """A big number, or a name if that is ``shown``; its background is the threshold's colour."""
    panel = _common(stat.Panel(), title, meaning, size, queries, instant=not trend)
    panel = panel.unit(unit).thresholds(_thresholds(steps, low)).mappings(_mappings(words or {}))
    panel = panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    panel = panel.color_mode(looks.BigValueColorMode.BACKGROUND_SOLID).no_value(empty)
    panel = panel.graph_mode(looks.BigValueGraphMode.AREA if trend else looks.BigValueGraphMode.NONE)
    panel = panel.text_mode(shown).reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    if decimals is not None:
        panel = panel.decimals(decimals)
    return panel if link is None else panel.data_links([link.built()])


def series(
    title: str,
    meaning: Meaning,
    *queries: Query,
    unit: str = "short",
    steps: Steps = (),
    colours: Mapping[str, str] | None = None,
    shades: str = "",
    stacked: bool = False,
    bars: bool = False,
    seldom: bool = False,
    link: Link | None = None,
    size: tuple[int, int] = (12, 8),
) -> timeseries.Panel:
    """Lines over time. ``seldom``: of what happens now and then; then the points are joined over the gaps.

    ``shades`` of one colour are for what is all of a kind, such as failures.
    """
    panel = _common(timeseries.Panel(), title, meaning, size, queries, interval="2m" if seldom or bars else "")
    panel = panel.unit(unit).min(0).line_width(2).fill_opacity(70 if bars else 40 if stacked else 8)
    panel = panel.draw_style(looks.GraphDrawStyle.BARS if bars else looks.GraphDrawStyle.LINE)
    panel = panel.show_points(looks.VisibilityMode.AUTO if seldom else looks.VisibilityMode.NEVER).span_nulls(seldom)
    palette = build.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC)
    alike = build.FieldColor().mode(model.FieldColorModeId.SHADES).fixed_color(shades)
    panel = panel.color_scheme(alike if shades else palette)
    panel = panel.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(looks.LegendDisplayMode.TABLE)
        .placement(looks.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
    )
    panel = panel.tooltip(
        common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING)
    )
    if bars:
        panel = panel.decimals(0)
    if stacked or bars:
        panel = panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL).group("A"))
    if steps:
        style = common.GraphThresholdsStyleConfig().mode(looks.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds(_thresholds(steps, "transparent")).thresholds_style(style)
    for name, colour in (colours or {}).items():
        fixed = model.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})
        panel = panel.override_by_name(name, [fixed])
    return panel if link is None else panel.data_links([link.built()])


def states(
    title: str, meaning: Meaning, *queries: Query, words: Words, size: tuple[int, int] = (12, 6)
) -> statetimeline.Panel:
    """What was the case when: a bar for each series, with a word for each value."""
    panel = _common(statetimeline.Panel(), title, meaning, size, queries)
    panel = panel.unit("none").mappings(_mappings(words)).merge_values(True).show_value(looks.VisibilityMode.AUTO)
    panel = panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    panel = panel.thresholds(_thresholds((), PLAIN)).fill_opacity(80).row_height(0.8)
    return panel.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(looks.LegendDisplayMode.LIST)
        .placement(looks.LegendPlacement.BOTTOM)
        .calcs([])
    )


def spread(title: str, meaning: Meaning, query: Query, *, unit: str, size: tuple[int, int] = (12, 8)) -> heatmap.Panel:
    """A histogram over time: the darker a cell, the more of it."""
    panel = _common(heatmap.Panel(), title, meaning, size, (query,), form=PromQueryFormat.HEATMAP, interval="2m")
    return (
        panel.unit("short")
        .calculate(False)
        .exemplars_color("purple")
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(64).exponent(0.5))
    )


def levels(
    title: str,
    meaning: Meaning,
    *queries: Query,
    steps: Steps,
    link: Link | None = None,
    size: tuple[int, int] = (6, 7),
) -> bargauge.Panel:
    """How full things are, as shares."""
    panel = _common(bargauge.Panel(), title, meaning, size, queries, instant=True).unit("percentunit").min(0).max(1)
    panel = panel.thresholds(_thresholds(steps, GOOD)).display_mode(looks.BarGaugeDisplayMode.BASIC)
    panel = panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS)).decimals(0)
    panel = panel.orientation(looks.VizOrientation.HORIZONTAL).no_value("no data")
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    return panel if link is None else panel.data_links([link.built()])


def rows(
    title: str,
    meaning: Meaning,
    key: str,
    *queries: Query,
    units: Mapping[str, str] | None = None,
    link: Link | None = None,
    empty: str = "0",
    size: tuple[int, int] = (12, 7),
) -> table.Panel:
    """A table with a line for each value of a label. Each query is a column, named by its legend."""
    panel = _common(table.Panel(), title, meaning, size, queries, instant=True, form=PromQueryFormat.TABLE)
    values = [f"Value #{letter}" for letter in string.ascii_uppercase] if len(queries) > 1 else ["Value"]
    columns = {value: query.legend for value, query in zip(values, queries, strict=False)}
    order = {name: at for at, name in enumerate([key, *columns])}
    renamed = {"excludeByName": {"Time": True}, "renameByName": columns, "indexByName": order}
    panel = (
        panel.unit("short")
        .decimals(0)
        .no_value(empty)
        .show_header(True)
        .transformations(
            [
                model.DataTransformerConfig(id_val="merge", options={}),
                model.DataTransformerConfig(id_val="organize", options=renamed),
            ]
        )
    )
    for name, unit in (units or {}).items():
        panel = panel.override_by_name(
            name, [model.DynamicConfigValue("unit", unit), model.DynamicConfigValue("decimals", 1)]
        )
    if link is not None:
        there = [{"title": link.title, "url": link.url}]
        panel = panel.override_by_name(key, [model.DynamicConfigValue("links", there)])
    return panel


def _common(
    panel: Panel,
    title: str,
    meaning: Meaning,
    size: tuple[int, int],
    queries: Sequence[Query],
    *,
    instant: bool = False,
    form: PromQueryFormat = PromQueryFormat.TIME_SERIES,
    interval: str = "",
) -> Panel:
    panel.title(title).description(str(meaning)).datasource(DATASOURCE).span(size[0]).height(size[1])
    for letter, query in zip(string.ascii_uppercase, queries, strict=False):
        target = prometheus.Dataquery().ref_id(letter).datasource(DATASOURCE).expr(query.expr)
        target.legend_format(query.legend).format(form)
        panel.with_target(target.instant() if instant else target.range())
    if interval:
        panel.interval(interval)
    return panel


def _thresholds(steps: Steps, low: str) -> build.ThresholdsConfig:
    all_steps = [model.Threshold(None, low), *(model.Threshold(value, colour) for value, colour in steps)]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(all_steps)


def _mappings(words: Words) -> list[model.ValueMapping]:
    options = {
        f"{value:g}": model.ValueMappingResult(text=word, color=colour, index=at)
        for at, (value, (word, colour)) in enumerate(words.items())
    }
    return [model.ValueMap(options=options)] if options else []


def prose(title: str, text: str, *, size: tuple[int, int]) -> text_panel.Panel:
    """Text for people, in Markdown."""
    return text_panel.Panel().title(title).mode(TextMode.MARKDOWN).content(text).span(size[0]).height(size[1])

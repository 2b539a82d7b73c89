"""A dashboard from its panels: laid out in Grafana's grid of 24 columns, numbered, and written as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.source import shared

WIDTH = 24
SCHEMA = 39
"""Of Grafana 10.4; later ones bring a dashboard forward by themselves."""

Variable = build.QueryVariable | build.DatasourceVariable


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Panels in the order in which they are read. Without a title they stand at the top; ``folded`` until opened."""

    title: str = ""
    folded: bool = False
    panels: Sequence[Builder[model.Panel]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    uid: str
    title: str
    description: str
    variables: Sequence[Variable]
    sections: Sequence[Section]

    @property
    def file(self) -> str:
        return f"{self.uid}.json"

    def text(self) -> str:
        board = build.Dashboard(self.title).uid(self.uid).description(self.description).tags([shared.TAG])
        board.time("now-3h", "now").refresh("30s").timezone("browser").tooltip(model.DashboardCursorSync.CROSSHAIR)
        board.readonly().variables(list(self.variables)).links(list(shared.links()))
        built = board.build()
        built.schema_version, built.version = SCHEMA, 1
        built.panels = self._laid_out()
        plain = json.loads(JSONEncoder().encode(built))
        plain["annotations"] = {"list": json.loads(JSONEncoder().encode(shared.marks() if self.variables else []))}
        return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"

    def _laid_out(self) -> list[model.Panel | model.RowPanel]:
        numbers, y = count(1), 0
        all_panels: list[model.Panel | model.RowPanel] = []
        for section in self.sections:
            row = model.RowPanel(
                section.folded, section.title, grid_pos=model.GridPos(h=1, w=WIDTH, x=0, y=y), id_val=next(numbers)
            )
            if section.title:
                all_panels.append(row)
                y += 1
            placed, bottom = _placed([panel.build() for panel in section.panels], y)
            for panel in placed:
                panel.id_val = next(numbers)
            if section.folded:
                row.panels = placed
            else:
                all_panels.extend(placed)
                y = bottom
        return all_panels


def _placed(panels: list[model.Panel], top: int) -> tuple[list[model.Panel], int]:
    """From left to right; a line is as high as its highest panel, and full."""
    x, height = 0, 0
    for panel in panels:
        size = panel.grid_pos or model.GridPos()
        if x + size.w > WIDTH:
            raise ValueError(f"{panel.title} does not fit into its line")
        height = max(height, size.h)
        panel.grid_pos = model.GridPos(h=size.h, w=size.w, x=x, y=top)
        x += size.w
        if x == WIDTH:
            x, top, height = 0, top + height, 0
    if x:
        raise ValueError(f"the line of {panels[-1].title} is not full")
    return panels, top

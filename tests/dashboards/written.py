"""What the dashboards' files say, as far as tests and pictures need it. Knows nothing of how they were made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "dashboards"
Json = dict[str, Any]
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")


@dataclass(frozen=True)
class Target:
    """One query of a panel."""

    raw: Json

    @property
    def letter(self) -> str:
        return str(self.raw["refId"])

    @property
    def expr(self) -> str:
        return str(self.raw["expr"])

    @property
    def legend(self) -> str:
        return str(self.raw.get("legendFormat", ""))


@dataclass(frozen=True)
class Panel:
    """``folded``: it lies in a row that is closed when the dashboard is opened."""

    raw: Json
    row: str
    folded: bool

    @property
    def title(self) -> str:
        return str(self.raw.get("title", ""))

    @property
    def kind(self) -> str:
        return str(self.raw["type"])

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height in Grafana's grid."""
        at = self.raw["gridPos"]
        return at["x"], at["y"], at["w"], at["h"]

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        return tuple(Target(raw) for raw in self.raw.get("targets", ()))

    @property
    def defaults(self) -> Json:
        found: Json = self.raw.get("fieldConfig", {}).get("defaults", {})
        return found

    @property
    def overrides(self) -> Mapping[str, Json]:
        """The properties that a field of a name has for itself."""
        found = self.raw.get("fieldConfig", {}).get("overrides", [])
        return {one["matcher"]["options"]: {item["id"]: item["value"] for item in one["properties"]} for one in found}


@dataclass(frozen=True)
class Dashboard:
    file: Path
    raw: Json

    @classmethod
    def read(cls, file: Path) -> Dashboard:
        return cls(file, json.loads(file.read_text(encoding="utf-8")))

    @property
    def title(self) -> str:
        return str(self.raw["title"])

    @property
    def variables(self) -> Mapping[str, Json]:
        return {one["name"]: one for one in self.raw.get("templating", {}).get("list", [])}

    @property
    def rows(self) -> list[Json]:
        return [panel for panel in self.raw["panels"] if panel["type"] == "row"]

    @cached_property
    def panels(self) -> tuple[Panel, ...]:
        """All but the rows themselves, in the order in which they are seen."""
        return tuple(self._panels())

    def _panels(self) -> Iterator[Panel]:
        row = ""
        for raw in self.raw["panels"]:
            if raw["type"] == "row":
                row = raw["title"]
                yield from (Panel(inside, row, folded=True) for inside in raw["panels"])
            else:
                yield Panel(raw, row, folded=False)


def dashboards() -> list[Dashboard]:
    return [Dashboard.read(file) for file in sorted(DIRECTORY.glob("*.json"))]


def variables_in(text: str) -> set[str]:
    """Names of the variables that a text uses, those of Grafana itself (``__interval``) included."""
    return {braced or plain for braced, plain in _VARIABLE.findall(text)}


def filled_in(expr: str, *, interval: str, over: str) -> str:
    """A query as Grafana sends it while everything is chosen. ``over`` is the length of the time shown."""
    own = {"__rate_interval": interval, "__interval": interval, "__range": over}
    return _VARIABLE.sub(lambda found: own.get(found[1] or found[2], ".*"), expr)

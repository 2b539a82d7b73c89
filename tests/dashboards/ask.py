"""What a Prometheus answers, as series: over a time for what is drawn as lines, as of now for numbers and tables."""

from __future__ import annotations

import json
import math
import re
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.dashboards.written import Dashboard, Panel, Target, filled_in

_LABEL = re.compile(r"\{\{(\w+)\}\}")
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Series:
    """``times`` in Unix seconds; a value that is not a number is none."""

    name: str
    labels: Mapping[str, str]
    letter: str
    times: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def last(self) -> float:
        return self.values[-1]


@dataclass(frozen=True)
class Asked:
    """A Prometheus at ``url``, asked about ``seconds`` until ``end`` in steps of ``step``."""

    url: str
    end: float
    seconds: int
    step: int
    interval: int
    """Seconds that rates look at: at least four scrapes."""

    def marks(self, dashboard: Dashboard) -> list[tuple[str, list[float]]]:
        """Colours and times of what the dashboard marks on every panel."""
        found = []
        for mark in dashboard.raw["annotations"]["list"]:
            step = int(mark["target"]["interval"].removesuffix("s"))
            for row in self._range(self._filled_in(mark["target"]["expr"], step), step):
                at = {float(value if mark["useValueForTime"] else 1000 * time) / 1000 for time, value in row["values"]}
                found.append((str(mark["iconColor"]), sorted(one for one in at if one > self.end - self.seconds)))
        return found

    def panel(self, panel: Panel) -> list[Series]:
        return [series for target in panel.targets for series in self._series(panel, target)]

    def _series(self, panel: Panel, target: Target) -> list[Series]:
        expr, found = self._filled_in(target.expr, self._step(panel)), []
        for row in self._instant(expr) if target.raw.get("instant") else self._range(expr, self._step(panel)):
            points = [(float(at), float(value)) for at, value in row["values"] if math.isfinite(float(value))]
            if points:
                times, values = zip(*points, strict=True)
                name = _LABEL.sub(partial(_value, row["metric"]), target.legend)
                found.append(Series(name, row["metric"], target.letter, times, values))
        return found

    def _step(self, panel: Panel) -> int:
        """Seconds; a panel of what happens seldom has wider ones, though not as wide as over hours."""
        return self.step * (8 if panel.raw.get("interval") else 1)

    def _filled_in(self, expr: str, step: int) -> str:
        rates = max(self.interval, step + self.interval // 4)
        return filled_in(expr.replace("$__interval", f"{step}s"), interval=f"{rates}s", over=f"{self.seconds}s")

    def _range(self, expr: str, step: int) -> list[dict[str, Any]]:
        end = self.end // step * step
        return self._ask("query_range", query=expr, start=end - self.seconds, end=end, step=step)

    def _instant(self, expr: str) -> list[dict[str, Any]]:
        return [
            {"metric": row["metric"], "values": [row["value"]]} for row in self._ask("query", query=expr, time=self.end)
        ]

    def _ask(self, path: str, **parameters: object) -> list[dict[str, Any]]:
        body = urllib.parse.urlencode(parameters).encode()
        with _DIRECTLY.open(f"{self.url}/api/v1/{path}", body, timeout=30) as answer:
            data: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return data


def _value(labels: Mapping[str, str], found: re.Match[str]) -> str:
    return labels.get(found[1], "")

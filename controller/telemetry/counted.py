"""Counters and histograms made from their declaration: every label bounded, every foreseen series there at 0."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from prometheus_client import Counter, Histogram
from prometheus_client.metrics_core import Metric

from controller.telemetry.bounds import Bounds
from controller.telemetry.families import Family, Kind, Named


class _Counted:
    """A family that is counted where it happens."""

    def __init__(self, family: Family, bounds: Bounds, metric: Counter | Histogram) -> None:
        self._family = family
        self._bounds = bounds
        self._shown = metric

    def foresee(self, names: Mapping[Named, Collection[str]]) -> None:
        """Let all series be there that can be told from the names that the site has."""
        if self._family.labels:  # the series of one without labels is always there
            for labels in self._bounds.foreseen(self._family, names):
                self._shown.labels(*labels)

    def collect(self) -> Iterable[Metric]:
        return self._shown.collect()


class Tally(_Counted):
    """A counter."""

    def __init__(self, family: Family, bounds: Bounds) -> None:
        _check(family, Kind.COUNTER)
        self._counter = Counter(family.name, family.help, tuple(family.labels), registry=None)
        super().__init__(family, bounds, self._counter)

    def add(self, *labels: str, by: float = 1) -> None:
        held = self._bounds.hold(self._family, labels)
        (self._counter.labels(*held) if held else self._counter).inc(by)


class Timing(_Counted):
    """A histogram of seconds."""

    def __init__(self, family: Family, bounds: Bounds) -> None:
        _check(family, Kind.HISTOGRAM)
        self._seconds = Histogram(family.name, family.help, tuple(family.labels), buckets=family.buckets, registry=None)
        super().__init__(family, bounds, self._seconds)

    def observe(self, seconds: float, *labels: str, trace_id: str | None = None) -> None:
        """``trace_id`` becomes the exemplar of the bucket that the seconds fall into."""
        held = self._bounds.hold(self._family, labels)
        exemplar = {"trace_id": trace_id} if trace_id is not None else None
        (self._seconds.labels(*held) if held else self._seconds).observe(seconds, exemplar)


def _check(family: Family, kind: Kind) -> None:
    if family.kind is not kind:
        raise ValueError(f"{family.name} is a {family.kind}, not a {kind}")

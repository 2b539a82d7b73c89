"""All families in the order of their declaration, when Prometheus asks: state is read at the scrape, never kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from controller.telemetry.bounds import Bounds
from controller.telemetry.families import FAMILIES, Family, Kind, Named
from controller.telemetry.snapshot import Labels, TelemetrySnapshot


class Counted(Protocol):
    """A family that is counted where it happens."""

    def foresee(self, names: Mapping[Named, Collection[str]]) -> None: ...

    def collect(self) -> Iterable[Metric]: ...


class StateCollector(Collector):
    """Every series that can be foreseen is there from the first scrape on, at 0."""

    def __init__(
        self, snapshot: Callable[[], TelemetrySnapshot], *, counted: Mapping[str, Counted], bounds: Bounds
    ) -> None:
        """``counted``: by the name of the family; all others are read off the snapshot."""
        self._snapshot = snapshot
        self._counted = counted
        self._bounds = bounds

    def collect(self) -> Iterator[Metric]:
        now = self._snapshot()
        for family in FAMILIES:
            if (counted := self._counted.get(family.name)) is None:
                yield self._read(family, now)
            else:
                counted.foresee(now.names)
                yield from counted.collect()

    def _read(self, family: Family, now: TelemetrySnapshot) -> Metric:
        values: dict[Labels, float] = {}
        if not family.absent:
            values = dict.fromkeys(self._bounds.foreseen(family, now.names), 0.0)
        for labels, value in now.values.get(family.name, {}).items():
            held = self._bounds.hold(family, labels)
            # Several names beyond the bound share one series: together they are so many.
            values[held] = value if held == labels else values.get(held, 0.0) + value
        make = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
        metric = make(family.name, family.help, labels=tuple(family.labels))
        for labels, value in values.items():
            metric.add_metric(labels, value)
        return metric

"""PromQL over the controller's declared metrics. A label or a value that a metric does not have is refused at once."""

from __future__ import annotations

from collections.abc import Mapping

from controller.telemetry.families import Family, Kind

TARGET = 'job=~"$job", instance=~"$instance"'
"""The controllers that were chosen at the top of a dashboard."""
PACE = "$__rate_interval"
"""As wide a window as a point of the panel, and never too narrow for a rate."""
BETWEEN = "$__interval"
"""From one point of the panel to the next: each happening is counted in one of them."""

Where = Mapping[str, str | tuple[str, ...]]
"""By label: a value, all but a value (``!OK``), several values, or a variable of the dashboard (``$node``)."""


def of(family: Family, where: Where | None = None, *, part: str = "", bound: float | None = None) -> str:
    """The series of a metric. ``part`` is what Prometheus adds to a histogram's name, ``bound`` one of its buckets."""
    if bool(part) != (family.kind is Kind.HISTOGRAM):
        raise ValueError(f"{family.name} is a {family.kind}")
    if bound is not None and bound not in family.buckets:
        raise ValueError(f"{family.name} has no bucket {bound}: {family.buckets}")
    # Written 30.0 or 30, depending on the versions of exporter and Prometheus.
    bucket = [] if bound is None else [f'le=~"{bound:g}([.]0)?"']
    matchers = [TARGET, *bucket, *(_match(family, label, values) for label, values in (where or {}).items())]
    return f"{family.name}{part}{{{', '.join(matchers)}}}"


def total(family: Family, *by: str, where: Where | None = None, function: str = "sum") -> str:
    return f"{function}{_by(by)} ({of(family, where)})"


def lasting(family: Family, *, over: str, least: bool) -> str:
    """What a gauge was at ``least``, or at most, during that time: what passes at once is no news."""
    return f"sum ({'min' if least else 'max'}_over_time({of(family)}[{over}]))"


def rate(family: Family, *by: str, where: Where | None = None) -> str:
    """Per second."""
    return f"sum{_by(by)} (rate({of(family, where)}[{PACE}]))"


def increase(family: Family, *by: str, where: Where | None = None, over: str = BETWEEN) -> str:
    return f"sum{_by(by)} (increase({of(family, where)}[{over}]))"


def counted(family: Family, *by: str, where: Where | None = None, over: str = BETWEEN) -> str:
    """How many times a histogram observed something."""
    return f"sum{_by(by)} (increase({of(family, where, part='_count')}[{over}]))"


def buckets(family: Family, *, where: Where | None = None, over: str = BETWEEN) -> str:
    return f"sum by (le) (increase({of(family, where, part='_bucket')}[{over}]))"


def quantile(share: float, family: Family, *by: str, where: Where | None = None, over: str = PACE) -> str:
    series = of(family, where, part="_bucket")
    return f"histogram_quantile({share:g}, sum{_by(('le', *by))} (rate({series}[{over}])))"


def up_to(family: Family, bound: float, *by: str, where: Where | None = None, over: str = PACE) -> str:
    """How many of them were up to ``bound``."""
    good = of(family, where, part="_bucket", bound=bound)
    return f"sum{_by(by)} (increase({good}[{over}]))"


def age(family: Family, *by: str) -> str:
    """Seconds since a moment that a gauge tells; the longest."""
    return f"time() - min{_by(by)} ({of(family)})"


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)})" if labels else ""


def _match(family: Family, label: str, values: str | tuple[str, ...]) -> str:
    known = family.labels.get(label, ())
    several = values if isinstance(values, tuple) else (values.removeprefix("!"),)
    if isinstance(known, tuple) and not all(value in known or value.startswith("$") for value in several):
        raise ValueError(f"{family.name} has no {label} among {values}: {known}")
    if isinstance(values, tuple) or values.startswith("$"):
        return f'{label}=~"{"|".join(several)}"'
    return f'{label}{"!" if values.startswith("!") else ""}="{several[0]}"'

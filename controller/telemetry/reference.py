"""The reference of all metrics in Markdown, from their declaration: ``python -m controller.telemetry.reference``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from controller.telemetry.families import FAMILIES, GROUPS, MOST_NAMES, OTHER, Family, Kind, Named, Values

COMMAND = "python -m controller.telemetry.reference > deploy/prometheus/METRICS.md"
FEW = 4
"""Label values that a table shows; more stand in a list of their own."""

_HEAD = f"""\
# Metrics

What `winux run` shows at `/metrics`, by default on `127.0.0.1:9464`. This page is made from the code by
`{COMMAND}`.

- Times are seconds, sizes are bytes, moments are Unix seconds.
- A series is there from the first scrape on, at 0, unless its line says when it is absent. Series of a template or
  a node begin when the controller first sees it.
- Counters and histograms begin at 0 with the process; gauges are read at the scrape, from memory: a scrape makes no
  call to Proxmox and asks no database.
- No label is a session's name, except in `winux_session_info`, which is off by default. Labels that take names of the
  site take {MOST_NAMES} of them; what comes after that is counted as `{OTHER}`.
- To those who ask for OpenMetrics, the histograms of ready sessions show exemplars: `trace_id` is the uid of the life.
"""
_FOOT = """\
The Python client adds the process's own: `process_cpu_seconds_total`, `process_resident_memory_bytes`,
`process_virtual_memory_bytes`, `process_open_fds`, `process_max_fds` and `process_start_time_seconds`.
"""


def reference() -> str:
    """The whole page."""
    return "\n".join(_page())


def _page() -> Iterator[str]:
    yield _HEAD
    for heading, group in GROUPS.items():
        yield f"## {heading}\n"
        yield "| Name | Type | Labels | What it says |"
        yield "|---|---|---|---|"
        for family in group:
            yield _row(family)
        yield ""
    yield _FOOT
    yield "## Label values\n"
    for (label, values), names in _long().items():
        yield f"- `{label}` of {_listed(names)}:\n  {', '.join(f'`{value}`' for value in values)}"
    yield "\n## Buckets\n"
    yield "Upper bounds in seconds; `+Inf` comes last in each.\n"
    for family in FAMILIES:
        if family.kind is Kind.HISTOGRAM:
            yield f"- `{family.name}`: {', '.join(f'{bucket:g}' for bucket in family.buckets)}"
    yield ""


def _row(family: Family) -> str:
    labels = "<br>".join(f"`{label}`: {_few(values)}" for label, values in family.labels.items())
    absent = f" Absent {family.absent}." if family.absent else ""
    return f"| `{family.name}` | {family.kind} | {labels} | {family.help}{absent} |"


def _few(values: Values) -> str:
    if isinstance(values, Named):
        return values.what
    if len(values) > FEW:
        return "[its values](#label-values)"
    return ", ".join(f"`{value}`" for value in values)


def _long() -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """Labels with many values, and the families that have them."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for family in FAMILIES:
        for label, values in family.labels.items():
            if not isinstance(values, Named) and len(values) > FEW:
                found.setdefault((label, values), []).append(f"`{family.name}`")
    return found


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


if __name__ == "__main__":
    sys.stdout.write(reference())

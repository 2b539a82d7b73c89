"""The delivered alert rules as a document: their queries, and the same rules for a test that has seconds.

Only text and numbers; evaluating them is the business of Prometheus.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypedDict

import yaml

DIRECTORY = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
RULES = DIRECTORY / "winux.rules.yaml"

# The key of a rule's waiting time is a word of Python, hence this way of writing it.
Rule = TypedDict(
    "Rule",
    {
        "record": str,
        "alert": str,
        "expr": str,
        "for": str,
        "labels": dict[str, str],
        "annotations": dict[str, str],
    },
    total=False,
)

_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_WAITED = re.compile(r"(?P<before>\[|\boffset\s+)(?P<duration>(?:\d+(?:ms|[smhdwy]))+)\b")
"""A range, or an offset. Names of recorded series end in durations too, and are neither."""
_THRESHOLD = re.compile(r"(?P<before>(?:_seconds(?:\{[^}]*\})?|\btime\(\))\s*[<>]=?\s*)(?P<number>\d+(?:\.\d+)?)")
"""A number that a time is compared with."""


def load_rules() -> dict[str, object]:
    """The rules file as it is delivered."""
    rules: dict[str, object] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return rules


def each_rule(rules: Mapping[str, object]) -> Iterator[Rule]:
    """Every rule, to be read or changed in place."""
    groups: list[dict[str, list[Rule]]] = rules["groups"]  # type: ignore[assignment]
    for group in groups:
        yield from group["rules"]


def rule_queries() -> dict[str, str]:
    """What every rule asks: the name of an alert, or of a recorded series, and its expression."""
    return {rule.get("alert") or rule["record"]: rule["expr"] for rule in each_rule(load_rules())}


def quickened(
    rules: Mapping[str, object], factor: float, *, sooner: float = 1.0, shortest: float = 0.001
) -> dict[str, object]:
    """The same rules, waiting ``factor`` times shorter: every ``for``, range and offset is divided by it.

    Thresholds of seconds are divided by ``sooner``; they mean what the controller measures, not what a rule waits.
    ``shortest`` is the least range in seconds: it has to hold two scrapes.
    """
    after = copy.deepcopy(dict(rules))
    for rule in each_rule(after):
        if "for" in rule:
            rule["for"] = _divided(rule["for"], factor)
        rule["expr"] = _WAITED.sub(
            lambda found: found["before"] + _divided(found["duration"], factor, least=shortest), rule["expr"]
        )
        rule["expr"] = _THRESHOLD.sub(
            lambda found: f"{found['before']}{float(found['number']) / sooner:.10g}", rule["expr"]
        )
    return after


def seconds(duration: str) -> float:
    """Of a duration as Prometheus writes it, such as ``1h30m``."""
    parts = _DURATION.findall(duration)
    assert "".join(number + unit for number, unit in parts) == duration, f"{duration!r} is no duration"
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)


def _divided(duration: str, factor: float, *, least: float = 0.001) -> str:
    return f"{round(max(least, seconds(duration) / factor) * 1000)}ms"

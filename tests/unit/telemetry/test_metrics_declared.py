"""What Prometheus sees is what is declared: every family and nothing else, with its type, labels and values."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

import controller
from controller.core.incarnation import EndReason
from controller.telemetry import families
from controller.telemetry.families import (
    EVENT_REASONS,
    FAMILIES,
    GROUPS,
    NODE,
    OTHER,
    READ,
    REASON,
    TEMPLATE,
    Family,
    Kind,
    Named,
)
from controller.telemetry.metrics import Metrics
from controller.telemetry.snapshot import TelemetrySnapshot

NAMES = {TEMPLATE: ("default", "cloned"), NODE: ("pve1", "pve2"), REASON: ("Accepted", "NoRoom")}
SITE = "from-the-site"


def values_of(values: tuple[str, ...] | Named) -> tuple[str, ...]:
    if not isinstance(values, Named):
        return values
    return (*dict.fromkeys((*values.foreseen, *NAMES.get(values, (SITE,)))),)


def full() -> TelemetrySnapshot:
    """Every gauge with every value that its labels may have."""
    now = TelemetrySnapshot()
    now.names.update(NAMES)
    for family in FAMILIES:
        if family.name in READ:
            combinations = itertools.product(*map(values_of, family.labels.values()))
            now.put_all(family, dict.fromkeys(combinations, 1.0))
    return now


def exported(metrics: Metrics) -> dict[str, Metric]:
    """Ours, by the name that is declared."""
    found = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    return {
        f"{metric.name}_total" if metric.type == "counter" else metric.name: metric
        for metric in found
        if metric.name.startswith("winux_")
    }


@pytest.fixture(scope="module")
def metrics() -> Metrics:
    return Metrics(version=SITE, snapshot=full)


@pytest.fixture(scope="module")
def shown(metrics: Metrics) -> dict[str, Metric]:
    return exported(metrics)


def test_every_family_is_exported_and_nothing_else_in_the_order_of_its_declaration(shown: dict[str, Metric]) -> None:
    assert list(shown) == [family.name for family in FAMILIES]


def test_no_name_is_declared_twice_and_none_is_without_a_group() -> None:
    assert [name for name, count in Counter(family.name for family in FAMILIES).items() if count > 1] == []
    declared = [one.name for one in vars(families).values() if isinstance(one, Family)]
    assert sorted(declared) == sorted(family.name for group in GROUPS.values() for family in group)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_it_has_the_type_the_help_the_labels_and_the_values_that_it_declares(
    shown: dict[str, Metric], family: Family
) -> None:
    metric = shown[family.name]
    assert (metric.type, metric.documentation) == (family.kind, family.help)
    assert metric.samples
    series = {tuple(sample.labels.get(label) for label in family.labels) for sample in metric.samples}
    allowed = [{*values_of(values), *((OTHER,) if values is REASON else ())} for values in family.labels.values()]
    for labels in series:
        assert all(value in values for value, values in zip(labels, allowed, strict=True)), labels
    assert series >= set(itertools.product(*map(values_of, family.labels.values()))), "every combination is there"
    extra = {label for sample in metric.samples for label in sample.labels} - set(family.labels)
    assert extra == ({"le"} if family.kind is Kind.HISTOGRAM else set())
    if family.kind is Kind.HISTOGRAM:
        bounds = {sample.labels["le"] for sample in metric.samples if sample.name.endswith("_bucket")}
        assert bounds == {*(str(float(bucket)) for bucket in family.buckets), "+Inf"}


def test_before_anything_is_known_only_what_hangs_on_names_and_what_may_be_absent_is_missing() -> None:
    nothing = exported(Metrics(version="1", snapshot=TelemetrySnapshot))
    missing = {name for name, metric in nothing.items() if not metric.samples}
    named = {f.name for f in FAMILIES if any(isinstance(v, Named) and v.bounded for v in f.labels.values())}
    absent = {family.name for family in FAMILIES if family.absent}
    assert missing <= named | absent
    assert absent <= missing
    assert "winux_events_total" not in missing


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_and_helps_keep_the_conventions(family: Family) -> None:
    assert re.fullmatch(r"winux_[a-z]+(_[a-z]+)*", family.name)
    assert not re.search(r"milli|micro|minutes|hours|_ms\b|_mib\b", family.name)
    assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
    assert family.help.endswith(".")
    assert family.help[0].isupper() or family.help[0].isdigit()
    assert bool(family.buckets) == (family.kind is Kind.HISTOGRAM)
    assert list(family.buckets) == sorted(family.buckets)
    assert not family.absent.endswith(".")


def test_no_label_is_a_session_but_in_the_metric_that_is_off_by_default() -> None:
    unbounded = {
        family.name
        for family in FAMILIES
        if any(isinstance(values, Named) and not values.bounded for values in family.labels.values())
    }
    assert unbounded == {"winux_session_info", "winux_build_info", "winux_manifests_revision_info"}
    assert families.SESSION_INFO.absent


def test_every_way_to_end_is_foreseen() -> None:
    assert set(families.SESSIONS_ENDED.labels["reason"]) == set(EndReason)


def test_no_time_of_creation_is_shown(metrics: Metrics) -> None:
    assert not [line for line in generate_latest(metrics.registry).decode().splitlines() if "_created" in line]


def test_promtool_finds_nothing_to_complain_about(metrics: Metrics) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: it is in Debian's package prometheus")
    text = generate_latest(metrics.registry)
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, "", "")


def test_every_reason_that_the_code_names_is_there_from_the_beginning() -> None:
    """Else `increase()` does not see the first event of a kind, which may be the only one."""
    written = {
        reason
        for file in Path(controller.__file__).parent.rglob("*.py")
        for reason in re.findall(r"Note\(\s*\"([A-Za-z]+)\"", file.read_text(encoding="utf-8"))
    }
    assert written - set(EVENT_REASONS) == set()

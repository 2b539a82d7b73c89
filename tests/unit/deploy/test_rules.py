"""The alert rules: Prometheus's own tool finds nothing wrong, each was tried, and each leads to what is to be done."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import pytest
import yaml

from controller.telemetry.families import FAMILIES, Family, Kind
from tests.e2e.rules import DIRECTORY, Rule, each_rule, load_rules, quickened, rule_queries, seconds

FILES = {
    "the rules": ["check", "rules", "winux.rules.yaml"],
    "the example": ["check", "config", "prometheus.yaml"],
    "what fires and what does not": ["test", "rules", "winux.rules.test.yaml"],
}
ALERTS = {rule["alert"]: rule for rule in each_rule(load_rules()) if "alert" in rule}
RECORDED = {rule["record"]: rule for rule in each_rule(load_rules()) if "record" in rule}

Case = Mapping[str, object]


@pytest.mark.parametrize("command", FILES.values(), ids=FILES.keys())
def test_promtool_finds_nothing(command: list[str]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: `apt-get install prometheus`")
    done = subprocess.run([promtool, *command], cwd=DIRECTORY, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


# -- what people are told --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_what_and_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    said = rule["annotations"]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert said.keys() == {"summary", "description", "runbook_url"}
    assert len(said["summary"]) < 250
    assert "`" in said["description"], "what to do first is a command"
    assert said["runbook_url"] == f"deploy/prometheus/RUNBOOK.md#{name.lower()}"


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    text = (DIRECTORY / "RUNBOOK.md").read_text(encoding="utf-8")
    # Between two headings of either level lies what belongs to the first of them.
    sections = {title: body.strip() for title, body in re.findall(r"^## (.+)\n((?:(?!#).*\n)*)", text, re.MULTILINE)}
    assert len(re.findall("^## ", text, re.MULTILINE)) == len(sections)
    assert sections.keys() == ALERTS.keys()
    for name, text in sections.items():
        severity = ALERTS[name]["labels"]["severity"]
        assert text.startswith(f"{severity} · "), f"{name} begins with how bad it is"
        assert "Resolves" in text, f"{name} says when it resolves"
        assert "`" in text, f"{name} has a command"


def test_links_within_the_runbook_lead_somewhere() -> None:
    text = (DIRECTORY / "RUNBOOK.md").read_text(encoding="utf-8")
    anchors = {name.lower() for name in ALERTS}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors
    assert all((DIRECTORY / path).exists() for path in re.findall(r"\]\(([^#)]+)\)", text))


def test_an_alert_waits_so_that_a_restart_does_not_fire_it() -> None:
    """A restart takes seconds; but for counters, a minute would be flapping."""
    impatient = {
        name for name, rule in ALERTS.items() if seconds(rule["for"]) < 120 and "increase(" not in rule["expr"]
    }
    assert impatient == set()


# -- every alert was tried -------------------------------------------------------------------------------------


@cache
def _cases() -> tuple[Case, ...]:
    document = yaml.safe_load((DIRECTORY / "winux.rules.test.yaml").read_text(encoding="utf-8"))
    return tuple(case for test in document["tests"] for case in test["alert_rule_test"])


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_was_seen_firing_and_quiet(name: str) -> None:
    expected = [case["exp_alerts"] for case in _cases() if case["alertname"] == name]
    fired = [alert for alerts in expected if isinstance(alerts, Sequence) for alert in alerts]
    assert fired
    assert [] in expected
    for alert in fired:
        assert alert["exp_annotations"].keys() == ALERTS[name]["annotations"].keys()
        assert not re.search(r"[{}]|<no value>|%!", alert["exp_annotations"]["summary"])


def test_no_case_is_about_an_alert_that_is_not_there() -> None:
    assert {case["alertname"] for case in _cases()} == ALERTS.keys()


# -- over metrics that there are -------------------------------------------------------------------------------


def _samples() -> dict[str, Family]:
    """Every name under which a sample comes, and its family."""
    found = {family.name: family for family in FAMILIES if family.kind is not Kind.HISTOGRAM}
    for family in FAMILIES:
        if family.kind is Kind.HISTOGRAM:
            found |= {f"{family.name}_{part}": family for part in ("bucket", "count", "sum")}
    return found


SAMPLES = _samples()
_SELECTED = re.compile(r"(?<![:\w])(?P<name>winux_[a-z_]+)(?:\{(?P<labels>[^}]*)\})?")
_MATCHER = re.compile(r'(?P<label>\w+)\s*(?P<operator>=~|=)\s*"(?P<value>[^"]*)"')
_RECORDED = re.compile(r"\w+:\w+:\w+")


def _selected(query: str) -> Iterator[tuple[str, str]]:
    for found in _SELECTED.finditer(_RECORDED.sub("", query)):
        yield found["name"], found["labels"] or ""


@pytest.mark.parametrize(("name", "query"), rule_queries().items(), ids=rule_queries().keys())
def test_a_rule_asks_for_what_the_controller_exports(name: str, query: str) -> None:
    assert set(_RECORDED.findall(query)) <= RECORDED.keys()
    for metric, matchers in _selected(query):
        assert metric in SAMPLES, f"{name}: no metric is called {metric}"
        family = SAMPLES[metric]
        for found in _MATCHER.finditer(matchers):
            _check_matcher(family, found["label"], found["operator"], found["value"])


def _check_matcher(family: Family, label: str, operator: str, value: str) -> None:
    if label == "le":
        assert [bound for bound in family.buckets if re.fullmatch(value.replace(r"\\", "\\"), f"{bound:.1f}")] == [30]
        return
    allowed = family.labels[label]
    assert isinstance(allowed, tuple), f"{family.name}: a value of {label} comes from the site"
    wanted = value.split("|") if operator == "=~" else [value]
    assert set(wanted) <= {str(one) for one in allowed}, f"{family.name}: {label} is one of {allowed}"


def test_every_guard_has_one_alert() -> None:
    """A cause is told once: by an alert about its guard, or by one that sees it better."""
    better = {
        "ManifestsIncomplete": "WinuxManifestsStale",
        "NoQuorum": "WinuxQuorumLost",
        "NotObserved": "WinuxObservationStale",
    }
    told = dict.fromkeys(better, 1)
    for rule in ALERTS.values():
        asked = rule["expr"].partition("unless")[0]
        for metric, matchers in _selected(asked):
            for found in _MATCHER.finditer(matchers) if metric == "winux_guard_engaged" else ():
                told |= {guard: told.get(guard, 0) + 1 for guard in found["value"].split("|")}
    guards = SAMPLES["winux_guard_engaged"].labels["guard"]
    assert isinstance(guards, tuple)
    assert told == dict.fromkeys(guards, 1)
    assert set(better.values()) <= ALERTS.keys()


def test_a_recorded_series_is_named_by_level_metric_and_operations() -> None:
    for name, rule in RECORDED.items():
        assert re.fullmatch(r"instance:winux_[a-z_]+:[a-z]+\d+[mh]", name)
        assert "by (job, instance)" in rule["expr"]
        assert f"[{re.findall(r'[0-9]+[mh]$', name)[0]}]" in rule["expr"], "it is over the time that its name says"


# -- the same rules, sooner ------------------------------------------------------------------------------------


def _quick(expression: str, *, waits: str = "5m", sooner: float = 1.0) -> Rule:
    rules = {"groups": [{"name": "some", "rules": [{"alert": "A", "expr": expression, "for": waits}]}]}
    return next(each_rule(quickened(rules, 60, sooner=sooner)))


@pytest.mark.parametrize(
    ("expression", "sooner", "quick"),
    [
        ("increase(winux_x_total[1h30m]) > 0", 1, "increase(winux_x_total[90000ms]) > 0"),
        ("winux_x offset 1d > 3", 1, "winux_x offset 1440000ms > 3"),
        ("instance:winux_x:ratio5m > 14.4 * 0.05", 30, "instance:winux_x:ratio5m > 14.4 * 0.05"),
        ("winux_x_seconds > 300", 1, "winux_x_seconds > 300"),
        ("winux_x_seconds > 300", 30, "winux_x_seconds > 10"),
        ('winux_age_seconds{thread="scan"} > 90', 30, 'winux_age_seconds{thread="scan"} > 3'),
        ("winux_end_timestamp_seconds - time() < 1209600", 10, "winux_end_timestamp_seconds - time() < 120960"),
        ("time() - winux_seen_timestamp_seconds > 120", 60, "time() - winux_seen_timestamp_seconds > 2"),
        ('winux_x_seconds_bucket{le=~"30"} > 100', 10, 'winux_x_seconds_bucket{le=~"30"} > 100'),
    ],
)
def test_waiting_is_divided_and_thresholds_of_seconds_are_if_asked(expression: str, sooner: float, quick: str) -> None:
    assert _quick(expression, sooner=sooner)["expr"] == quick


@pytest.mark.parametrize(("waits", "quick"), [("5m", "5000ms"), ("1h30m", "90000ms"), ("2s", "33ms"), ("1ms", "1ms")])
def test_for_is_divided_and_never_nothing(waits: str, quick: str) -> None:
    assert _quick("winux_x > 0", waits=waits)["for"] == quick


def test_the_delivered_rules_wait_nowhere_else() -> None:
    """Quickened by a thousand, no duration of minutes or hours is left in what is asked."""
    before, rules = load_rules(), quickened(load_rules(), 1000)
    assert before == load_rules()
    for rule in each_rule(rules):
        waits = [rule.get("for", "1ms"), *re.findall(r"\[([^\]]+)\]", rule["expr"])]
        assert max(map(seconds, waits)) <= 6 * 3.6

"""The dashboards for Grafana: made from their source, in the form that Grafana reads, over metrics that there are."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units

from controller.telemetry.families import FAMILIES, Family, Kind, Named
from deploy.grafana.source.__main__ import main
from deploy.grafana.source.shared import DECISIONS
from tests.dashboards.promql import grouping, selectors
from tests.dashboards.written import Dashboard, Json, Panel, Target, dashboards, filled_in, variables_in

ROOT = Path(__file__).resolve().parents[3]
ALL = {dashboard.file.stem: dashboard for dashboard in dashboards()}
WITHOUT_UNIT = {"text", "table"}
"""A table's columns are of several units, which it has as overrides."""
FOREIGN = {
    "up": set(),
    "ALERTS": {"alertname", "alertstate", "severity"},
    "process_start_time_seconds": set(),
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_open_fds": set(),
}
"""What Prometheus and its client library add to our own metrics."""
TARGET_LABELS = {"job", "instance"}
COLOURS = {
    f"{shade}{hue}"
    for shade in ("", "super-light-", "light-", "semi-dark-", "dark-")
    for hue in ("red", "orange", "yellow", "green", "blue", "purple")
} | {"transparent", "text"}
"""The names that Grafana gives to colours of its own, in a light and a dark version of each."""
BUILT_IN = re.compile(r"^__")


def panels(kind: str | None = None) -> list[object]:
    return [
        pytest.param(dashboard, panel, id=f"{name}-{panel.title}")
        for name, dashboard in ALL.items()
        for panel in dashboard.panels
        if kind in {None, panel.kind} or (kind == "asks" and panel.kind != "text")
    ]


def every_target() -> Iterator[tuple[str, Panel, Target]]:
    for name, dashboard in ALL.items():
        for panel in dashboard.panels:
            for target in panel.targets:
                yield f"{name} / {panel.title} / {target.letter}", panel, target


def every_query() -> dict[str, str]:
    """Of panels and of annotations."""
    found = {where: target.expr for where, _, target in every_target()}
    for name, dashboard in ALL.items():
        for mark in dashboard.raw["annotations"]["list"]:
            found[f"{name} / mark {mark['name']}"] = mark["target"]["expr"]
    return found


# -- the files -------------------------------------------------------------------------------------------------


def test_the_files_are_what_their_source_makes() -> None:
    assert main("--check") == 0, "run `python -m deploy.grafana.source`"
    assert ALL.keys() == {"winux-overview", "winux-templates", "winux-nodes", "winux-runbook"}


@pytest.mark.parametrize("dashboard", ALL.values(), ids=ALL)
def test_grafanas_own_types_read_all_of_it(dashboard: Dashboard) -> None:
    """What Grafana's model does not know would be lost on the way through it, and the file would differ."""
    register_default_plugins()
    through = json.loads(JSONEncoder().encode(model.Dashboard.from_json(dashboard.raw)))
    assert lost(without_marks(dashboard.raw), without_marks(through)) == []


def without_marks(raw: Json) -> Json:
    return {key: value for key, value in raw.items() if key != "annotations"}


def lost(ours: object, theirs: object, path: str = "") -> list[str]:
    """What is not there any more; that defaults are filled in is no loss."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [one for key in ours for one in lost(ours[key], theirs.get(key), f"{path}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = zip(ours, theirs, strict=True)
        return [one for at, (a, b) in enumerate(pairs) for one in lost(a, b, f"{path}[{at}]")]
    return [] if ours == theirs else [f"{path}: {ours!r} became {theirs!r}"]


@pytest.mark.parametrize("dashboard", ALL.values(), ids=ALL)
def test_a_dashboard_can_be_found_and_provisioned(dashboard: Dashboard) -> None:
    raw = dashboard.raw
    assert raw["uid"] == dashboard.file.stem
    assert raw["title"].startswith("Winux: ")
    assert raw["description"]
    assert raw["tags"] == ["winux"]
    assert raw["schemaVersion"] == 39
    assert "id" not in raw, "the number of a dashboard belongs to one Grafana"
    assert (raw["refresh"], raw["time"]) == ("30s", {"from": "now-3h", "to": "now"})
    assert [(link["type"], link["tags"], link["keepTime"], link["includeVars"]) for link in raw["links"]] == [
        ("dashboards", ["winux"], True, True)
    ]


def test_the_files_of_provisioning_are_read_as_meant() -> None:
    provisioning = ROOT / "deploy" / "grafana" / "provisioning"
    boards = yaml.safe_load((provisioning / "dashboards" / "winux.yaml").read_text(encoding="utf-8"))
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text(encoding="utf-8"))
    scraped = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yaml").read_text(encoding="utf-8"))
    assert [(one["type"], one["allowUiUpdates"]) for one in boards["providers"]] == [("file", False)]
    (source,) = sources["datasources"]
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"], "rates would have gaps"


# -- how they look ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dashboard", ALL.values(), ids=ALL)
def test_panels_have_numbers_and_titles_of_their_own(dashboard: Dashboard) -> None:
    numbers = [panel.raw["id"] for panel in dashboard.panels] + [row["id"] for row in dashboard.rows]
    titles = [panel.title for panel in dashboard.panels]
    assert [one for one, times in Counter([*numbers, *titles]).items() if times > 1] == []


@pytest.mark.parametrize("dashboard", ALL.values(), ids=ALL)
def test_no_panel_lies_on_another_one_or_beside_the_grid(dashboard: Dashboard) -> None:
    open_ones = [panel for panel in dashboard.panels if not panel.folded]
    rows = [Panel(row, "", folded=False) for row in dashboard.rows]
    for panel in dashboard.panels:
        x, _, w, h = panel.box
        assert x >= 0, panel.title
        assert w > 0, panel.title
        assert h > 0, panel.title
        assert x + w <= 24, panel.title
    together = {"": [*open_ones, *rows]}
    for panel in dashboard.panels:
        if panel.folded:
            together.setdefault(panel.row, []).append(panel)
    for group in together.values():
        for one, other in itertools.combinations(group, 2):
            assert not overlap(one.box, other.box), (one.title, other.title)


def overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    (ax, ay, aw, ah), (bx, by, bw, bh) = one, other
    return ax < bx + bw and bx < ax + aw and ay < by + bh and by < ay + ah


@pytest.mark.parametrize(("dashboard", "panel"), panels("asks"))
def test_a_panel_says_what_it_shows_and_when_to_worry(dashboard: Dashboard, panel: Panel) -> None:
    assert panel.title
    description = panel.raw["description"]
    assert re.match(r"[A-Z].*[.]\n\n\*\*Worry when\*\* .+[.]$", description, re.DOTALL), description
    assert panel.raw["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    known = {value for name, value in vars(units).items() if not name.startswith("_") and isinstance(value, str)}
    given = {panel.defaults.get("unit")} | {own["unit"] for own in panel.overrides.values() if "unit" in own}
    assert given <= known, f"{dashboard.title}: Grafana has no such unit"
    assert panel.targets
    assert [target.letter for target in panel.targets] == list("ABCDEFGHIJ"[: len(panel.targets)])
    for target in panel.targets:
        assert target.legend
        assert target.raw["datasource"] == panel.raw["datasource"]


@pytest.mark.parametrize(("dashboard", "panel"), panels("text"))
def test_a_panel_of_text_has_some(dashboard: Dashboard, panel: Panel) -> None:
    assert panel.raw["options"]["mode"] == "markdown"
    assert panel.raw["options"]["content"].strip(), dashboard.title


@pytest.mark.parametrize("dashboard", ALL.values(), ids=ALL)
def test_colours_are_grafanas_own_for_they_fit_a_light_and_a_dark_page(dashboard: Dashboard) -> None:
    found = set(re.findall(r'"(?:color|fixedColor|iconColor)": "([^"]*)"', json.dumps(dashboard.raw)))
    assert found <= COLOURS


@pytest.mark.parametrize(("dashboard", "panel"), panels("stat"))
def test_a_big_number_tells_by_more_than_its_colour(dashboard: Dashboard, panel: Panel) -> None:
    """Red and green look the same to many: it is the number, a word or a name that says it."""
    shown = panel.raw["options"]["textMode"]
    assert shown in {"auto", "name", "value_and_name"}, dashboard.title
    for mapping in panel.defaults.get("mappings", ()):
        assert all(result["text"] for result in mapping["options"].values())


def test_the_first_row_of_the_overview_is_the_answer() -> None:
    first = [panel for panel in ALL["winux-overview"].panels if panel.box[1] == 0]
    assert {panel.kind for panel in first} == {"stat"}
    assert sum(panel.box[2] for panel in first) == 24
    assert [panel.title for panel in first][:2] == ["Controller", "Holding back"]


def test_what_grafanas_own_linter_asks_for_beyond_that() -> None:
    """Its rules for dashboards of Prometheus, in short."""
    for dashboard in ALL.values():
        assert dashboard.raw["editable"] is False
        if not dashboard.variables:
            continue
        assert dashboard.variables["datasource"]["label"] == "Data source"
        for name in ("job", "instance"):
            variable = dashboard.variables[name]
            assert (variable["label"], variable["multi"], variable["allValue"]) == (name.title(), True, ".+")
        assert all(one["refresh"] == 2 for one in dashboard.variables.values() if one["type"] == "query")
    for where, _, target in every_target():
        for selector in selectors(filled_in(target.expr, interval="1m", over="1h")):
            chosen = {label for label, _, _ in selector.matchers}
            assert selector.name == "ALERTS" or chosen >= TARGET_LABELS, f"{where}: {selector.name} is of every target"
        naked = re.findall(r"\b\w+_total\{[^}]*\}(?!\[)", target.expr)
        assert naked == [], f"{where}: a counter says nothing without rate() or increase()"


# -- what they ask ---------------------------------------------------------------------------------------------

SERIES = {
    name: family
    for family in FAMILIES
    for name in (
        [f"{family.name}{part}" for part in ("_bucket", "_sum", "_count")]
        if family.kind is Kind.HISTOGRAM
        else [family.name]
    )
}


@pytest.mark.parametrize("where", every_query())
def test_a_query_is_about_series_that_there_are(where: str) -> None:
    expr = every_query()[where]
    named = selectors(filled_in(expr, interval="1m", over="1h"))
    assert named
    usable = {"le"}
    for selector in named:
        assert selector.name in SERIES or selector.name in FOREIGN, f"there is no metric {selector.name}"
        family = SERIES.get(selector.name)
        labels = set(family.labels) if family else FOREIGN[selector.name]
        for label, value in selector.values():
            assert label in labels | TARGET_LABELS | ({"le"} if family else set()), f"{selector.name} has no {label}"
            assert family is None or may_be(family, label, value), f"{selector.name}: {label} is never {value}"
        usable |= labels
    assert grouping(expr) <= usable | TARGET_LABELS


def may_be(family: Family, label: str, value: str) -> bool:
    if label == "le":
        return any(re.fullmatch(value, str(float(bound))) for bound in family.buckets)
    known = family.labels.get(label)
    return known is None or isinstance(known, Named) or value == ".*" or value in known


@pytest.mark.parametrize(("where", "panel", "target"), list(every_target()), ids=[one[0] for one in every_target()])
def test_a_legend_names_labels_that_the_answer_has(where: str, panel: Panel, target: Target) -> None:
    in_legend = set(re.findall(r"\{\{(\w+)\}\}", target.legend))
    alone = {"instance", "job"} if not re.search(r"\b(by|sum|max|min) ?\(", target.expr) else set()
    assert in_legend <= grouping(target.expr) | alone, where
    assert panel.kind != "table" or in_legend == set(), "a table's legend is the name of a column"


def test_every_metric_is_on_some_dashboard() -> None:
    asked = {selector.name for expr in every_query().values() for selector in selectors(expr)}
    shown = {SERIES[name].name for name in asked if name in SERIES}
    assert {family.name for family in FAMILIES} - shown == {"winux_session_info"}, "which is off by default"


@pytest.mark.parametrize("dashboard", ALL.values(), ids=ALL)
def test_every_variable_is_there_and_used(dashboard: Dashboard) -> None:
    elsewhere = {key: value for key, value in dashboard.raw.items() if key not in {"templating", "links"}}
    used = variables_in(json.dumps(elsewhere)) | variables_in(json.dumps(list(dashboard.variables.values())))
    assert {name for name in used if not BUILT_IN.match(name)} == dashboard.variables.keys()
    assert all(variable["label"] for variable in dashboard.variables.values())


def test_a_link_leads_to_a_dashboard_with_what_was_chosen() -> None:
    urls = set(re.findall(r'"url": "([^"]+)"', json.dumps([dashboard.raw for dashboard in ALL.values()])))
    assert urls
    for url in urls:
        path, _, query = url.partition("?")
        there = ALL[path.removeprefix("/d/")]
        given = set(re.findall(r"var-(\w+)=", query)) | set(re.findall(r"\$\{(\w+):queryparam\}", query))
        assert given <= there.variables.keys()


def test_the_marks_in_time_are_of_events_that_there_are() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "controller").rglob("*.py"))
    assert [reason for reason in DECISIONS if f'"{reason}"' not in code] == []


def test_prometheus_can_parse_every_query(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: `apt-get install prometheus`")
    rules = [
        {"record": f"query:{number}", "expr": filled_in(expr, interval="1m", over="1h")}
        for number, expr in enumerate(every_query().values())
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

"""What all dashboards have in common: what can be chosen at the top, what is marked in time, and where links lead."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from controller.telemetry import families
from controller.telemetry.families import Family
from deploy.grafana.source.panels import BAD, DATASOURCE, ODD, PLAIN, Link
from deploy.grafana.source.queries import of, total

TAG = "winux"

_ENGAGED = ("MassDelete", "ManifestsIncomplete", "NotObserved", "ClockJumped", "Paused")
_RELEASED = ("MassDeleteReleased", "ManifestsComplete", "Observed", "ClockRight", "Resumed", "Confirmed")
DECISIONS = _ENGAGED + _RELEASED
"""Reasons of events that say when the controller began or ceased to hold back, and that somebody confirmed it."""

FIRING = 'ALERTS{alertname=~"Winux.*", alertstate="firing"}'
"""What Prometheus itself says of alerts, whichever controller they are about."""

Anno = dict[str, object]


def variables(*own: tuple[str, str, Family]) -> list[build.QueryVariable | build.DatasourceVariable]:
    """The data source, the controllers, and ``own`` labels of a metric (name, label for people, metric)."""
    source = build.DatasourceVariable("datasource").label("Data source").type("prometheus")
    job = _query("job", "Job", f"label_values({families.BUILD_INFO.name}, job)")
    instance = _query("instance", "Instance", f'label_values({families.BUILD_INFO.name}{{job=~"$job"}}, instance)')
    return [source, job, instance, *(_query(name, label, _values(name, family), ".*") for name, label, family in own)]


def marks() -> list[Anno]:
    """What is marked in time on every panel. The typed builder does not know the fields of Prometheus' annotations."""
    # A counter of events begins anew with the process, so that it cannot tell a start; the time of the start can.
    started = 'process_start_time_seconds{job=~"$job", instance=~"$instance"} * 1000'
    guards = f"{total(families.GUARD_ENGAGED, 'guard', function='max')} > 0"
    return [
        _annotation("Controller started", PLAIN, started, "instance", "{{instance}}", at_value=True),
        _annotation("Guards", ODD, guards, "guard", "{{guard}} holds the controller back"),
        _annotation("Decisions", "purple", _events(), "reason", "{{reason}}"),
        _annotation("Alerts", BAD, FIRING, "alertname,severity", "{{alertname}} fires"),
    ]


def links() -> list[build.DashboardLink]:
    """To the other dashboards, the runbook among them."""
    boards = build.DashboardLink("Winux").type(model.DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(False)
    return [boards.include_vars(True).keep_time(True).tooltip("The other dashboards, with what is chosen here")]


def to_board(title: str, uid: str, chosen: Mapping[str, str] | None = None) -> Link:
    """To another dashboard with the same controllers and time; ``chosen`` are values of its own variables."""
    kept = ["${datasource:queryparam}", "${job:queryparam}", "${instance:queryparam}", "${__url_time_range}"]
    own = [f"var-{name}={value}" for name, value in (chosen or {}).items()]
    return Link(title=title, url=f"/d/{uid}?{'&'.join([*kept, *own])}")


def _values(name: str, family: Family) -> str:
    return f"label_values({of(family)}, {name})"


def _query(name: str, label: str, query: str, every_value: str = ".+") -> build.QueryVariable:
    every = model.VariableOption(selected=True, text=["All"], value=["$__all"])
    variable = build.QueryVariable(name).label(label).datasource(DATASOURCE)
    variable.query({"query": query, "refId": f"variable-{name}"}).refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable.sort(model.VariableSort.NATURAL_ASC).multi(True).include_all(True).all_value(every_value).current(every)
    return variable


def _events() -> str:
    """Events of the last minute, by reason. ``increase`` would overlook the first of each reason: there was no 0."""
    now = of(families.EVENTS, {"reason": DECISIONS})
    before = now + " offset 1m"
    new = f"0 * sum by (reason) ({now} and on (job, instance) {of(families.BUILD_INFO)} offset 1m)"
    return f"sum by (reason) ({now}) - (sum by (reason) ({before}) or {new}) > 0"


def _annotation(name: str, colour: str, expr: str, tags: str, title: str, *, at_value: bool = False) -> Anno:
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "step": "60s",
        "tagKeys": tags,
        "titleFormat": title,
        "textFormat": "",
        "useValueForTime": at_value,
        "target": {"expr": expr, "interval": "60s", "refId": "Anno"},
    }

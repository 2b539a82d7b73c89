"""The dashboard that is looked at first: the upper row says within ten seconds whether anything is to be done."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from controller.core.incarnation import EndReason
from controller.core.model import Phase
from controller.telemetry import families as f
from deploy.grafana.source import cluster, inside, way
from deploy.grafana.source.boards import Board, Section
from deploy.grafana.source.names import (
    END_COLOURS,
    GUARDED,
    NODES_UID,
    OBSERVED,
    ON_THE_WAY,
    OVERVIEW_UID,
    PHASE_COLOURS,
    READY_COLOURS,
    RUNBOOK_UID,
    SLO_SECONDS,
    SLO_SHARE,
    TEMPLATES_UID,
)
from deploy.grafana.source.panels import (
    BAD,
    GOOD,
    NAME,
    ODD,
    PLAIN,
    Link,
    Meaning,
    Query,
    levels,
    number,
    rows,
    series,
    states,
)
from deploy.grafana.source.queries import TARGET, age, counted, increase, lasting, of, quantile, rate, total, up_to
from deploy.grafana.source.shared import FIRING, to_board, variables

_PHASES = {str(phase): colour for phase, colour in PHASE_COLOURS.items()}

_IN_TIME = up_to(f.READY_SECONDS, SLO_SECONDS, over="$__range")
_LAUNCHED = (
    f"{counted(f.READY_SECONDS, over='$__range')} "
    f"+ {increase(f.SESSIONS_ENDED, where={'reason': EndReason.NEVER_READY}, over='$__range')}"
)
"""One that was given up counts as late, as it does for the alert."""

GLANCE = [
    number(
        "Controller",
        Meaning(
            shows="Whether the controller answers, and sees manifests, Proxmox and its ledger whole (`/readyz`).",
            worry="it is down, for nothing is created and nothing is destroyed then; or not ready for minutes.",
        ),
        Query(expr=f"min(up{{{TARGET}}}) + (min({of(f.READY)}) or vector(0))", legend="controller"),
        words={0.0: ("DOWN", BAD), 1.0: ("not ready", ODD), 2.0: ("ready", GOOD)},
        trend=False,
    ),
    number(
        "Holding back",
        Meaning(
            shows="The brakes that are on, by name: while one is, the controller creates or destroys nothing.",
            worry="one is on that nobody asked for. `winux get` says why, and which command lets it go.",
        ),
        Query(
            expr=f"{total(f.GUARD_ENGAGED, 'guard', function='max')} > 0 "
            'or on () label_replace(vector(0), "guard", "nothing", "", "")',
            legend="{{guard}}",
        ),
        steps=[(1, BAD)],
        shown=NAME,
        trend=False,
    ),
    number(
        "Sessions",
        Meaning(
            shows="Desktops that answer, and sessions that are on their way there: Pending, Creating, Starting.",
            worry="many stay on their way: `Sessions by phase` below says where.",
        ),
        Query(expr=total(f.SESSIONS, where={"phase": Phase.READY}), legend="ready"),
        Query(expr=total(f.SESSIONS, where={"phase": ON_THE_WAY}), legend="on their way"),
        low=PLAIN,
        link=to_board("By template", TEMPLATES_UID),
    ),
    number(
        "Held",
        Meaning(
            shows="Sessions that wait for a brake or for room. Those whose manifest pauses them are not counted here.",
            worry="it grows while nobody paused the controller; `Why sessions wait` has the reasons.",
        ),
        Query(expr=total(f.SESSIONS_HELD, where={"reason": "!PausedByManifest"}), legend="held"),
        steps=[(1, ODD)],
    ),
    number(
        "Failing",
        Meaning(
            shows="Sessions whose last step went wrong and is tried again, and those that were given up as Failed.",
            worry="it is not 0 for minutes. `winux get sessions` and `winux describe NAME` say what failed.",
        ),
        Query(expr=total(f.SESSIONS_FAILING), legend="tried again"),
        Query(expr=total(f.SESSIONS, where={"phase": Phase.FAILED}), legend="Failed"),
        steps=[(1, ODD), (10, BAD)],
    ),
    number(
        "Left behind",
        Meaning(
            shows="Containers that should be gone: unwanted for two minutes, or their destroy has failed.",
            worry="it is not 0: a desktop lives longer than was promised, and takes the room of another one.",
        ),
        Query(expr=lasting(f.SESSIONS_ORPHANED, over="2m", least=True), legend="orphans"),
        Query(expr=lasting(f.DESTROYS_FAILING, over="2m", least=False), legend="destroy fails"),
        steps=[(1, BAD)],
    ),
    number(
        "Proxmox last seen",
        Meaning(
            shows="The time since all containers were last seen. A look is taken every two seconds.",
            worry="it grows beyond a minute: the controller is blind then, and destroys nothing.",
        ),
        Query(expr=age(f.LAST_OBSERVATION), legend="ago"),
        unit="s",
        steps=[*OBSERVED, (1e8, BAD)],
        decimals=0,
        link=to_board("By node", NODES_UID),
    ),
    number(
        f"Ready within {SLO_SECONDS} s",
        Meaning(
            shows=f"The share of sessions that were ready within {SLO_SECONDS} s, over the time shown. "
            "Those that Failed count as late.",
            worry=f"it is below {SLO_SHARE:.0%}, which is the objective; an alert watches how fast it is missed.",
        ),
        Query(expr=f"{_IN_TIME} / ({_LAUNCHED} > 0)", legend="in time"),
        unit="percentunit",
        low=BAD,
        steps=[(0.9, ODD), (SLO_SHARE, GOOD)],
        trend=False,
        decimals=1,
        link=to_board("By template", TEMPLATES_UID),
    ),
]

SESSIONS = [
    series(
        "Sessions by phase",
        Meaning(
            shows="All sessions that the controller knows, by where they are in their life.",
            worry="Pending, Creating or Starting pile up, Failed is there at all, or Terminating does not go away.",
        ),
        Query(expr=total(f.SESSIONS, "phase"), legend="{{phase}}"),
        colours=_PHASES,
        stacked=True,
    ),
    series(
        "Time to Ready",
        Meaning(
            shows="Seconds from acceptance until the desktop answers: the median, and what 95 of 100 stay below.",
            worry=f"p95 comes near {SLO_SECONDS} s. The row `Ready soon` shows which part of the way takes so long.",
        ),
        Query(expr=quantile(0.5, f.READY_SECONDS, "launch"), legend="{{launch}} p50"),
        Query(expr=quantile(0.95, f.READY_SECONDS, "launch"), legend="{{launch}} p95"),
        unit="s",
        steps=[(SLO_SECONDS, ODD)],
        colours=READY_COLOURS,
        seldom=True,
        link=to_board("By template", TEMPLATES_UID),
    ),
    series(
        "Why sessions wait",
        Meaning(
            shows="Held sessions by reason.",
            worry="the reason is a brake that nobody put on, or `NoRoom`: VMIDs, addresses or the storage are used up.",
        ),
        Query(expr=f"{total(f.SESSIONS_HELD, 'reason')} > 0", legend="{{reason}}"),
        stacked=True,
        shades="orange",
        size=(8, 7),
    ),
    series(
        "What began and what ended",
        Meaning(
            shows="Lives that began, and lives that ended by reason, in each interval.",
            worry="`NeverReady` or `UnknownOrphan` are more than single ones, or `ManifestRemoved` jumps.",
        ),
        Query(expr=increase(f.SESSIONS_ACCEPTED), legend="began"),
        Query(expr=f"{increase(f.SESSIONS_ENDED, 'reason')} > 0", legend="{{reason}}"),
        colours=END_COLOURS,
        bars=True,
        size=(8, 7),
    ),
    series(
        "Gone on time",
        Meaning(
            shows="How late sessions were destroyed after their end, and the oldest end that is still overdue.",
            worry="p95 is above 10 s, or the overdue line rises instead of falling back to 0.",
        ),
        Query(expr=quantile(0.5, f.EXPIRY_LAG), legend="lag p50"),
        Query(expr=quantile(0.95, f.EXPIRY_LAG), legend="lag p95"),
        Query(expr=total(f.EXPIRY_OVERDUE, function="max"), legend="overdue now"),
        unit="s",
        steps=[(60, BAD)],
        colours={"overdue now": "dark-red"},
        seldom=True,
        size=(8, 7),
    ),
]

SURROUNDINGS = [
    series(
        "Failed calls to Proxmox",
        Meaning(
            shows="Calls per second that failed, by the reason that Proxmox or the network gave.",
            worry="they are many, or do not cease: `NoQuorum` and `NodeDown` are to be put right at Proxmox. A few "
            "`NotFound` and `Forbidden` are how Proxmox says that a container is gone.",
        ),
        Query(expr=f"{rate(f.CALLS, 'outcome', where={'outcome': '!OK'})} > 0", legend="{{outcome}}"),
        unit="reqps",
        stacked=True,
        shades="orange",
        link=to_board("By node", NODES_UID),
        size=(6, 7),
    ),
    states(
        "Brakes over time",
        Meaning(
            shows="When the controller held back, by brake. Each brake that was on at some time is a line.",
            worry="a brake comes back again and again, or is on right now: `When it holds back` in the README.",
        ),
        Query(expr=f"{total(f.GUARD_ENGAGED, 'guard', function='max')}", legend="{{guard}}"),
        words=GUARDED,
        size=(6, 7),
    ),
    levels(
        "Room",
        Meaning(
            shows="The share of VMIDs and of each template's addresses that is used, resting or taken by others.",
            worry="one is above 80 %: sessions are Held for want of room when it is full. Widen the range.",
        ),
        Query(
            expr=f"1 - {total(f.VMIDS, where={'state': 'free'})} / {total(f.VMIDS)}",
            legend="VMIDs",
        ),
        Query(
            expr=f"{total(f.ADDRESSES, 'template', where={'state': 'used'})} / {total(f.ADDRESSES, 'template')}",
            legend="addresses of {{template}}",
        ),
        steps=[(0.8, ODD), (0.9, BAD)],
        size=(4, 7),
    ),
    rows(
        "Templates",
        Meaning(
            shows="Sessions by template: those that are ready, and all. A click shows one template alone.",
            worry="a template has many sessions and few that are ready, while the others do well.",
        ),
        "template",
        Query(expr=total(f.SESSIONS, "template", where={"phase": Phase.READY}), legend="ready"),
        Query(expr=total(f.SESSIONS, "template"), legend="all"),
        link=to_board("This template", TEMPLATES_UID, {"template": "${__value.raw}"}),
        size=(4, 7),
    ),
    rows(
        "Alerts",
        Meaning(
            shows="Alerts that fire now, if Prometheus has the rules of `deploy/prometheus`.",
            worry="there is a critical one. A click leads to what to do.",
        ),
        "alertname",
        Query(expr=f"count by (alertname, severity) ({FIRING})", legend="firing"),
        link=Link(title="What to do", url=f"/d/{RUNBOOK_UID}"),
        empty="none fires",
        size=(4, 7),
    ),
]

FOLDED: dict[str, Sequence[Builder[Panel]]] = {
    "Ready soon": way.READY,
    "Proxmox": cluster.PROXMOX,
    "Tasks of Proxmox": cluster.TASKS,
    "Capacity": cluster.CAPACITY,
    "Work queue": inside.QUEUE,
    "Manifests": inside.MANIFESTS,
    "Ledger": inside.LEDGER,
    "Controller's process": inside.PROCESS,
    "Events": inside.EVENTS,
}

OVERVIEW = Board(
    uid=OVERVIEW_UID,
    title="Winux: overview",
    description="Whether all is well with the desktops, and where to look if not. The upper row is the answer.",
    variables=variables(),
    sections=[
        Section(panels=GLANCE),
        Section(title="Sessions", panels=SESSIONS),
        Section(title="What may keep them", panels=SURROUNDINGS),
        *(Section(title=title, folded=True, panels=panels) for title, panels in FOLDED.items()),
    ],
)

"""The dashboard of session templates: how each one does, to be compared or looked at alone."""

from __future__ import annotations

from controller.core.model import Phase
from controller.telemetry import families as f
from deploy.grafana.source.boards import Board, Section
from deploy.grafana.source.names import PHASE_COLOURS, SLO_SECONDS, SLO_SHARE, TEMPLATES_UID
from deploy.grafana.source.panels import BAD, GOOD, ODD, PLAIN, Meaning, Query, number, rows, series, spread
from deploy.grafana.source.queries import buckets, counted, increase, quantile, total, up_to
from deploy.grafana.source.shared import to_board, variables

CHOSEN = {"template": "$template"}

NUMBERS = [
    number(
        "Sessions",
        Meaning(
            shows="Sessions of the chosen templates that are ready, and all of them.",
            worry="the two stay apart while other templates do well.",
        ),
        Query(expr=total(f.SESSIONS, where={"phase": Phase.READY, **CHOSEN}), legend="ready"),
        Query(expr=total(f.SESSIONS, where=CHOSEN), legend="all"),
        low=PLAIN,
        size=(6, 4),
    ),
    number(
        "Began",
        Meaning(
            shows="Lives of the chosen templates that began, over the time shown.",
            worry="it is far more than sessions that were asked for: they are made again and again.",
        ),
        Query(expr=increase(f.SESSIONS_ACCEPTED, where=CHOSEN, over="$__range"), legend="began"),
        low=PLAIN,
        trend=False,
        decimals=0,
        size=(6, 4),
    ),
    number(
        "Held or Failed",
        Meaning(
            shows="Sessions of the chosen templates that wait for something, or that were given up.",
            worry="Failed is not 0: the image, the template or the network of its guests is wrong.",
        ),
        Query(expr=total(f.SESSIONS, where={"phase": Phase.HELD, **CHOSEN}), legend="Held"),
        Query(expr=total(f.SESSIONS, where={"phase": Phase.FAILED, **CHOSEN}), legend="Failed"),
        steps=[(1, ODD)],
        size=(6, 4),
    ),
    number(
        f"Ready within {SLO_SECONDS} s",
        Meaning(
            shows=f"The share of sessions that were ready within {SLO_SECONDS} s, over the time shown.",
            worry="one template is below the others: a large image, or a container template on slow storage.",
        ),
        Query(
            expr=f"{up_to(f.READY_SECONDS, SLO_SECONDS, where=CHOSEN, over='$__range')} "
            f"/ ({counted(f.READY_SECONDS, where=CHOSEN, over='$__range')} > 0)",
            legend="in time",
        ),
        unit="percentunit",
        low=BAD,
        steps=[(0.9, ODD), (SLO_SHARE, GOOD)],
        trend=False,
        decimals=1,
        size=(6, 4),
    ),
]

COMPARED = [
    rows(
        "Templates side by side",
        Meaning(
            shows="Each template with its sessions, the lives that began and were ready, and how soon.",
            worry="one has many that began and few that were ready, or takes much longer than the others.",
        ),
        "template",
        Query(expr=total(f.SESSIONS, "template", where={"phase": Phase.READY, **CHOSEN}), legend="ready"),
        Query(expr=total(f.SESSIONS, "template", where={"phase": Phase.HELD, **CHOSEN}), legend="held"),
        Query(expr=increase(f.SESSIONS_ACCEPTED, "template", where=CHOSEN, over="$__range"), legend="began"),
        Query(expr=counted(f.READY_SECONDS, "template", where=CHOSEN, over="$__range"), legend="became ready"),
        Query(expr=quantile(0.5, f.READY_SECONDS, "template", where=CHOSEN, over="$__range"), legend="p50"),
        Query(expr=quantile(0.95, f.READY_SECONDS, "template", where=CHOSEN, over="$__range"), legend="p95"),
        units={"p50": "s", "p95": "s"},
        link=to_board("This one alone", TEMPLATES_UID, {"template": "${__value.raw}"}),
        size=(24, 6),
    ),
    series(
        "Sessions by template",
        Meaning(
            shows="All sessions, by template.",
            worry="a template takes so many that there is no room for the others.",
        ),
        Query(expr=total(f.SESSIONS, "template", where=CHOSEN), legend="{{template}}"),
        stacked=True,
    ),
    series(
        "Sessions by phase",
        Meaning(
            shows="The sessions of the chosen templates, by where they are in their life.",
            worry="Creating or Starting pile up, or Failed is there at all.",
        ),
        Query(expr=total(f.SESSIONS, "phase", where=CHOSEN), legend="{{phase}}"),
        colours={str(phase): colour for phase, colour in PHASE_COLOURS.items()},
        stacked=True,
    ),
]

SOON = [
    series(
        "Time to Ready, p95",
        Meaning(
            shows="What 95 of 100 sessions stay below from acceptance until the desktop answers, by template.",
            worry=f"a line comes near {SLO_SECONDS} s.",
        ),
        Query(
            expr=quantile(0.95, f.READY_SECONDS, "template", "launch", where=CHOSEN),
            legend="{{template}} by {{launch}}",
        ),
        unit="s",
        steps=[(SLO_SECONDS, ODD)],
        seldom=True,
        size=(8, 8),
    ),
    spread(
        "How long sessions took",
        Meaning(
            shows="Sessions of the chosen templates that became ready, by seconds: the darker, the more.",
            worry="the dark band climbs, or splits in two.",
        ),
        Query(expr=buckets(f.READY_SECONDS, where=CHOSEN), legend="{{le}}"),
        unit="s",
        size=(8, 8),
    ),
    series(
        "Lives that began",
        Meaning(
            shows="Lives that began in each interval, by template and by how they come to their container.",
            worry="many begin although nothing was asked for: desktops do not last.",
        ),
        Query(
            expr=f"{increase(f.SESSIONS_ACCEPTED, 'template', 'launch', where=CHOSEN)} > 0",
            legend="{{template}} by {{launch}}",
        ),
        bars=True,
        size=(8, 8),
    ),
    series(
        "Addresses",
        Meaning(
            shows="Addresses that are used and free, by template; those with DHCP are not here.",
            worry="none are free: more sessions of that template are Held.",
        ),
        Query(expr=total(f.ADDRESSES, "template", "state", where=CHOSEN), legend="{{template}} {{state}}"),
        size=(24, 7),
    ),
]

TEMPLATES = Board(
    uid=TEMPLATES_UID,
    title="Winux: templates",
    description="How sessions of each template do: how many, how soon, and whether there are addresses for more.",
    variables=variables(("template", "Template", f.SESSIONS)),
    sections=[
        Section(panels=NUMBERS),
        Section(title="Side by side", panels=COMPARED),
        Section(title="Ready soon", panels=SOON),
    ],
)

"""The overview's folded row about the way of sessions to Ready."""

from __future__ import annotations

from controller.telemetry import families as f
from deploy.grafana.source.names import SLO_SECONDS
from deploy.grafana.source.panels import BAD, Meaning, Query, series, spread
from deploy.grafana.source.queries import buckets, increase, quantile, total

READY = [
    series(
        "Parts of the way to Ready",
        Meaning(
            shows="What 95 of 100 sessions stay below, by part: waiting until the container is asked for, making it, "
            "starting until the desktop answers.",
            worry="waiting grows: nodes are busy. Making: storage. Starting: the image or the guests' network.",
        ),
        Query(expr=quantile(0.95, f.READY_PART_SECONDS, "launch", "part"), legend="{{launch}} {{part}}"),
        unit="s",
        seldom=True,
        size=(6, 8),
    ),
    spread(
        "How long sessions took",
        Meaning(
            shows="Sessions that became ready, by seconds from their acceptance: the darker, the more.",
            worry=f"the dark band climbs above {SLO_SECONDS} s, or splits in two: some nodes or templates are slow.",
        ),
        Query(expr=buckets(f.READY_SECONDS), legend="{{le}}"),
        unit="s",
        size=(6, 8),
    ),
    series(
        "Oldest that is not ready",
        Meaning(
            shows="The age of the oldest session that is to become ready, is not held, and is not ready yet.",
            worry="the line climbs for minutes: `winux get sessions` shows whom it is about.",
        ),
        Query(expr=total(f.OLDEST_UNREADY, function="max"), legend="oldest"),
        unit="s",
        steps=[(300, BAD)],
        size=(6, 8),
    ),
    series(
        "Containers given up",
        Meaning(
            shows="Containers that never became ready, in each interval: another one is made, at most three in a row.",
            worry="there are any for long: nothing answers in them; look at the image and the guests' network.",
        ),
        Query(expr=increase(f.GIVEN_UP), legend="given up"),
        colours={"given up": "dark-red"},
        bars=True,
        size=(6, 8),
    ),
]

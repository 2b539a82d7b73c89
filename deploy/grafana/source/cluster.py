"""The overview's folded rows about Proxmox: the cluster, its tasks, and how much room there is."""

from __future__ import annotations

from controller.telemetry import families as f
from deploy.grafana.source.names import OBSERVED, ONLINE
from deploy.grafana.source.panels import BAD, GOOD, ODD, PLAIN, Meaning, Query, number, series, states
from deploy.grafana.source.queries import age, counted, increase, of, quantile, rate, total

DAY = 86400

PROXMOX = [
    states(
        "Quorum and nodes",
        Meaning(
            shows="Whether Proxmox has a quorum, and which of its nodes were online when.",
            worry="the quorum is lost: nothing can be changed. Sessions on an offline node stay there.",
        ),
        Query(expr=total(f.QUORATE, function="min"), legend="quorum"),
        Query(expr=total(f.NODE_UP, "node", function="min"), legend="{{node}}"),
        words=ONLINE,
        size=(12, 7),
    ),
    number(
        "Token expires in",
        Meaning(
            shows="How long the API token is still valid. Without a date it never expires.",
            worry="it is less than two weeks: move its end in time, for without it nothing goes on.",
        ),
        Query(expr=f"min({of(f.TOKEN_EXPIRY)}) - time()", legend="token"),
        unit="s",
        low=BAD,
        steps=[(14 * DAY, ODD), (30 * DAY, GOOD)],
        trend=False,
        decimals=0,
        empty="no date",
        size=(3, 7),
    ),
    number(
        "Certificate expires in",
        Meaning(
            shows="How long the certificate that Proxmox shows is still valid.",
            worry="it is less than ten days: Proxmox renews its own two weeks before, so that has gone wrong.",
        ),
        Query(expr=f"min({of(f.CERTIFICATE_EXPIRY)}) - time()", legend="certificate"),
        unit="s",
        low=BAD,
        steps=[(10 * DAY, ODD), (14 * DAY, GOOD)],
        trend=False,
        decimals=0,
        size=(3, 7),
    ),
    number(
        "Left alone",
        Meaning(
            shows="Containers that carry our marker, and that no session accounts for.",
            worry="it is not 0: somebody has to say whose they are. `winux get` names them.",
        ),
        Query(expr=total(f.CONTAINERS_UNACCOUNTED), legend="containers"),
        steps=[(1, ODD)],
        size=(3, 7),
    ),
    number(
        "Lock waits",
        Meaning(
            shows="Operations that another one kept waiting, over the time shown.",
            worry="it is a large part of all operations: fewer of them at once would be faster.",
        ),
        Query(expr=increase(f.LOCK_WAITS, over="$__range"), legend="lock waits"),
        low=PLAIN,
        trend=False,
        decimals=0,
        size=(3, 7),
    ),
    series(
        "Calls",
        Meaning(
            shows="Calls per second by operation, without those that are hardly ever made.",
            worry="it multiplies while as many sessions are there as before: something is asked again and again.",
        ),
        Query(expr=f"{rate(f.CALLS, 'operation')} > 0", legend="{{operation}}"),
        unit="reqps",
        stacked=True,
    ),
    series(
        "Duration of calls, p95",
        Meaning(
            shows="What 95 of 100 calls stay below, by operation.",
            worry="it comes near 10 s: a container's lock is waited for; at 35 s the controller gives up.",
        ),
        Query(expr=quantile(0.95, f.CALL_SECONDS, "operation"), legend="{{operation}}"),
        unit="s",
        steps=[(10, ODD)],
        seldom=True,
    ),
    series(
        "Time since Proxmox was seen",
        Meaning(
            shows="The age of the last look at all containers.",
            worry="it is a saw with high teeth, or a slope: Proxmox is slow, or does not answer.",
        ),
        Query(expr=age(f.LAST_OBSERVATION), legend="age"),
        unit="s",
        steps=OBSERVED,
        size=(8, 7),
    ),
    series(
        "Calls and operations in progress",
        Meaning(
            shows="Calls on their way, calls that wait for a place, and operations with the number that there may be.",
            worry="calls wait for long, or operations stay at their limit while sessions wait.",
        ),
        Query(expr=total(f.CALLS_IN_FLIGHT), legend="calls"),
        Query(expr=total(f.CALLS_WAITING), legend="calls waiting"),
        Query(expr=total(f.OPERATIONS_IN_FLIGHT), legend="operations"),
        Query(expr=total(f.OPERATIONS_LIMIT), legend="operations allowed"),
        size=(8, 7),
    ),
    series(
        "Our containers",
        Meaning(
            shows="Containers of the controller as Proxmox last told, by status.",
            worry="stopped ones stay, or there are more than sessions.",
        ),
        Query(expr=total(f.CONTAINERS, "status"), legend="{{status}}"),
        colours={"running": "semi-dark-blue", "stopped": "orange", "unknown": "purple"},
        stacked=True,
        size=(8, 7),
    ),
]

TASKS = [
    series(
        "Duration of tasks, p95",
        Meaning(
            shows="What 95 of 100 tasks of Proxmox stay below from our call until their end was seen, by type.",
            worry="`vzcreate` or `vzclone` grow: storage is slow, or too much is made at once.",
        ),
        Query(expr=quantile(0.95, f.TASK_SECONDS, "type"), legend="{{type}}"),
        unit="s",
        seldom=True,
    ),
    series(
        "Ends of tasks",
        Meaning(
            shows="Tasks that ended in each interval, by type and exit.",
            worry="there is anything but `OK`: `winux describe` tells what `failed`; `lost` ones ended unseen.",
        ),
        Query(expr=f"{counted(f.TASK_SECONDS, 'type', 'exit')} > 0", legend="{{type}} {{exit}}"),
        bars=True,
    ),
]

CAPACITY = [
    series(
        "VMIDs",
        Meaning(
            shows="The VMIDs of the controller's range: of its sessions, resting after use, taken by others, free.",
            worry="the free ones come to an end: no session can be made then.",
        ),
        Query(expr=total(f.VMIDS, "state"), legend="{{state}}"),
        colours={"used": "semi-dark-blue", "resting": "light-blue", "foreign": "orange", "free": "super-light-blue"},
        stacked=True,
    ),
    series(
        "Free addresses",
        Meaning(
            shows="Addresses that are left, by template; templates with DHCP are not here.",
            worry="a line comes near 0: sessions of that template are Held for want of an address.",
        ),
        Query(expr=total(f.ADDRESSES, "template", where={"state": "free"}), legend="{{template}}"),
    ),
]

"""The overview's folded rows about the controller itself: its queue, what it reads, keeps and tells, its process."""

from __future__ import annotations

from controller.telemetry import families as f
from deploy.grafana.source.names import TRUE
from deploy.grafana.source.panels import BAD, BOTH, NAME, ODD, PLAIN, Meaning, Query, number, series
from deploy.grafana.source.queries import TARGET, age, increase, of, quantile, rate, total

QUEUE = [
    series(
        "Work queue",
        Meaning(
            shows="Sessions that are due and not taken, that wait for a moment, and that are worked on.",
            worry="those that are due stay above 0: the workers are too few, or hang in calls.",
        ),
        Query(expr=total(f.QUEUE_DEPTH), legend="due"),
        Query(expr=total(f.QUEUE_DELAYED), legend="for later"),
        Query(expr=total(f.QUEUE_PROCESSING), legend="worked on"),
        size=(8, 7),
    ),
    series(
        "Time in the queue and at work",
        Meaning(
            shows="What 95 of 100 stay below: due until taken, and worked on; and the longest work in progress.",
            worry="the queue's line is above 1 s, or the longest runs for minutes: a worker is stuck.",
        ),
        Query(expr=quantile(0.95, f.QUEUE_SECONDS), legend="queue p95"),
        Query(expr=quantile(0.95, f.WORK_SECONDS), legend="work p95"),
        Query(expr=total(f.QUEUE_LONGEST, function="max"), legend="longest running"),
        unit="s",
        seldom=True,
        size=(8, 7),
    ),
    series(
        "Added and tried again",
        Meaning(
            shows="Keys that became due, and keys that failed and wait for their backoff, per second.",
            worry="what is tried again comes near what is added: something fails for all sessions.",
        ),
        Query(expr=rate(f.QUEUE_ADDS), legend="added"),
        Query(expr=rate(f.QUEUE_RETRIES), legend="tried again"),
        unit="ops",
        size=(8, 7),
    ),
    series(
        "Looks at sessions",
        Meaning(
            shows="How the looks at single sessions ended, per second.",
            worry="`error` stays, or `panic` appears at all: that is a defect of the controller, and its log has more.",
        ),
        Query(expr=rate(f.RECONCILES, "result"), legend="{{result}}"),
        unit="ops",
        colours={"done": "semi-dark-blue", "again": "light-blue", "error": "orange", "panic": "dark-red"},
        stacked=True,
    ),
    series(
        "Duration of a look",
        Meaning(
            shows="The median of one look at one session, and what 95 and 99 of 100 stay below.",
            worry="p95 is above some seconds: looks wait for Proxmox.",
        ),
        *(
            Query(expr=quantile(share, f.RECONCILE_SECONDS), legend=f"p{share * 100:.0f}")
            for share in (0.5, 0.95, 0.99)
        ),
        unit="s",
    ),
]

MANIFESTS = [
    series(
        "What manifests ask for",
        Meaning(
            shows="Files at the last scan, the sessions that they ask for, and mistakes in them.",
            worry="mistakes stay: what is wrong in a file does not take effect. `winux get` names file and line.",
        ),
        Query(expr=total(f.FILES), legend="files"),
        Query(expr=total(f.SESSIONS_DESIRED), legend="sessions"),
        Query(expr=total(f.PROBLEMS), legend="mistakes"),
        colours={"files": "light-blue", "sessions": "semi-dark-blue", "mistakes": "dark-red"},
        size=(8, 7),
    ),
    series(
        "Time since the last good scan",
        Meaning(
            shows="The age of the last time when all manifests could be read.",
            worry="it grows beyond minutes: what is changed in the directory has no effect.",
        ),
        Query(expr=age(f.LAST_GOOD_SCAN), legend="age"),
        unit="s",
        steps=[(300, BAD)],
        size=(8, 7),
    ),
    series(
        "Duration of scans",
        Meaning(
            shows="The median of a scan of the directory, and what 95 of 100 stay below.",
            worry="it is above some seconds: the directory lies on a slow network, or holds very many files.",
        ),
        Query(expr=quantile(0.5, f.SCAN_SECONDS), legend="p50"),
        Query(expr=quantile(0.95, f.SCAN_SECONDS), legend="p95"),
        unit="s",
        seldom=True,
        size=(8, 7),
    ),
    number(
        "Commit of the manifests",
        Meaning(
            shows="The git commit that the directory of manifests is at, where it is a checkout.",
            worry="it is not the one that was pushed: git-sync hangs.",
        ),
        Query(expr=f"max by (revision) ({of(f.REVISION)})", legend="{{revision}}"),
        unit="none",
        low=PLAIN,
        shown=NAME,
        empty="no checkout",
        trend=False,
        size=(12, 4),
    ),
    number(
        "Kernel tells of changes",
        Meaning(
            shows="Whether changes of files are told by the kernel at once, or are found by scans alone.",
            worry="it says no for long: changes take up to half a minute then, and nothing else is wrong.",
        ),
        Query(expr=total(f.WATCH_WORKING, function="min"), legend="watch"),
        unit="none",
        words=TRUE,
        trend=False,
        size=(6, 4),
    ),
    number(
        "Watch set up again",
        Meaning(
            shows="Times that the watch on the directory had to be set up again, over the time shown.",
            worry="it counts on and on; once after the directory was replaced is as it should be.",
        ),
        Query(expr=increase(f.WATCH_RESTARTS, over="$__range"), legend="times"),
        steps=[(10, ODD)],
        trend=False,
        decimals=0,
        size=(6, 4),
    ),
]

LEDGER = [
    series(
        "Duration of writes",
        Meaning(
            shows="The median of a write to the ledger, and what 95 and 99 of 100 stay below.",
            worry="p99 is above 0.25 s: the disk is slow, and each step of a session waits for it.",
        ),
        *(Query(expr=quantile(share, f.LEDGER_SECONDS), legend=f"p{share * 100:.0f}") for share in (0.5, 0.95, 0.99)),
        unit="s",
        steps=[(0.25, ODD)],
        size=(8, 7),
    ),
    series(
        "Size",
        Meaning(
            shows="The size of the ledger's files; on a database server it is not told.",
            worry="it grows without an end: events and tombstones are removed after their time.",
        ),
        Query(expr=total(f.LEDGER_BYTES), legend="bytes"),
        unit="bytes",
        size=(8, 7),
    ),
    series(
        "Lives",
        Meaning(
            shows="Lives in the ledger: living, and ended ones that are remembered while their manifest is there.",
            worry="the ended ones only grow: manifests of sessions that are over are never removed.",
        ),
        Query(expr=total(f.LEDGER_LIVES, "state"), legend="{{state}}"),
        colours={"living": "semi-dark-blue", "ended": "light-purple"},
        stacked=True,
        size=(8, 7),
    ),
]

PROCESS = [
    series(
        "Processor",
        Meaning(
            shows="The processor time that the controller takes; 100 % is one core.",
            worry="it stays near 100 %: looks wait for each other then.",
        ),
        Query(expr=f"rate(process_cpu_seconds_total{{{TARGET}}}[$__rate_interval])", legend="{{instance}}"),
        unit="percentunit",
        size=(6, 7),
    ),
    series(
        "Memory",
        Meaning(
            shows="The memory that the controller holds.",
            worry="it grows from day to day while as many sessions are there.",
        ),
        Query(expr=f"process_resident_memory_bytes{{{TARGET}}}", legend="{{instance}}"),
        unit="bytes",
        size=(6, 7),
    ),
    series(
        "Open files",
        Meaning(
            shows="File descriptors that are open, and how many there may be.",
            worry="the lines come near each other.",
        ),
        Query(expr=f"process_open_fds{{{TARGET}}}", legend="{{instance}} open"),
        size=(6, 7),
    ),
    series(
        "Silence of threads",
        Meaning(
            shows="The time since each thread last gave a sign of life.",
            worry="one climbs above a minute: systemd restarts a controller whose threads are stuck.",
        ),
        Query(expr=total(f.THREAD_AGE, "thread", function="max"), legend="{{thread}}"),
        unit="s",
        steps=[(60, BAD)],
        size=(6, 7),
    ),
    number(
        "Version",
        Meaning(
            shows="The version that runs, and how long.",
            worry="several versions are here at once for longer than an upgrade takes.",
        ),
        Query(
            expr=f"time() - max by (version) (process_start_time_seconds{{{TARGET}}} "
            f"* on (job, instance) group_right {of(f.BUILD_INFO)})",
            legend="{{version}}",
        ),
        unit="s",
        low=PLAIN,
        trend=False,
        shown=BOTH,
        decimals=0,
        size=(18, 4),
    ),
    number(
        "Loops started again",
        Meaning(
            shows="Loops of the controller that ended unasked and were started again, over the time shown.",
            worry="it is not 0: that is a defect of the controller, and its log has more.",
        ),
        Query(expr=increase(f.THREAD_RESTARTS, over="$__range"), legend="times"),
        steps=[(1, BAD)],
        trend=False,
        decimals=0,
        size=(6, 4),
    ),
]

EVENTS = [
    series(
        "Events by reason",
        Meaning(
            shows="What was decided and done, in each interval, by reason.",
            worry="a reason that is usually rare fills the panel. `winux events -w` has the sentences.",
        ),
        Query(expr=f"{increase(f.EVENTS, 'reason')} > 0", legend="{{reason}}"),
        bars=True,
        size=(8, 8),
    ),
    series(
        "Warnings by reason",
        Meaning(
            shows="Those events that are warnings.",
            worry="there are any for long.",
        ),
        Query(expr=f"{increase(f.EVENTS, 'reason', where={'type': 'Warning'})} > 0", legend="{{reason}}"),
        bars=True,
        shades="orange",
        size=(8, 8),
    ),
    series(
        "Events sent on",
        Meaning(
            shows="Events that were sent to a file or a webhook, by outcome, per second, and those that were dropped.",
            worry="`failed` stays, or anything is dropped: the receiver was away for longer than events are kept.",
        ),
        Query(expr=rate(f.DELIVERIES, "sink", "outcome"), legend="{{sink}} {{outcome}}"),
        Query(expr=rate(f.DROPPED, "sink"), legend="{{sink}} dropped"),
        unit="ops",
        size=(8, 8),
    ),
    series(
        "Events that wait to be sent",
        Meaning(
            shows="How many events wait to be sent on, by receiver.",
            worry="the line climbs: the receiver refuses, or is slower than events come.",
        ),
        Query(expr=total(f.UNDELIVERED, "sink"), legend="{{sink}}"),
    ),
    series(
        "Age of the oldest that waits",
        Meaning(
            shows="How old the oldest event is that waits to be sent on, by receiver.",
            worry="it is above some minutes: the receiver does not take it.",
        ),
        Query(expr=total(f.UNDELIVERED_AGE, "sink", function="max"), legend="{{sink}}"),
        unit="s",
        steps=[(600, BAD)],
    ),
]

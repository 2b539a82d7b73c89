"""The dashboard of Proxmox's nodes: what runs on each, what is in progress there, and how much there may be."""

from __future__ import annotations

from controller.telemetry import families as f
from deploy.grafana.source.boards import Board, Section
from deploy.grafana.source.names import NODES_UID, ONLINE
from deploy.grafana.source.panels import BAD, ODD, PLAIN, Meaning, Query, number, rows, series, states
from deploy.grafana.source.queries import increase, of, quantile, total
from deploy.grafana.source.shared import to_board, variables

CHOSEN = {"node": "$node"}


def _or_cluster(expr: str) -> str:
    return f'label_replace({expr}, "node", "cluster", "node", "")'


NUMBERS = [
    number(
        "Nodes offline",
        Meaning(
            shows="Chosen nodes of the cluster that are offline.",
            worry="it is not 0: the sessions there cannot be reached, and end only when the node is back.",
        ),
        Query(expr=f"count({of(f.NODE_UP, CHOSEN)} == 0) or vector(0)", legend="offline"),
        steps=[(1, BAD)],
        size=(6, 4),
    ),
    number(
        "Containers running",
        Meaning(
            shows="Containers of ours that run on the chosen nodes, as Proxmox last told.",
            worry="it falls while no session ends.",
        ),
        Query(expr=total(f.CONTAINERS, where={"status": "running", **CHOSEN}), legend="running"),
        low=PLAIN,
        size=(6, 4),
    ),
    number(
        "Operations in progress",
        Meaning(
            shows="Creates, starts and destroys in progress on the chosen nodes, and how many there may be now.",
            worry="both are equal while sessions wait; the limit is lowered for a while after waits for locks.",
        ),
        Query(expr=total(f.OPERATIONS_IN_FLIGHT, where=CHOSEN), legend="in progress"),
        Query(expr=total(f.OPERATIONS_LIMIT, where=CHOSEN), legend="allowed"),
        low=PLAIN,
        size=(6, 4),
    ),
    number(
        "Calls that wait",
        Meaning(
            shows="Calls to the chosen nodes that wait for a place.",
            worry="it stays above 0: a node answers slowly.",
        ),
        Query(expr=total(f.CALLS_WAITING, where=CHOSEN), legend="waiting"),
        steps=[(1, ODD), (10, BAD)],
        size=(6, 4),
    ),
]

COMPARED = [
    states(
        "Nodes online",
        Meaning(
            shows="Which node was online when.",
            worry="a node comes and goes, or is offline now.",
        ),
        Query(expr=total(f.NODE_UP, "node", function="min", where=CHOSEN), legend="{{node}}"),
        words=ONLINE,
        size=(12, 7),
    ),
    rows(
        "Nodes side by side",
        Meaning(
            shows="Each node with its containers, and the operations and calls in progress there.",
            worry="one stands out: stopped containers, or operations that pile up.",
        ),
        "node",
        Query(expr=total(f.CONTAINERS, "node", where={"status": "running", **CHOSEN}), legend="running"),
        Query(expr=total(f.CONTAINERS, "node", where={"status": "stopped", **CHOSEN}), legend="stopped"),
        Query(expr=total(f.OPERATIONS_IN_FLIGHT, "node", where=CHOSEN), legend="operations"),
        Query(expr=total(f.OPERATIONS_LIMIT, "node", where=CHOSEN), legend="allowed"),
        link=to_board("This one alone", NODES_UID, {"node": "${__value.raw}"}),
        size=(12, 7),
    ),
    series(
        "Containers by node",
        Meaning(
            shows="Containers of ours, by node and status, as Proxmox last told.",
            worry="one node has far more than its share, or stopped ones stay.",
        ),
        Query(expr=f"{total(f.CONTAINERS, 'node', 'status', where=CHOSEN)} > 0", legend="{{node}} {{status}}"),
        stacked=True,
    ),
    series(
        "Operations by node",
        Meaning(
            shows="Creates, starts and destroys in progress, by node, and how many there may be.",
            worry="a node stays at its limit; when the limit falls, operations waited for each other's locks.",
        ),
        Query(expr=total(f.OPERATIONS_IN_FLIGHT, "node", where=CHOSEN), legend="{{node}}"),
        Query(expr=total(f.OPERATIONS_LIMIT, "node", where=CHOSEN), legend="{{node}} allowed"),
    ),
    series(
        "Calls by node",
        Meaning(
            shows="Calls on their way and calls that wait for a place, by node; `cluster`: to no node in particular.",
            worry="calls wait at one node only: it answers slowly.",
        ),
        Query(expr=_or_cluster(total(f.CALLS_IN_FLIGHT, "node", where=CHOSEN)), legend="{{node}}"),
        Query(expr=_or_cluster(total(f.CALLS_WAITING, "node", where=CHOSEN)), legend="{{node}} waiting"),
        size=(8, 8),
    ),
    series(
        "Tasks of all nodes, p95",
        Meaning(
            shows="What 95 of 100 tasks stay below, by type; Proxmox's tasks are not counted by node.",
            worry="they grow while a node is busy with something else, such as a backup.",
        ),
        Query(expr=quantile(0.95, f.TASK_SECONDS, "type"), legend="{{type}}"),
        unit="s",
        seldom=True,
        size=(8, 8),
    ),
    series(
        "Lock waits of all nodes",
        Meaning(
            shows="Operations that another one kept waiting, in each interval.",
            worry="they go on: too much is done at once on a node, by us or by others.",
        ),
        Query(expr=increase(f.LOCK_WAITS), legend="lock waits"),
        bars=True,
        size=(8, 8),
    ),
]

NODES = Board(
    uid=NODES_UID,
    title="Winux: nodes",
    description="What runs on each node of the Proxmox cluster, and whether one of them holds the others up.",
    variables=variables(("node", "Node", f.CONTAINERS)),
    sections=[Section(panels=NUMBERS), Section(title="Side by side", panels=COMPARED)],
)

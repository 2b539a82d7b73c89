"""``GET /``: a small read-only page of containers and tasks, for whoever opens the URL in a browser."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from controller.node.cluster import Cluster
from controller.node.wire import Reply

_TASKS = 25
_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width"><title>Winux node</title><style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #8884}
</style></head><body>"""


def page(cluster: Cluster) -> Reply:
    """No secret is in it: neither tokens nor descriptions."""
    guests = [
        (
            str(guest.vmid),
            guest.name,
            guest.node,
            cluster.access.pool_of.get(guest.vmid, ""),
            "template" if guest.template else "running" if guest.running else "stopped",
            guest.lock or "",
            ", ".join(cluster.engine.addresses(guest.vmid)),
        )
        for guest in sorted(cluster.guests.values(), key=lambda guest: guest.vmid)
    ]
    tasks = sorted(cluster.tasks.all.values(), key=lambda task: (task.started, task.pid), reverse=True)[:_TASKS]
    rows = [
        (
            datetime.fromtimestamp(task.started, UTC).strftime("%H:%M:%S"),
            task.node,
            task.kind,
            task.subject,
            task.owner.authid,
            task.exit_status or "running",
        )
        for task in tasks
    ]
    html = (
        f"{_HEAD}<h1>Winux node</h1><p>{escape(', '.join(cluster.nodes))}: {len(guests)} containers in memory. "
        "The API is under <code>/api2/json</code>.</p><h2>Containers</h2>"
        + _table(("VMID", "Name", "Node", "Pool", "Status", "Lock", "Address"), guests)
        + "<h2>Tasks (UTC)</h2>"
        + _table(("Start", "Node", "Type", "Id", "User", "Status"), rows)
        + "</body></html>"
    )
    return Reply(body=html.encode(), content_type="text/html;charset=UTF-8")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    titles = "".join(f"<th scope=col>{escape(title)}</th>" for title in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"

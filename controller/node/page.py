"""``GET /``: a read-only page for whoever opens the URL in a browser: what is there now, what runs and what ran.

It asks for no credentials: the node listens on loopback only, so that those who read it have an account on this
machine. It therefore shows what is no secret: names, places and states, the names of users and tokens, and neither
descriptions nor configs. Unlike ``/cluster/resources`` it is live. It works without a script, in which case it reloads
itself; how it looks is in ``page_head``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from controller.node.calls.resources import numbers
from controller.node.cluster import Cluster, Node
from controller.node.guest import Guest
from controller.node.page_head import document
from controller.node.storage import GIB, Storage
from controller.node.tasks import Task
from controller.node.wire import Reply

_GUESTS = 500
"""Rows of containers at most: with thousands a browser would do nothing else any more."""
_TASKS = 25


@dataclass(frozen=True, slots=True)
class _Cell:
    """Escaped already."""

    html: str
    kind: str = ""
    """Its class."""


def page(cluster: Cluster) -> Reply:
    """The whole page, with a status of 200."""
    guests = sorted(cluster.guests.values(), key=lambda guest: (guest.template, guest.vmid))
    running = sum(guest.running for guest in guests)
    body = "".join((
        _header(cluster),
        _facts(cluster, guests),
        _containers(cluster, guests),
        _tasks(cluster),
        '<div class="pair">',
        _nodes(cluster),
        _storages(cluster),
        "</div>",
        _footer(),
    ))  # fmt: skip
    html = document(title=f"Winux node: {running} running", body=body)
    return Reply(body=html.encode(), content_type="text/html;charset=UTF-8")


# -- sections --------------------------------------------------------------------------------------------------


def _header(cluster: Cluster) -> str:
    release, now = cluster.release, datetime.fromtimestamp(cluster.schedule.wall(), UTC)
    version = f"answers like Proxmox VE {release.name} ({release.package})"
    return (
        f"<header><h1>Winux node</h1><span>{escape(version)}</span>"
        f'<span class="soft">as of <time datetime="{now:%Y-%m-%dT%H:%M:%SZ}">{now:%H:%M:%S} UTC</time></span></header>'
    )


def _facts(cluster: Cluster, guests: Sequence[Guest]) -> str:
    ours = [guest for guest in guests if not guest.template]
    running, locked = sum(guest.running for guest in ours), sum(guest.lock is not None for guest in guests)
    online, nodes = sum(node.online for node in cluster.nodes.values()), len(cluster.nodes)
    at_work = sum(len(tasks) for tasks in cluster.tasks.active.values())
    facts = (
        ("running", f"{running}", False),
        ("stopped", f"{len(ours) - running}", False),
        ("locked", f"{locked}", False),
        ("tasks at work", f"{at_work}", False),
        ("nodes online", f"{online} of {nodes}", online < nodes),
        ("quorum", "yes" if cluster.quorate else "lost", not cluster.quorate),
    )
    cells = (
        f"<div{' class=alarm' if alarm else ''}><dt>{name}</dt><dd>{value}</dd></div>" for name, value, alarm in facts
    )
    return f'<dl class="facts">{"".join(cells)}</dl>'


def _containers(cluster: Cluster, guests: Sequence[Guest]) -> str:
    now = cluster.schedule.wall()
    rows = [
        (
            _Cell(str(guest.vmid), "id"),
            _Cell(escape(guest.name), "name"),
            _status_of(guest),
            _Cell(_is("warn", guest.lock) if guest.lock else ""),
            _Cell(escape(guest.node)),
            _Cell(escape(cluster.access.pool_of.get(guest.vmid, ""))),
            _Cell(_span(now - guest.started) if guest.started else ""),
            _Cell(escape(", ".join(cluster.engine.addresses(guest.vmid)))),
        )
        for guest in guests[:_GUESTS]
    ]
    head = ("VMID", "Name", "Status", "Lock", "Node", "Pool", "Uptime", "Address")
    templates = sum(guest.template for guest in guests)
    note = f"{len(guests) - templates} and {templates} {'template' if templates == 1 else 'templates'}"
    if len(guests) > _GUESTS:
        note += f", of which the first {_GUESTS} are shown"
    return _section("Containers", note, head, rows, none="There are none.")


def _status_of(guest: Guest) -> _Cell:
    if guest.template:
        return _Cell(_is("idle", "template"))
    text = "running" if guest.running else "stopped"
    kind = "good" if guest.running else "idle"
    return _Cell(_is(kind, text if guest.kind == "lxc" else f"{text} (virtual machine)"))


def _tasks(cluster: Cluster) -> str:
    """What runs, newest first, then what ended last."""
    at_work = [task for tasks in cluster.tasks.active.values() for task in tasks.values()]
    ended = (task for archive in cluster.tasks.archive.values() for task in itertools.islice(reversed(archive), _TASKS))
    shown = [*_newest(at_work), *_newest(ended)][: max(_TASKS, len(at_work))]
    now = cluster.schedule.wall()
    rows = [
        (
            _Cell(datetime.fromtimestamp(task.started, UTC).strftime("%H:%M:%S"), "id"),
            _Cell(escape(task.kind), "kind"),
            _outcome_of(task),
            _Cell(escape(task.subject)),
            _Cell(escape(task.node)),
            _Cell(escape(_duration(task, now))),
            _Cell(escape(task.owner.authid)),
        )
        for task in shown
    ]
    head = ("Start", "Task", "Status", "VMID", "Node", "Took", "By")
    return _section("Tasks", "at work and ended last, times in UTC", head, rows, none="Nothing was done yet.")


def _newest(tasks: Iterable[Task]) -> list[Task]:
    return sorted(tasks, key=lambda task: (task.ended or 0, task.started, task.pid), reverse=True)


def _outcome_of(task: Task) -> _Cell:
    if task.exit_status is None:
        return _Cell(_is("busy", "running"))
    kind = "good" if task.exit_status == "OK" else "warn" if task.exit_status.startswith("WARNINGS") else "bad"
    return _Cell(_is(kind, task.exit_status), "text")


def _duration(task: Task, now: float) -> str:
    """Tasks know whole seconds only."""
    seconds = (now if task.ended is None else task.ended) - task.started
    return _span(seconds) if seconds >= 1 else "< 1 s"


def _nodes(cluster: Cluster) -> str:
    rows = [
        (
            _Cell(escape(node.name), "kind"),
            _Cell(_state_of(node)),
            _Cell(str(sum(guest.running for guest in cluster.on(node.name)))),
            _Cell(_meter(*_memory(cluster, node)) if node.online else ""),
            _Cell(_span(cluster.schedule.wall() - node.since) if node.online else ""),
        )
        for node in cluster.nodes.values()
    ]
    note = "quorate" if cluster.quorate else "no quorum: /etc/pve is read-only"
    return _section("Nodes", note, ("Node", "Status", "Running", "Memory", "Uptime"), rows)


def _state_of(node: Node) -> str:
    if not node.online:
        return _is("bad", "offline")
    down = [name for name, up in (("pvedaemon", node.pvedaemon), ("pvestatd", node.pvestatd)) if not up]
    return _is("warn", f"without {' and '.join(down)}") if down else _is("good", "online")


def _memory(cluster: Cluster, node: Node) -> tuple[int, int]:
    load = numbers(cluster, node.name)
    return int(str(load["mem"])), int(str(load["maxmem"]))


def _storages(cluster: Cluster) -> str:
    rows = [
        (
            _Cell(escape(storage.name), "kind"),
            _Cell(escape(storage.kind)),
            _Cell("shared" if storage.shared else escape(node)),
            _Cell(_meter(cluster.used(storage, node), storage.total)),
        )
        for storage in cluster.storages.values()
        for node in _places(cluster, storage)
    ]
    return _section("Storages", "", ("Storage", "Type", "Node", "Used"), rows)


def _places(cluster: Cluster, storage: Storage) -> list[str]:
    """The nodes on which it is another one each; one for all where it is shared."""
    there = [name for name in cluster.nodes if storage.nodes is None or name in storage.nodes]
    return there[:1] if storage.shared else there


def _footer() -> str:
    return (
        "<footer><p>Read-only, and without secrets. The node listens on loopback only and asks nobody who they are: "
        "everybody with an account on this machine can read this page.</p>"
        "<p>The API is under <code>/api2/json</code>; its tokens are where the node was started.</p></footer>"
    )


# -- pieces ----------------------------------------------------------------------------------------------------


def _section(title: str, note: str, head: Sequence[str], rows: Sequence[Sequence[_Cell]], *, none: str = "") -> str:
    """A heading and a table whose cells know their column, for screens on which the head has no room."""
    heading = f"<h2>{title} <small>{escape(note)}</small></h2>"
    if not rows:
        return f'<section>{heading}<div class="card"><p class="none">{none}</p></div></section>'
    titles = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "".join(f"<tr>{''.join(map(_cell, head, row))}</tr>" for row in rows)
    table = f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
    return f'<section>{heading}<div class="card">{table}</div></section>'


def _cell(column: str, cell: _Cell) -> str:
    kind = f' class="{cell.kind}"' if cell.kind else ""
    named = "" if cell.kind in ("id", "name", "kind") or column == "Status" else f' data-of="{column}"'
    return f"<td{kind}{named}>{cell.html}</td>"


def _is(kind: str, text: str) -> str:
    return f'<span class="is {kind}">{escape(text)}</span>'


def _meter(used: int, total: int) -> str:
    share = used / total if total else 1.0
    figures = f"{used / GIB:.1f} of {total / GIB:.0f} GiB"
    return f'<meter min="0" max="1" low="0.8" high="0.95" optimum="0" value="{share:.4f}"></meter>{figures}'


def _span(seconds: float) -> str:
    """``45 s``, ``12 min``, ``4 h 03``, ``2 d 5 h``."""
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if not minutes:
        return f"{whole} s"
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60:02d}" if not days else f"{days} d {hours % 24} h"

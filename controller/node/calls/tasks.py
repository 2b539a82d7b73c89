"""List tasks, read their status and log, and stop them (PVE::API2::Tasks)."""

from __future__ import annotations

import re

from controller.node.context import Context
from controller.node.errors import forbidden, invalid
from controller.node.formats import split_list
from controller.node.tasks import Task
from controller.node.wire import Page

UPID = re.compile(r"UPID:([^:\s/]+):([0-9A-F]{8}):([0-9A-F]{8,9}):([0-9A-F]{8}):([^:\s/]+):([^:\s/]*):([^:\s/]+):")
_RECENT = 25


def list_tasks(context: Context) -> Page:
    """Newest first. A running task is 'RUNNING', an ended one has its exit status as status."""
    tasks, node, source = context.cluster.tasks, context.node, context.text("source", "archive")
    found: list[Task] = []
    if source in ("active", "all"):
        found += reversed(tasks.active.get(node, {}).values())
    if source in ("archive", "all"):
        found += reversed(tasks.archive.get(node, ()))
    auditor = context.may(f"/nodes/{node}", "Sys.Audit")
    wanted = _wanted(context)
    found = [task for task in found if (auditor or _is_listed(context, task)) and _matches(context, task, wanted)]
    first, limit = context.number("start", 0), context.number("limit", 50)
    return Page([row(task) for task in found[first : first + limit]], len(found))


def _is_listed(context: Context, task: Task) -> bool:
    """In the list the owner of a running task is still the whole token, so that its user does not see it."""
    return context.who.authid == task.owner.authid if task.running else is_own(context, task)


def _wanted(context: Context) -> set[str]:
    """Outcomes. ``errors`` leaves out nothing but success, and what runs has an unknown one."""
    if context.flag("errors"):
        return {"warning", "error", "unknown"}
    given = {name.lower() for name in split_list(context.text("statusfilter"))}
    return given if "statusfilter" in context.params else {"ok", "warning", "error", "unknown"}


def _matches(context: Context, task: Task, wanted: set[str]) -> bool:
    params = context.params
    user = task.owner.authid if task.running else task.owner.user
    return (
        ("vmid" not in params or task.subject == str(context.vmid))
        and ("typefilter" not in params or task.kind == params["typefilter"])
        and params.get("userfilter", "").lower() in user.lower()
        and ("since" not in params or task.started >= int(params["since"]))
        and ("until" not in params or task.started <= int(params["until"]))
        and _outcome(task) in wanted
    )


def _outcome(task: Task) -> str:
    if task.exit_status in (None, "unexpected status"):
        return "unknown"
    if task.exit_status == "OK":
        return "ok"
    return "warning" if re.fullmatch(r"WARNINGS: \d+", task.exit_status or "") else "error"


def row(task: Task) -> dict[str, object]:
    """A row of the list. While a task runs, the token stands in ``user``; afterwards it has a key of its own."""
    common: dict[str, object] = {
        "upid": task.upid,
        "node": task.node,
        "pid": task.pid,
        "pstart": task.pstart,
        "starttime": task.started,
        "type": task.kind,
        "id": task.subject,
    }
    if task.running:
        return common | {"user": task.owner.authid, "status": "RUNNING", "saved": "0"}
    token = {"tokenid": task.owner.token} if task.owner.token else {}
    return common | {"user": task.owner.user, **token, "endtime": task.ended, "status": task.exit_status}


def cluster_tasks(context: Context) -> list[dict[str, object]]:
    """Recent tasks of all nodes; a token without Sys.Audit on / sees nothing."""
    auditor, tasks = context.may("/", "Sys.Audit"), context.cluster.tasks
    recent: list[Task] = []
    for node in context.cluster.nodes:
        recent += reversed(tasks.active.get(node, {}).values())
        recent += list(reversed(tasks.archive.get(node, ())))[:_RECENT]
    shown = [task for task in recent if auditor or (context.who.token is None and is_own(context, task))]
    return [{name: value for name, value in row(task).items() if name != "saved"} for task in shown]


def is_own(context: Context, task: Task) -> bool:
    """A token owns what it started; a user also what its tokens started."""
    return context.who.authid in (task.owner.authid, task.owner.user)


def _find(context: Context, *privileges: str) -> Task | None:
    upid = context.text("upid")
    match = UPID.fullmatch(upid)
    if not match:
        raise invalid({"upid": "unable to parse worker upid"})
    task = context.cluster.tasks.all.get(upid)
    if privileges and not (task and is_own(context, task)):
        own = task is None and context.who.authid == match[7]
        if not own:
            _need_audit(context, *privileges)
    return task


def _need_audit(context: Context, *privileges: str) -> None:
    if not context.may(f"/nodes/{context.node}", *privileges):
        raise forbidden(f"/nodes/{context.node}, {', '.join(privileges)}")


def status(context: Context) -> dict[str, object]:
    task = _find(context)
    if task is None or task.node != context.node:
        raise invalid({"upid": "no such task"})
    if not is_own(context, task):
        _need_audit(context, "Sys.Audit")
    answer: dict[str, object] = {
        "upid": task.upid,
        "node": task.node,
        "pid": task.pid,
        "pstart": task.pstart,
        "starttime": task.started,
        "type": task.kind,
        "id": task.subject,
        "user": task.owner.user,
        "status": "running" if task.running else "stopped",
    }
    if task.owner.token:
        answer["tokenid"] = task.owner.token
    if not task.running:
        answer["exitstatus"] = task.exit_status
    return answer


def log(context: Context) -> Page:
    """The log of an unknown task is one line that says so."""
    task = _find(context, "Sys.Audit")
    lines = task.log if task else ["unable to open file - No such file or directory"]
    first, limit = context.number("start", 0), context.number("limit", 50)
    shown = lines[first : first + limit if limit else None]
    return Page([{"n": number, "t": line} for number, line in enumerate(shown, start=first + 1)], len(lines))


def index(context: Context) -> list[dict[str, str]]:
    _find(context)
    return [{"name": "log"}, {"name": "status"}]


def stop(context: Context) -> None:
    """SIGTERM: a create or a clone cleans up behind itself."""
    task = _find(context, "Sys.Modify")
    if task and task.running:
        context.cluster.tasks.interrupt(task)

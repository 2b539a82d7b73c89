"""``winux plan``: what would be created, changed and destroyed, and why; like a diff."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from controller.admin.models import Action, Change, ManifestFile, Plan
from controller.cli.columns import Column, table, width_of
from controller.cli.console import out, warn_all
from controller.cli.exits import Ended, Failure, Status
from controller.cli.invocation import Invocation, invocation
from controller.cli.orders import read_text
from controller.sources.listing import is_manifest_name

SIGNS = {
    Action.CREATE: ("+", "green"),
    Action.START: ("~", "cyan"),
    Action.CHANGE: ("~", "cyan"),
    Action.REPLACE: ("~", "red"),
    Action.DESTROY: ("-", "red"),
    Action.HOLD: ("!", "yellow"),
    Action.KEEP: ("=", "dim"),
    Action.ENDED: ("=", "dim"),
}
_WORDS = {
    Action.CREATE: "to create",
    Action.START: "to start",
    Action.CHANGE: "to change",
    Action.REPLACE: "to replace",
    Action.DESTROY: "to destroy",
    Action.HOLD: "held",
    Action.KEEP: "kept",
    Action.ENDED: "ended",
}


def plan(
    context: typer.Context,
    path: Annotated[
        Path | None,
        typer.Argument(help="Manifests that are not in force: a file, a directory, or - for standard input."),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no daemon: compare the directory with the ledger as it was left.")
    ] = False,
) -> None:
    """Show what would be created, changed and destroyed, each with its reason; nothing is done.

    Without PATH: what is pending now. With a file: what applying it would change. With a directory: what would change
    if it took the place of the daemon's whole directory, the brake on mass deletion included.

    With --offline no daemon is asked, nor Proxmox: the manifests (PATH, or the configured directory) are compared with
    the lives in the configured ledger, which is opened read-only; without a ledger everything counts as new.

    Ends with 0 where there is nothing to do, with 2 where there are changes to come (all that is held counts, paused
    sessions too), with 1 where the manifests that were planned have mistakes, whatever else there is.
    """
    called = invocation(context)
    found = _without_daemon(called, path) if offline else _ask(called, path)
    warn_all(notice.sentence for notice in found.notices)
    warn_all(problem.sentence for problem in found.problems)
    show(found)
    if found.problems:
        raise Ended(Status.ERROR)
    if found.pending:
        raise Ended(Status.CHANGES)


def _without_daemon(called: Invocation, path: Path | None) -> Plan:
    from controller.cli.offline import plan_offline  # noqa: PLC0415 - brings the database with it

    return plan_offline(called, path)


def _ask(called: Invocation, path: Path | None) -> Plan:
    with called.client() as client:
        if path is None:
            return client.plan()
        if not path.is_dir():
            text, name = read_text(str(path))
            return client.plan([ManifestFile(name=name, text=text)])
        names = sorted(entry for entry in path.iterdir() if is_manifest_name(entry.name) and entry.is_file())
        if not names:
            raise Failure(f'there are no manifests in {path}, which is not taken for "nothing is wanted"')
        files = [ManifestFile(name=entry.name, text=read_text(str(entry))[0]) for entry in names]
        return client.plan(files, instead=True)


def show(found: Plan) -> None:
    """The changes, what is pending first, and a line that counts them. What holds several is said once."""
    if not found.changes:
        if not found.problems:
            out.print("there is nothing to do: no session is wanted and none lives")
        return
    order = list(SIGNS)
    changes = sorted(found.changes, key=lambda one: (order.index(one.action), one.session))
    columns = [Column("ACTION"), Column("SESSION", shrinks=True), Column("REASON"), Column("MESSAGE", wraps=True)]
    for line in table(columns, [_row(change) for change in changes], width=width_of(out))[1:]:
        out.print(line)
    said = {notice.sentence for notice in found.notices}
    held = dict.fromkeys(change.message for change in changes if change.action is Action.HOLD)
    warn_all(message for message in held if message not in said)
    counts = Counter(change.action for change in changes)
    out.print(Text(", ".join(f"{counts[action]} {_WORDS[action]}" for action in SIGNS if counts[action]), style="bold"))


def _row(change: Change) -> list[str | Text]:
    sign, style = SIGNS[change.action]
    quiet = style if style == "dim" else ""
    message = change.message
    if change.action in {Action.DESTROY, Action.REPLACE} and change.container is not None:
        message = f"{message} (container {change.container})"
    if change.action is Action.HOLD:
        message = ""
    return [
        Text(f"{sign} {change.action}", style=style),
        Text(change.session, style=style),
        Text(change.reason, style=quiet),
        Text(message, style=quiet),
    ]

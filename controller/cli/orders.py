"""The commands that tell a running daemon to do something: apply, delete, extend, rotate, pause, resume, confirm."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from controller.admin.client import AdminClient, Refused
from controller.admin.models import Outcome
from controller.api.quantities import parse_duration
from controller.cli import completion
from controller.cli.console import complain, say, warn_all
from controller.cli.exits import Ended, Failure, Status
from controller.cli.invocation import invocation

STDIN = "-"

Name = Annotated[str, typer.Argument(help="The session.", autocompletion=completion.session_names)]


def apply(
    context: typer.Context,
    file: Annotated[str, typer.Option("--file", "-f", help="A file of manifests, or - for standard input.")],
) -> None:
    """Write manifests into the daemon's directory: one file for each, all of them or none.

    All are checked before anything is written. A directory that is a git checkout is better changed by a commit.
    """
    if file != STDIN and Path(file).is_dir():
        shown = file.rstrip("/")
        raise Failure(f"{file} is a directory: apply its files one by one, such as `winux apply -f {shown}/alice.yaml`")
    text, name = read_text(file)
    with invocation(context).client() as client:
        _report(client.apply(text, name=name))


def delete(
    context: typer.Context,
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="The sessions.", autocompletion=completion.session_names)
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """End sessions now, and remove their manifests.

    Where a manifest cannot be removed (a git checkout, a read-only mount) the session stays ended as long as its
    manifest does not change.
    """
    if not yes:
        _ask(f"end {', '.join(names)} and destroy what is on {'it' if len(names) == 1 else 'them'}?")
    failed = False
    with invocation(context).client() as client:
        for name in names:
            failed = not _delete(client, name) or failed
    if failed:
        raise Ended(Status.ERROR)


def extend(
    context: typer.Context,
    name: Name,
    duration: Annotated[str, typer.Argument(help="How much longer, such as 15m or 1h30m.")],
) -> None:
    """Give a session more time, within its template's maximum."""
    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="DURATION") from None
    with invocation(context).client() as client:
        _report(client.extend(name, seconds))


def rotate(context: typer.Context, name: Name) -> None:
    """Have a new password set on a session's desktop, over SSH. Who is logged in stays so.

    `winux rdp NAME --show` shows it; while it is being set it shows both, of which one works.
    """
    with invocation(context).client() as client:
        _report(client.rotate(name))


def pause(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Left out: the whole controller.", autocompletion=completion.session_names)
    ] = None,
) -> None:
    """Leave a session as it is, until `winux resume`; it still ends on time. Without a name: hold everything."""
    with invocation(context).client() as client:
        _report(client.pause(name))


def resume(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Left out: the whole controller.", autocompletion=completion.session_names)
    ] = None,
) -> None:
    """Go on with what was paused."""
    with invocation(context).client() as client:
        _report(client.resume(name))


def confirm(context: typer.Context) -> None:
    """Say that the picture is right: release the brakes on mass deletion and on a clock that jumped.

    An empty manifest directory is then taken at its word: nothing is wanted.
    """
    with invocation(context).client() as client:
        _report(client.confirm())


def read_text(file: str) -> tuple[str, str]:
    """The text of a file or of standard input, and what to call it in problems."""
    name = "stdin" if file == STDIN else file
    try:
        raw = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
        return raw.decode("utf-8"), name
    except OSError as error:
        raise Failure(f"cannot read {name}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise Failure(f"{name} is not UTF-8 text: save it as UTF-8") from None


def _delete(client: AdminClient, name: str) -> bool:
    try:
        _report(client.delete(name))
    except Refused as refused:
        complain(str(refused), *refused.problems)
        return False
    return True


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise Failure("nobody can be asked here: add --yes")
    if not typer.confirm(question, err=True):
        raise Failure("nothing was done")


def _report(outcome: Outcome) -> None:
    for message in outcome.messages:
        say(message)
    warn_all(outcome.warnings)

"""``winux validate`` and ``winux schema``: manifests before they are in force. No daemon, no settings, no network.

What only a site's settings know (its archive, its storage) is taken as given here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from controller.api.manifest import Manifest
from controller.api.problem import Problem
from controller.api.schema import json_schema
from controller.cli.console import err, out, say
from controller.cli.exits import Ended, Failure, Status
from controller.cli.invocation import invocation
from controller.core.desired import FileReading, Resolver, build_snapshot
from controller.core.model import DesiredSnapshot
from controller.core.offer import TemplateDefaults
from controller.engine.clock import SystemClock
from controller.sources.directory import DirectorySource
from controller.sources.lastgood import read_text
from controller.sources.listing import is_manifest_name

ANY_SITE = TemplateDefaults(archive="local:vztmpl/any.tar.zst", storage="any")
USUAL_DIRECTORY = Path("manifests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What a look at manifests showed."""

    directory: Path
    """What the files of problems are relative to."""
    problems: tuple[Problem, ...]
    files: int
    sessions: int
    templates: int
    unreadable: str | None = None
    """Why there was nothing to look at."""


def validate(
    context: typer.Context,
    path: Annotated[
        Path | None,
        typer.Argument(help="A file or a directory.", show_default="the configured directory, or manifests"),
    ] = None,
) -> None:
    """Check manifests, and list every mistake of every file with its line and column.

    A single file is checked together with the others of its directory: templates and doubled names are seen.
    """
    chosen = path if path is not None else _configured(context)
    found = validate_file(chosen) if chosen.is_file() else validate_directory(chosen)
    for problem in found.problems:
        err.print(_line(problem, found.directory))
    if found.unreadable is not None:
        raise Failure(found.unreadable)
    what = f"{_count(found.files, 'file')}, {_count(found.sessions, 'session')}, {_count(found.templates, 'template')}"
    if not found.problems:
        say(f"{what}: no problems")
        return
    failing = len({problem.file for problem in found.problems})
    err.print(Text(f"{_count(len(found.problems), 'problem')} in {failing} of {_count(found.files, 'file')}"))
    raise Ended(Status.ERROR)


def schema(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write it.", show_default="standard output"),
    ] = None,
) -> None:
    """Print the JSON Schema of manifests, for editors.

    With yaml-language-server, a first line `# yaml-language-server: $schema=winux.schema.json` in a manifest does it.
    """
    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot write {output}: {(error.strerror or str(error)).lower()}") from None
    say(f"wrote {output}")


def validate_directory(directory: Path, *, defaults: TemplateDefaults = ANY_SITE) -> Validated:
    return _validated(directory, scan(directory, defaults=defaults))


def validate_file(file: Path, *, defaults: TemplateDefaults = ANY_SITE) -> Validated:
    """One file, seen together with its neighbours where it is one of the names that a directory scan reads."""
    if is_manifest_name(file.name):
        snapshot = scan(file.parent, defaults=defaults)
        if snapshot.complete or any(problem.file == file.name for problem in snapshot.problems):
            return _validated(file.parent, snapshot, only=file.name)
    return _validated(file.parent, read_alone([file], defaults=defaults), only=file.name)


def scan(directory: Path, *, defaults: TemplateDefaults) -> DesiredSnapshot:
    """What a daemon would see there."""
    return DirectorySource(directory, defaults=defaults, clock=SystemClock()).scan()


def read_alone(files: Sequence[Path], *, defaults: TemplateDefaults) -> DesiredSnapshot:
    """What these files say, whatever they are called. Raises ``Failure`` where one cannot be read."""
    readings: list[FileReading] = []
    for file in files:
        try:
            readings.append(read_text(file.name, file.read_bytes()).reading)
        except OSError as error:
            raise Failure(f"cannot read {file}: {(error.strerror or str(error)).lower()}") from None
    return build_snapshot(readings, resolver=Resolver(defaults))


def _validated(directory: Path, snapshot: DesiredSnapshot, *, only: str | None = None) -> Validated:
    sessions = [session.origin.file for session in snapshot.sessions.values()]
    templates = [one.origin.file for one in snapshot.templates.values() if isinstance(one, Manifest)]
    return Validated(
        directory=directory,
        problems=tuple(problem for problem in snapshot.problems if only in {None, problem.file}),
        files=1 if only is not None else snapshot.files,
        sessions=sum(1 for file in sessions if only in {None, file}),
        templates=sum(1 for file in templates if only in {None, file} and not file.startswith("(")),
        unreadable=snapshot.incomplete_because if only is None else None,
    )


def _configured(context: typer.Context) -> Path:
    settings = invocation(context).settings_without_secret()
    return settings.manifests.path if settings is not None else USUAL_DIRECTORY


def _line(problem: Problem, directory: Path) -> Text:
    """``file:line:col: field: message``, with a path that an editor can follow."""
    shown = str(directory / problem.file) if directory != Path() else problem.file
    place = ":".join(str(part) for part in (shown, problem.line, problem.column) if part is not None)
    field = f"{problem.field}: " if problem.field else ""
    return Text.assemble((f"{place}: ", "bold" if out.is_terminal else ""), field, problem.message)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

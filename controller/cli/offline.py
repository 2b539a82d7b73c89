"""A plan without a daemon: the manifests against the lives in the ledger file, which is only read.

Neither Proxmox nor the operating system is asked what runs: what the ledger says is taken for what is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from sqlalchemy import create_engine, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from controller.admin.models import Change, ManifestFile, NoticeView, Plan
from controller.admin.planning import ViewOf, on_top, plan_addition, plan_against
from controller.admin.site import template_defaults
from controller.admin.views import problem_view
from controller.api.problem import Problem
from controller.cli.exits import Failure
from controller.cli.invocation import Invocation
from controller.cli.orders import read_text
from controller.cli.validate import ANY_SITE, USUAL_DIRECTORY, scan
from controller.core.guards import MassDelete
from controller.core.incarnation import Incarnation
from controller.core.model import DesiredSnapshot
from controller.core.offer import TemplateDefaults
from controller.core.view import View
from controller.engine.clock import SystemClock
from controller.ledger import schema
from controller.ledger.database import LedgerError, server

if TYPE_CHECKING:
    from controller.daemon.settings import Settings

_DOCUMENT = TypeAdapter(Incarnation)


def plan_offline(called: Invocation, path: Path | None) -> Plan:
    """``path`` is a file, a directory or ``-``; None: the configured directory. Raises ``Failure``."""
    settings = called.settings_without_secret()
    defaults = template_defaults(settings) if settings is not None else ANY_SITE
    configured = settings.manifests.path if settings is not None else USUAL_DIRECTORY
    lives, basis = _lives(settings)
    now, by_name = SystemClock().now(), {life.session: life for life in lives}

    def view(name: str) -> View:
        return View(now=now, name=name, desired=None, incarnation=by_name.get(name))

    changes, problems = (
        _of_file(path, scan(configured, defaults=defaults), defaults, view)
        if path is not None and not path.is_dir()
        else _of_directory(path or configured, defaults, lives, view, mass_delete=_mass_delete(settings))
    )
    return Plan(
        changes=tuple(changes),
        problems=tuple(problem_view(problem) for problem in problems),
        notices=(NoticeView(reason="Offline", sentence=basis),),
    )


def _of_file(
    file: Path, current: DesiredSnapshot, defaults: TemplateDefaults, view_of: ViewOf
) -> tuple[list[Change], tuple[Problem, ...]]:
    text, name = read_text(str(file))
    addition = on_top([ManifestFile(name=name, text=text)], current, defaults)
    return plan_addition(addition, view_of), addition.problems


def _of_directory(
    directory: Path,
    defaults: TemplateDefaults,
    lives: Sequence[Incarnation],
    view_of: ViewOf,
    *,
    mass_delete: MassDelete,
) -> tuple[list[Change], tuple[Problem, ...]]:
    desired = scan(directory, defaults=defaults)
    if desired.incomplete_because is not None:
        raise Failure(desired.incomplete_because)
    return plan_against(desired, lives, view_of, mass_delete=mass_delete), desired.problems


def _mass_delete(settings: Settings | None) -> MassDelete:
    if settings is None:
        return MassDelete()
    limits = settings.guards.mass_delete
    return MassDelete(minimum=limits.min, percent=limits.percent)


def _lives(settings: Settings | None) -> tuple[list[Incarnation], str]:
    """All lives and tombstones, and a sentence about where they are from."""
    url = make_url(settings.ledger.url) if settings is not None else None
    if url is None:
        return [], "offline, and without a configuration: no ledger is known, so every session counts as new"
    if url.get_backend_name() == "sqlite":
        if not url.database or not Path(url.database).is_file():
            return [], f"offline: there is no ledger {url.database} yet, so every session counts as new"
        url = URL.create(url.drivername, database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})
    try:
        engine = create_engine(url) if url.get_backend_name() == "sqlite" else server(url)
    except LedgerError as error:
        raise Failure(str(error)) from None
    try:
        with engine.connect() as connection:
            documents = connection.execute(select(schema.incarnations.c.document)).scalars().all()
    except SQLAlchemyError as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Failure(f"the ledger cannot be read: {reason}") from None
    finally:
        engine.dispose()
    lives = [_DOCUMENT.validate_json(document) for document in documents]
    return lives, "offline: compared with the ledger as it was left, not with what runs"

"""What would happen: the decisions about the picture as it is, and about manifests that are not in force yet.

Nothing is written and nobody is asked: a plan is ``decide`` over views, as the reconciler would see them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from controller.admin.changes import change
from controller.admin.models import Change, ManifestFile
from controller.api.load import parse
from controller.api.manifest import Manifest
from controller.api.problem import Problem
from controller.core.absence import Missing
from controller.core.desired import Resolver, build_snapshot
from controller.core.guards import MassDelete
from controller.core.incarnation import Incarnation
from controller.core.model import DesiredSession, DesiredSnapshot
from controller.core.offer import NoOffer, TemplateDefaults
from controller.core.view import View
from controller.reconcile.reconciler import Status
from controller.sources.lastgood import read_text
from controller.sources.listing import is_manifest_name

ViewOf = Callable[[str], View]
LONG_GONE = Missing(since=float("-inf"), scans=2)
"""What the manifests of a plan lack is counted as missing for good."""


def plan_now(
    names: Iterable[str], view_of: ViewOf, *, failing: Mapping[str, Status] = MappingProxyType({})
) -> list[Change]:
    """What is pending, by name. ``failing``: how it went wrong so far, for those that fail."""
    found = (change(view_of(name), failing=failing.get(name)) for name in sorted(names))
    return [one for one in found if one is not None]


def no_longer_empty(view_of: ViewOf, current: DesiredSnapshot | None, directory: Path) -> ViewOf:
    """The views as they are once there are manifests, where their want is all that makes the picture incomplete."""
    if current is None or current.complete or not _is_empty(directory):
        return view_of

    def filled(name: str) -> View:
        view = view_of(name)
        # The brake may be on for Proxmox's part of the picture instead: that stays.
        return replace(view, brakes=replace(view.brakes, unsynced=None)) if view.brakes.unscanned else view

    return filled


def _is_empty(directory: Path) -> bool:
    """Whether there is no manifest, perhaps not even a directory."""
    try:
        return not any(is_manifest_name(entry.name) for entry in directory.iterdir())
    except FileNotFoundError:
        return True
    except OSError:
        return False


def plan_against(
    desired: DesiredSnapshot, lives: Sequence[Incarnation], view_of: ViewOf, *, mass_delete: MassDelete
) -> list[Change]:
    """What would be pending if ``desired`` were all that is wanted; the brake on mass deletion included."""
    absent = {
        life.session
        for life in lives
        if life.session not in desired.sessions and not desired.may_hold(life.session, life.origin_file)
    }
    alive = [life for life in lives if life.placement is not None and not life.ended and life.ending is None]
    orphans = frozenset(life.uid for life in alive if life.session in absent)
    brake = mass_delete.observe(orphans=orphans, ours=len(alive))

    def hypothetical(name: str) -> View:
        view = view_of(name)
        return replace(
            view,
            desired=desired.sessions.get(name),
            missing=LONG_GONE if name in absent else None,
            undecided=name not in desired.sessions and name not in absent,
            brakes=replace(view.brakes, mass_delete=brake),
        )

    return plan_now({life.session for life in lives} | set(desired.sessions), hypothetical)


def instead_of_all(files: Sequence[ManifestFile], defaults: TemplateDefaults) -> DesiredSnapshot:
    """What these files ask for, were they the whole directory."""
    readings = [read_text(file.name, file.text.encode()).reading for file in files]
    return build_snapshot(readings, resolver=Resolver(defaults))


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """Manifests seen together with those in force."""

    manifests: tuple[Manifest, ...]
    sessions: dict[str, DesiredSession]
    """Those of the new manifests that can be served."""
    problems: tuple[Problem, ...]
    """Of the new manifests."""


def on_top(files: Sequence[ManifestFile], current: DesiredSnapshot, defaults: TemplateDefaults) -> Addition:
    """These manifests added to those in force, in place of any of the same kind and name."""
    parsed = [parse(file.text.encode(), file.name) for file in files]
    manifests = tuple(manifest for one in parsed for manifest in one.manifests)
    problems = [problem for one in parsed for problem in one.problems] + list(_doubled(manifests))
    templates = {manifest.name: manifest for manifest in manifests if manifest.kind == "SessionTemplate"}
    held = {name: template for name, template in current.templates.items() if isinstance(template, Manifest)}
    resolver = Resolver(defaults)
    offers = resolver.offers({**held, **templates})
    for name in templates:
        if isinstance(offer := offers[name], NoOffer):
            problems += offer.problems
    sessions: dict[str, DesiredSession] = {}
    wanted = [manifest for manifest in manifests if manifest.kind == "Session"]
    for name, result in resolver.sessions(wanted, offers).items():
        if isinstance(result, DesiredSession):
            sessions[name] = result
        else:
            problems += result
    return Addition(manifests=manifests, sessions=sessions, problems=tuple(problems))


def plan_addition(addition: Addition, view_of: ViewOf) -> list[Change]:
    """What would be pending for the sessions of the new manifests."""

    def hypothetical(name: str) -> View:
        return replace(view_of(name), desired=addition.sessions[name], missing=None, undecided=False)

    return plan_now(addition.sessions, hypothetical)


def _doubled(manifests: Sequence[Manifest]) -> Iterable[Problem]:
    seen: dict[tuple[str, str], Manifest] = {}
    for manifest in manifests:
        first = seen.setdefault((manifest.kind, manifest.name), manifest)
        if first is not manifest:
            yield manifest.problem(
                ("metadata", "name"), f"the {manifest.kind} {manifest.name} stands in {first.origin} already; keep one"
            )

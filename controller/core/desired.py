"""From what the files say to all that is wanted: who owns a name, which template counts, what stays when one breaks.

Pure. Reading the files, and remembering what each last held, is the business of ``controller.sources``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from controller.api.builtin import BUILT_IN, BUILT_IN_TEMPLATES
from controller.api.manifest import Manifest
from controller.api.problem import Problem
from controller.api.session import Session
from controller.core.model import DesiredSession, DesiredSnapshot, Timestamp
from controller.core.offer import NoOffer, Offer, TemplateDefaults, settle
from controller.core.resolve import Offers, generation, resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReading:
    """What counts of one file: what it says, or where it fails, what it said last."""

    file: str
    manifests: tuple[Manifest, ...] = ()
    problems: tuple[Problem, ...] = ()
    undecided: frozenset[str] = frozenset()
    """Sessions that the file may still ask for although that cannot be read in it."""
    broken_templates: frozenset[str] = frozenset()
    """Templates that the file declares in a way that cannot be used; nothing else may stand in for them."""
    opaque: bytes | None = None
    """Text that may hold manifests of any name."""
    unreadable: str | None = None
    """One sentence where nothing at all is known about the file: the picture is incomplete."""


class Resolver:
    """Resolves sessions and remembers the results, so that one changed manifest among thousands costs little.

    Not for several threads at once.
    """

    def __init__(self, defaults: TemplateDefaults) -> None:
        self._defaults = defaults
        self._offers: dict[Manifest, Offer | NoOffer] = {}
        self._sessions: dict[Manifest, tuple[Offer | NoOffer, DesiredSession | tuple[Problem, ...]]] = {}

    def offers(self, templates: Mapping[str, Manifest]) -> Offers:
        before = self._offers
        self._offers = {
            template: before.get(template) or settle(template, defaults=self._defaults)
            for template in templates.values()
        }
        return {name: self._offers[template] for name, template in templates.items()}

    def sessions(
        self, manifests: Iterable[Manifest], offers: Offers
    ) -> dict[str, DesiredSession | tuple[Problem, ...]]:
        """Every session by name, or what is wrong with it."""
        before, self._sessions = self._sessions, {}
        results = {}
        for manifest in manifests:
            offer = offers.get(_template_name(manifest))
            known = before.get(manifest)
            result = known[1] if known is not None and known[0] is offer else _desired(manifest, offers)
            if offer is not None:
                self._sessions[manifest] = (offer, result)
            results[manifest.name] = result
        return results


def build_snapshot(
    files: Sequence[FileReading],
    *,
    resolver: Resolver,
    previous: DesiredSnapshot | None = None,
    incomplete_because: str | None = None,
    passed_over: Iterable[str] = (),
    revision: str = "",
    scanned_at: Timestamp = 0.0,
) -> DesiredSnapshot:
    """All that is wanted by these files. What ``previous`` had stays where a file or a template is broken.

    ``passed_over``: names that stand for no file now; what came from a file of that name before is undecided.
    """
    files = sorted(files, key=lambda file: file.file)
    problems = [problem for file in files for problem in file.problems]
    templates = _templates(files, previous, problems)
    offers = resolver.offers(templates)
    problems += [
        problem
        for offer in offers.values()
        if isinstance(offer, NoOffer) and offer.template.origin is not BUILT_IN
        for problem in offer.problems
    ]
    holders = {name: session.origin.file for name, session in previous.sessions.items()} if previous else {}
    owners = _owners(files, "Session", holders, problems)
    undecided = {name for file in files for name in file.undecided}
    sessions: dict[str, DesiredSession] = {}
    for name, result in resolver.sessions(owners.values(), offers).items():
        if isinstance(result, DesiredSession):
            sessions[name] = result
            continue
        problems.extend(result)
        undecided.add(name)
        if previous is not None and name in previous.sessions:
            sessions[name] = previous.sessions[name]
    reasons = [incomplete_because, *(file.unreadable for file in files)]
    because = next((reason for reason in reasons if reason), None)
    if because is not None and previous is not None:
        sessions = {**previous.sessions, **sessions}
    return DesiredSnapshot(
        sessions=MappingProxyType(sessions),
        templates=MappingProxyType(templates),
        problems=tuple(sorted(problems, key=lambda problem: (problem.file, problem.line or 0, problem.column or 0))),
        complete=because is None,
        incomplete_because=because,
        undecided=frozenset(undecided),
        opaque=MappingProxyType(
            dict.fromkeys(passed_over, b"") | {file.file: file.opaque for file in files if file.opaque is not None}
        ),
        files=len(files),
        revision=revision,
        scanned_at=scanned_at,
    )


def _templates(
    files: Sequence[FileReading], previous: DesiredSnapshot | None, problems: list[Problem]
) -> dict[str, Manifest]:
    """The templates that count: those of the files, and the built-in ones that no file means to replace."""
    held = previous.templates if previous is not None else {}
    holders = {name: template.origin.file for name, template in held.items() if isinstance(template, Manifest)}
    own = _owners(files, "SessionTemplate", holders, problems)
    broken = {name for file in files for name in file.broken_templates}
    built_in = {name: template for name, template in BUILT_IN_TEMPLATES.items() if name not in broken}
    return {**built_in, **own}


def _owners(
    files: Sequence[FileReading], kind: str, holders: Mapping[str, str], problems: list[Problem]
) -> dict[str, Manifest]:
    """One manifest for each name. The file that held it keeps it, else the first by file and line has it."""
    claims: dict[str, list[Manifest]] = {}
    for file in files:
        for manifest in file.manifests:
            if manifest.kind == kind:
                claims.setdefault(manifest.name, []).append(manifest)
    owners = {}
    for name, claimants in claims.items():
        owner = claimants[0]
        if len(claimants) > 1:
            owner = next((claimant for claimant in claimants if claimant.origin.file == holders.get(name)), owner)
            problems += [_taken(claimant, owner) for claimant in claimants if claimant is not owner]
        owners[name] = owner
    return owners


def _taken(claimant: Manifest, owner: Manifest) -> Problem:
    return claimant.problem(
        ("metadata", "name"),
        f'the {claimant.kind} "{claimant.name}" stands in {owner.origin} already, and that one counts; '
        "rename or remove one of the two",
    )


def _template_name(manifest: Manifest) -> str:
    return manifest.model.spec.template if isinstance(manifest.model, Session) else ""


def _desired(manifest: Manifest, offers: Offers) -> DesiredSession | tuple[Problem, ...]:
    spec = resolve(manifest, offers)
    if isinstance(spec, tuple):
        return spec
    metadata = manifest.model.metadata
    return DesiredSession(
        name=manifest.name,
        spec=spec,
        generation=generation(manifest),
        revision=manifest.model.spec.revision if isinstance(manifest.model, Session) else "",
        origin=manifest.origin,
        labels=metadata.labels,
        annotations=metadata.annotations,
    )

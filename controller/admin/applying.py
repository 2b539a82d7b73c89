"""Manifests written into the directory, and removed from it, on an administrator's behalf.

All of a text is checked, as the controller would read it, before anything of it is written. What a file looks like on
disk, and which files may be touched at all, is the business of ``controller.sources.writer``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.admin.models import ManifestFile, Outcome
from controller.admin.orders import Removal
from controller.admin.planning import on_top
from controller.admin.refusals import Impossible, Invalid, NotWritable
from controller.admin.site import Site, template_defaults
from controller.api.manifest import Manifest
from controller.api.session import Session
from controller.core.model import DesiredSnapshot
from controller.ledger.ledger import Ledger, Note
from controller.reconcile.picture import Picture
from controller.sources.writer import WriteRefused, remove_session, write_manifest


@dataclass(frozen=True, slots=True)
class _Target:
    """A document and the file that it goes into."""

    manifest: Manifest
    text: str
    stem: str
    path: Path

    @property
    def said(self) -> str:
        return f"{'session' if isinstance(self.manifest.model, Session) else 'template'} {self.manifest.name}"


class Applying:
    """Safe to use from several threads."""

    def __init__(
        self, ledger: Ledger, picture: Picture, *, site: Callable[[], Site], rescan: Callable[[], None]
    ) -> None:
        self._ledger = ledger
        self._picture = picture
        self._site = site
        self._rescan = rescan

    def apply(self, text: str, *, name: str, by: str) -> Outcome:
        """One file for each document; the file that holds an object already is written anew.

        Raises:
            Invalid: something is wrong with the text: nothing was written.
            NotWritable: a file could not be written; the sentence says what was written before.
        """
        current = self._picture.desired
        if current is None:
            raise Impossible("the manifests were not scanned yet: try again in a moment")
        addition = on_top([ManifestFile(name=name, text=text)], current, template_defaults(self._site()))
        if addition.problems:
            sentences = tuple(str(problem) for problem in addition.problems)
            raise Invalid(f"nothing was written, because {name} has mistakes", problems=sentences)
        if not addition.manifests:
            raise Invalid(f"there is no manifest in {name}: write one")
        targets = self._targets(addition.manifests, current)
        self._ledger.prove_writable()
        said: list[str] = []
        for target in targets:
            try:
                said.append(self._write(target, by))
            except WriteRefused as error:
                raise NotWritable(_after(said, str(error))) from None
        self._rescan()
        return Outcome(messages=tuple(said))

    def remove(self, session: str, by: str) -> Removal:
        """Take a session out of the file that holds it, on the order of ``by``."""
        self._ledger.prove_writable()
        directory = self._site().manifests.path
        try:
            path = remove_session(directory, session)
        except WriteRefused as error:
            return Removal(False, f"its manifest could not be removed: {error}")
        if path is None:
            return Removal(False, f"no manifest of session {session} was found in {directory}")
        self._ledger.note(session, self._uid(session), Note("ManifestRemoved", f"{by} removed {path.name}"))
        return Removal(True, f"its manifest was removed from {path.name}")

    # -- inside ------------------------------------------------------------------------------------------------

    def _targets(self, manifests: Sequence[Manifest], current: DesiredSnapshot) -> list[_Target]:
        directory = self._site().manifests.path
        homes = _homes(current)
        crowds = Counter(homes.values())
        targets = []
        for manifest in manifests:
            home = homes.get((manifest.kind, manifest.name))
            if home is not None and (crowds[home] > 1 or not home.endswith(".yaml")):
                raise NotWritable(_elsewhere(manifest, home))
            stem = home.removesuffix(".yaml") if home is not None else _stem(manifest)
            text = manifest.document.text.removeprefix("---\n") if manifest.document is not None else ""
            targets.append(_Target(manifest, text, stem, directory / f"{stem}.yaml"))
        for path, crowd in Counter(target.path for target in targets).items():
            if crowd > 1:
                both = " and ".join(target.said for target in targets if target.path == path)
                raise NotWritable(f"nothing was written: {both} would both stand in {path.name}: rename one of them")
        # Templates first: a scan in between must not find a session without the template that it came with.
        return sorted(targets, key=lambda target: isinstance(target.manifest.model, Session))

    def _write(self, target: _Target, by: str) -> str:
        before = target.path.read_text(encoding="utf-8", errors="replace") if target.path.is_file() else None
        if before == target.text:
            return f"{target.said} unchanged ({target.path.name})"
        path = write_manifest(self._site().manifests.path, target.text, target.stem)
        name = target.manifest.name if isinstance(target.manifest.model, Session) else ""
        self._ledger.note(name, self._uid(name), Note("Applied", f"{by} wrote {target.said} to {path.name}"))
        return f"{target.said} {'written' if before is None else 'changed'} ({path.name})"

    def _uid(self, session: str) -> str:
        life = self._ledger.life(session)
        return life.uid if life is not None else ""


def _homes(current: DesiredSnapshot) -> dict[tuple[str, str], str]:
    """The file of every object in force."""
    homes = {("Session", name): session.origin.file for name, session in current.sessions.items()}
    for name, template in current.templates.items():
        if isinstance(template, Manifest) and not template.origin.file.startswith("("):
            homes["SessionTemplate", name] = template.origin.file
    return homes


def _elsewhere(manifest: Manifest, home: str) -> str:
    what = f"the {manifest.kind} {manifest.name} stands in {home}"
    return f"nothing was written: {what}, a file with other things in it: change it there"


def _stem(manifest: Manifest) -> str:
    """A session's file has its name; a template's says that it is one."""
    return manifest.name if isinstance(manifest.model, Session) else f"template-{manifest.name}"[:63].rstrip("-")


def _after(said: Sequence[str], refusal: str) -> str:
    return f"{refusal}; before that: {', '.join(said)}" if said else f"nothing was written: {refusal}"

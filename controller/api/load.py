"""From the bytes of a manifest file to its manifests and its problems; pure, and never raises for what a file holds.

A mistake in one document leaves the others standing. Files and directories are the business of ``controller.sources``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, islice

from pydantic import ValidationError

from controller.api.documents import MAX_DOCUMENTS, Document, split
from controller.api.encoding import MAX_BYTES, NotText, decode
from controller.api.kinds import KINDS
from controller.api.manifest import API_VERSION, Manifest, ManifestModel
from controller.api.problem import Origin, Problem
from controller.api.quantities import shown
from controller.api.reading import Complaint, FieldPath, Reading, dotted, place_in, read
from controller.api.sentences import explain, listed, nearest
from controller.api.tree import Position, Unreadable, compose

MAX_FILE_NODES = 500_000
"""Of all documents of a file together, aliases counted as often as they are used."""

MAX_PROBLEMS = 200
"""Of one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A document that is no valid manifest, with what could be made out about it."""

    origin: Origin
    document: Document
    kind: str | None
    """One of the known kinds, else None."""
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What one file says."""

    manifests: tuple[Manifest, ...] = ()
    problems: tuple[Problem, ...] = ()
    refused: tuple[Refused, ...] = ()
    opaque: bytes | None = None
    """The text of all that could not be told apart into kind and name; None where everything could."""


def parse(text: bytes, file: str) -> Parsed:
    """All documents of a file. ``file`` is how problems and origins name it."""
    try:
        decoded = decode(text)
        documents = split(decoded)
        if len(documents) > MAX_DOCUMENTS:
            raise NotText(
                f"the file has more than {MAX_DOCUMENTS} documents; split it", line=documents[MAX_DOCUMENTS].line
            )
    except NotText as error:
        problem = Problem(file=file, line=error.line, column=error.column, message=str(error))
        return Parsed(problems=(problem,), opaque=text[:MAX_BYTES])
    collected = _Collected(file)
    for document in documents:
        if not document.blank:
            collected.take(document)
    return collected.parsed()


class _Collected:
    def __init__(self, file: str) -> None:
        self._file = file
        self._manifests: list[Manifest] = []
        self._problems: list[Problem] = []
        self._refused: list[Refused] = []
        self._opaque: list[str] = []
        self._nodes = 0

    def parsed(self) -> Parsed:
        return Parsed(
            manifests=tuple(self._manifests),
            problems=tuple(self._problems),
            refused=tuple(self._refused),
            opaque="".join(self._opaque).encode() if self._opaque else None,
        )

    def take(self, document: Document) -> None:
        try:
            node = compose(document.text, first_line=document.line)
            self._nodes += 1 if node is None else node.size
            if self._nodes > MAX_FILE_NODES:
                raise Unreadable(
                    f"the file has more than {MAX_FILE_NODES} values; split it", Position(document.line, 1)
                )
        except Unreadable as error:
            self._add(Problem(file=self._file, line=error.at.line, column=error.at.column, message=str(error)))
            self._opaque.append(document.text)
            return
        if node is None:
            return
        reading = read(node)
        if reading.value is None and not reading.complaints:
            return
        origin = Origin(file=self._file, line=reading.places[()].line)
        outcome = _validate(reading)
        if isinstance(outcome, ManifestModel):
            self._manifests.append(Manifest(model=outcome, origin=origin, document=document))
        else:
            self._refuse(Refused(origin=origin, document=document, **_identity(reading)), reading, outcome)

    def _add(self, problem: Problem) -> None:
        """Keep a problem, up to a number that no person reads to its end."""
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(problem)
        elif len(self._problems) == MAX_PROBLEMS:
            message = f"the file has more than {MAX_PROBLEMS} mistakes; mend these first"
            self._problems.append(Problem(file=self._file, line=problem.line, column=problem.column, message=message))

    def _refuse(self, refused: Refused, reading: Reading, complaints: Iterable[Complaint]) -> None:
        # One more than are kept tells that there are more; beyond that they are not even made.
        for complaint in islice(complaints, MAX_PROBLEMS + 1 - len(self._problems)):
            at = place_in(reading, complaint)
            self._add(
                Problem(
                    file=self._file,
                    line=at.line,
                    column=at.column,
                    field=dotted(complaint.path) or None,
                    message=complaint.message,
                    session=refused.name if refused.kind != "SessionTemplate" else None,
                )
            )
        self._refused.append(refused)
        if refused.name is None:
            self._opaque.append(refused.document.text)


_NAMING: set[FieldPath] = {(), ("metadata",), ("metadata", "name")}


def _identity(reading: Reading) -> Mapping[str, str | None]:
    """Kind and name as far as they are beyond doubt: a name given twice is none."""
    unsure = {complaint.path for complaint in reading.complaints}
    value = reading.value if isinstance(reading.value, dict) else {}
    kind, metadata = value.get("kind"), value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) and not unsure & _NAMING else None
    if not isinstance(name, str) or not name.isprintable():
        name = None
    return {
        "name": name,
        "kind": kind if isinstance(kind, str) and kind in KINDS and ("kind",) not in unsure else None,
    }


def _validate(reading: Reading) -> ManifestModel | Iterable[Complaint]:
    value = reading.value
    if not isinstance(value, dict):
        return [*reading.complaints, *_not_a_mapping(reading)]
    header = _header_complaint(value, {complaint.path for complaint in reading.complaints})
    if header is not None:
        return [*reading.complaints, header]
    kind = value.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return reading.complaints
    try:
        manifest = model.model_validate(value)
    except ValidationError as error:
        known = {complaint.path for complaint in reading.complaints}
        return chain(reading.complaints, (found for found in explain(error, value, model) if not _within(found, known)))
    complaints = [*reading.complaints, *manifest.complaints()]
    return complaints or manifest


def _within(complaint: Complaint, paths: set[FieldPath]) -> bool:
    """Whether a field, or one that it is part of, was complained about already."""
    return any(complaint.path[:depth] in paths for depth in range(1, len(complaint.path) + 1))


def _not_a_mapping(reading: Reading) -> Iterable[Complaint]:
    if reading.value is not None:
        found = shown(reading.value)
        yield Complaint((), f'found {found} where a manifest belongs; start it with "apiVersion: {API_VERSION}"')


def _header_complaint(value: Mapping[str, object], known: set[FieldPath]) -> Complaint | None:
    """What is wrong with ``apiVersion`` or ``kind``: without them the rest cannot be judged."""
    version, kind = value.get("apiVersion"), value.get("kind")
    if ("apiVersion",) not in known and version != API_VERSION:
        found = "is missing; add" if version is None else f"{shown(version)} is not known; write"
        return Complaint(("apiVersion",), f'{found} "apiVersion: {API_VERSION}"')
    if ("kind",) in known or (isinstance(kind, str) and kind in KINDS):
        return None
    if kind is None:
        return Complaint(("kind",), f"is missing; add kind: {listed(KINDS)}")
    guess = nearest(kind, KINDS) if isinstance(kind, str) else None
    advice = f"did you mean {guess}?" if guess else f"write {listed(KINDS)}"
    return Complaint(("kind",), f"{shown(kind)} is not known; {advice}")

"""What counts of one file from scan to scan: what it says, or where it fails, what it said last.

Pure: bytes in, readings out. A file loses its objects only by saying so without a mistake, or by being removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from controller.api.load import Parsed, parse
from controller.api.manifest import Manifest
from controller.api.problem import Problem
from controller.core.desired import FileReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A file's reading, and the manifests that it falls back on."""

    reading: FileReading
    held: tuple[Manifest, ...] = ()


def read_text(file: str, raw: bytes, *, held: tuple[Manifest, ...] = ()) -> Remembered:
    """What counts of a file that holds these bytes and held these manifests before."""
    parsed = parse(raw, file)
    if parsed.problems:
        return _partly_read(file, parsed, held)
    if parsed.manifests:
        return Remembered(reading=FileReading(file=file, manifests=parsed.manifests), held=parsed.manifests)
    if held:
        message = (
            "holds no manifest any more; what it held last counts on: write it again, or remove the file to end it"
        )
        return _fallen_back(file, Problem(file=file, line=1, column=1, message=message), held)
    message = (
        "holds no manifest; write one, remove the file, or begin its name with an underscore to have it passed over"
    )
    problem = Problem(file=file, line=1, column=1, message=message)
    return Remembered(reading=FileReading(file=file, problems=(problem,), opaque=b""))


def read_failed(file: str, reason: str, *, held: tuple[Manifest, ...] = ()) -> Remembered:
    """What counts of a file that could not be read; ``reason`` as in "Permission denied"."""
    if held:
        message = f"cannot be read: {reason}; what it held last counts on: fix its permissions or remove it"
        return _fallen_back(file, Problem(file=file, message=message), held)
    message = f"cannot be read: {reason}; fix its permissions or remove it"
    problem = Problem(file=file, message=message)
    return Remembered(reading=FileReading(file=file, problems=(problem,), unreadable=f"{file} {message}"))


def _fallen_back(file: str, problem: Problem, held: tuple[Manifest, ...]) -> Remembered:
    reading = FileReading(file=file, manifests=held, problems=(problem,), undecided=_names(held, "Session"))
    return Remembered(reading=reading, held=held)


def _partly_read(file: str, parsed: Parsed, held: tuple[Manifest, ...]) -> Remembered:
    """While a file has mistakes, nothing that it held is lost: what it now lacks stays as it was."""
    present = {(manifest.kind, manifest.name) for manifest in parsed.manifests}
    kept = tuple(manifest for manifest in held if (manifest.kind, manifest.name) not in present)
    refused_sessions = {doc.name for doc in parsed.refused if doc.name is not None and doc.kind != "SessionTemplate"}
    refused_templates = {doc.name for doc in parsed.refused if doc.name is not None and doc.kind == "SessionTemplate"}
    manifests = parsed.manifests + kept
    reading = FileReading(
        file=file,
        manifests=manifests,
        problems=parsed.problems,
        undecided=_names(kept, "Session") | refused_sessions,
        broken_templates=frozenset(refused_templates - _names(kept, "SessionTemplate")),
        opaque=parsed.opaque,
    )
    return Remembered(reading=reading, held=manifests)


def _names(manifests: Iterable[Manifest], kind: str) -> frozenset[str]:
    return frozenset(manifest.name for manifest in manifests if manifest.kind == kind)

"""Writes and removes manifests in the directory, for programs that do it on somebody's behalf.

Every change is one atomic rename or removal, so that a scan sees the file before it or after it and nothing between.
Files that people wrote are never overwritten, and of several documents in one file only the one meant is touched.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.api.documents import Document
from controller.api.encoding import MAX_BYTES
from controller.api.load import Parsed, parse
from controller.sources.listing import display_name, is_manifest_name, reason

_FILE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")


_PART = 65_536
"""Bytes that are read at once."""


class WriteRefused(Exception):
    """Nothing was changed; ``str()`` says why in one sentence."""


class Taken(WriteRefused):
    """There is a file, or a manifest, of that name."""


def write_manifest(directory: Path, text: str, name: str) -> Path:
    """Write one or more documents as ``<name>.yaml``, anew or in place of what it held of the same objects.

    ``WriteRefused`` where the text is not valid, where the file holds other objects, or where another file already
    holds one of these.
    """
    if not _FILE_NAME.match(name) or len(name) > 63:
        raise WriteRefused(f'"{name}" cannot be the name of a manifest file; use lower-case letters, digits and "-"')
    target = directory / f"{name}.yaml"
    parsed = parse(text.encode(), target.name)
    if parsed.problems:
        raise WriteRefused(str(parsed.problems[0]))
    if not parsed.manifests:
        raise WriteRefused(f"{target.name}: there is no manifest in the text; write one")
    objects = _objects(parsed)
    with _changing(directory):
        _require_ours(target, objects)
        for kind, wanted in objects:
            for held in _holders(directory, kind, wanted):
                if held.path != target:
                    raise WriteRefused(f'the {kind} "{wanted}" stands in {held.place} already; change it there')
        _replace(target, text.encode())
    return target


def create_manifest(directory: Path, text: str, name: str, *, thorough: bool) -> Path:
    """Write the manifest of one session as ``<name>.yaml``, a file that is not there yet; ``text`` is valid.

    ``thorough``: make sure that no other file holds the session, for callers that do not know what is in them: it reads
    them all. ``Taken`` where there is such a file or such a session, ``WriteRefused`` where it cannot be written.
    """
    target = directory / f"{name}.yaml"
    with _writing(directory), _prepared(target, text.encode()) as temporary, _changing(directory):
        for held in _holders(directory, "Session", name) if thorough else ():
            raise Taken(f'the Session "{name}" stands in {held.place} already')
        try:
            os.link(temporary, target, follow_symlinks=False)  # unlike a rename it never replaces anything
        except FileExistsError:
            raise Taken(f"there is a file {target.name} already") from None
    return target


def remove_session(directory: Path, name: str) -> Path | None:
    """Remove a session from the file that holds it, and the file with its last manifest; None where none holds it.

    Where several files hold the name it is removed from all of them; the first is returned. The other documents of a
    file stay as they are, byte for byte. ``WriteRefused`` where that cannot be done.
    """
    with _changing(directory):
        held = list(_holders(directory, "Session", name))
        if not held:
            _require_legible(directory, name)
        for file in held:
            _cut(file)
    return held[0].path if held else None


@dataclass(frozen=True, slots=True)
class _Held:
    """A file that holds an object, and the documents in it that are the object."""

    path: Path
    raw: bytes
    parsed: Parsed
    documents: tuple[Document, ...]
    line: int

    @property
    def place(self) -> str:
        return f"{display_name(self.path.name)}:{self.line}"


@contextmanager
def _changing(directory: Path) -> Iterator[None]:
    """One writer at a time, and the system's errors as sentences."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise WriteRefused(f"the manifest directory {directory} cannot be opened: {reason(error)}") from None
    try:
        with _writing(directory):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteRefused(f"the manifest directory {directory} cannot be written: {reason(error)}") from None


def _objects(parsed: Parsed) -> set[tuple[str, str]]:
    return {(manifest.kind, manifest.name) for manifest in parsed.manifests}


def _require_ours(target: Path, objects: set[tuple[str, str]]) -> None:
    """Refuse to overwrite a file that holds anything else than these objects, or that somebody else manages."""
    if target.is_symlink():
        raise WriteRefused(f"{target.name} is a link, so that something else manages it; change it there")
    if not target.exists():
        return
    parsed = parse(_read(target), target.name)
    broken = {(refused.kind or "Session", refused.name) for refused in parsed.refused}
    if parsed.opaque is not None or None in {name for _, name in broken}:
        raise WriteRefused(f"{target.name} is there and cannot be read as manifests; mend or remove it first")
    for kind, name in sorted((_objects(parsed) | broken) - objects, key=str):
        raise WriteRefused(f'{target.name} is there and holds the {kind} "{name}" too; choose another file name')


def _holders(directory: Path, kind: str, name: str) -> Iterator[_Held]:
    """The files that hold an object, broken documents of that name included."""
    for path, raw in _mentions(directory, name):
        parsed = parse(raw, display_name(path.name))
        found = [manifest for manifest in parsed.manifests if (manifest.kind, manifest.name) == (kind, name)]
        broken = [refused for refused in parsed.refused if (refused.kind or "Session", refused.name) == (kind, name)]
        documents = [manifest.document for manifest in found if manifest.document is not None]
        documents += [refused.document for refused in broken]
        if documents:
            origins = [manifest.origin for manifest in found] + [refused.origin for refused in broken]
            yield _Held(path, raw, parsed, tuple(documents), min(origin.line for origin in origins))


def _mentions(directory: Path, name: str) -> Iterator[tuple[Path, bytes]]:
    """The manifest files in whose text a name occurs. Files that cannot be read are for the scan to report."""
    with os.scandir(directory) as entries:
        names = sorted(entry.name for entry in entries if is_manifest_name(entry.name) and entry.is_file())
    for path in map(directory.joinpath, names):
        try:
            raw = _read(path)
        except PermissionError:
            continue
        if name.encode() in raw:
            yield path, raw


def _require_legible(directory: Path, name: str) -> None:
    """Refuse to say that nothing holds a session while a broken file mentions it."""
    word = re.compile(rb"(?<![-a-z0-9])" + re.escape(name.encode()) + rb"(?![-a-z0-9])")
    for path, raw in _mentions(directory, name):
        shown = display_name(path.name)
        if word.search(parse(raw, shown).opaque or b""):
            raise WriteRefused(f'{shown} cannot be read as manifests and may hold the session "{name}"; mend it first')


def _cut(held: _Held) -> None:
    """Take an object's documents out of its file."""
    if held.path.is_symlink():
        raise WriteRefused(f"{held.place} is a link, so that something else manages it; remove the session there")
    text = held.raw.decode()
    rest = text
    for document in sorted(held.documents, key=lambda document: document.start, reverse=True):
        rest = rest[: document.start] + rest[document.end :]
    others = len(held.parsed.manifests) + len(held.parsed.refused) - len(held.documents)
    if others == 0 and held.parsed.opaque is None:
        held.path.unlink()
    else:
        _replace(held.path, rest.encode())


def _read(path: Path) -> bytes:
    # By parts: a buffer for the largest of files, for each of thousands, takes longer than all their reading.
    with path.open("rb", buffering=0) as file:
        read = b""
        while len(read) <= MAX_BYTES and (part := file.read(_PART)):
            read += part
        return read


def _replace(target: Path, content: bytes) -> None:
    """Put a whole file in place of another, or of none, at once; readable like the one before."""
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
    with _prepared(target, content, mode=mode) as temporary:
        temporary.replace(target)


@contextmanager
def _prepared(target: Path, content: bytes, *, mode: int = 0o644) -> Iterator[Path]:
    """A finished file beside the target, under a name that no scan reads; gone afterwards."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        yield Path(temporary)
    finally:
        Path(temporary).unlink(missing_ok=True)

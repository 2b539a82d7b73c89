"""The directory of manifests as a source: every scan gives all that is wanted, as an immutable snapshot.

A scan reads only what changed, checks that nothing moved meanwhile, and never takes a failure for an empty directory.
When to scan is the business of ``loop``; hints that it is time come from ``watch``.
"""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from controller.core.desired import Resolver, build_snapshot
from controller.core.model import DesiredSnapshot
from controller.core.offer import TemplateDefaults
from controller.engine.clock import Clock
from controller.sources.lastgood import Remembered, read_failed, read_text
from controller.sources.listing import (
    NOT_A_FILE,
    Changed,
    DirectoryId,
    DirectoryUnusable,
    Fingerprint,
    Listing,
    PinnedDirectory,
    display_name,
    pinned,
    reason,
)

ATTEMPTS = 5
"""How often a scan starts anew because something changed under it."""

MAX_FILES = 20_000

_TIMESTAMP_GRAIN = 1.0
"""Seconds within which two writes may leave the same time stamps: a file so young is read again by the next scan."""


@dataclass(frozen=True, slots=True)
class _File:
    """What is known of one file."""

    seen: Fingerprint | str
    """As it was listed last: its fingerprint, or why it could not be read."""
    digest: bytes
    """Of its content; empty where there is none."""
    remembered: Remembered


class DirectorySource:
    """Scans one directory, not those below it. Safe to use from several threads."""

    def __init__(
        self, path: Path | str, *, defaults: TemplateDefaults, clock: Clock, max_files: int = MAX_FILES
    ) -> None:
        self.path = Path(path)
        self._clock = clock
        self._max_files = max_files
        self._resolver = Resolver(defaults)
        self._files: dict[str, _File] = {}
        self._again: set[str] = set()
        """Files to read by the next scan whether or not they look changed."""
        self._listed: tuple[DirectoryId, Listing] | None = None
        """The last listing that held still, if the snapshot shows it."""
        self._passed_over: frozenset[str] = frozenset()
        """Directories, pipes and the like with a manifest's name, which held nothing as far as is known."""
        self._stale = True
        """Whether ``_files`` says something that the snapshot does not show."""
        self._snapshot: DesiredSnapshot | None = None
        self._empty_is_meant = False
        self._lock = threading.Lock()

    def accept_empty(self) -> None:
        """An administrator says that an empty directory means that nothing is wanted; holds until it has files."""
        with self._lock:
            self._empty_is_meant = True

    def set_defaults(self, defaults: TemplateDefaults) -> None:
        """Other defaults of the site, from reloaded settings; the next scan resolves every session anew."""
        with self._lock:
            self._resolver = Resolver(defaults)
            self._stale = True

    def scan(self) -> DesiredSnapshot:
        """All that the directory asks for now. Never raises for what it holds, nor when it is gone."""
        with self._lock:
            self._snapshot = self._scan()
            return self._snapshot

    def _scan(self) -> DesiredSnapshot:
        for _ in range(ATTEMPTS):
            try:
                with pinned(self.path) as directory:
                    if (snapshot := self._look(directory)) is not None:
                        return snapshot
            except Changed:
                continue
            except DirectoryUnusable as error:
                return self._incomplete(str(error))
        self._listed = None
        return self._build(f"the manifest directory {self.path} kept changing while it was read; it is read again soon")

    def _look(self, directory: PinnedDirectory) -> DesiredSnapshot | None:
        """One attempt; None where something moved under it."""
        listing = directory.list(limit=self._max_files)
        if self._listed != (directory.id, listing) or self._again:
            self._absorb(directory, listing)
            if directory.list(limit=self._max_files) != listing:
                return None
        return self._settle(directory, listing) if directory.still_meant() else None

    def _absorb(self, directory: PinnedDirectory, listing: Listing) -> None:
        """Read what looks changed."""
        for name, seen in (listing.readable | listing.failing).items():
            before = self._files.get(name)
            if before is not None and before.seen == seen and name not in self._again:
                continue
            after = (
                self._failed(name, seen, before) if isinstance(seen, str) else self._read(directory, name, seen, before)
            )
            if after is None:
                self._stale = self._files.pop(name, None) is not None or self._stale
                continue
            self._files[name] = after
            self._stale = self._stale or before is None or before.remembered != after.remembered

    def _read(self, directory: PinnedDirectory, name: str, seen: Fingerprint, before: _File | None) -> _File | None:
        try:
            raw = directory.read(name)
        except OSError as error:
            self._again.add(name)
            return self._failed(name, reason(error), before)
        if seen[-1] / 1e9 > self._clock.now() - _TIMESTAMP_GRAIN:
            self._again.add(name)
        else:
            self._again.discard(name)
        digest = hashlib.blake2b(raw, digest_size=16).digest()
        if before is not None and before.digest == digest:
            return replace(before, seen=seen)
        held = before.remembered.held if before is not None else ()
        return _File(seen, digest, read_text(display_name(name), raw, held=held))

    def _failed(self, name: str, why: str, before: _File | None) -> _File | None:
        held = before.remembered.held if before is not None else ()
        if why == NOT_A_FILE and not held:
            return None
        return _File(why, b"", read_failed(display_name(name), why, held=held))

    def _settle(self, directory: PinnedDirectory, listing: Listing) -> DesiredSnapshot:
        """The snapshot of a listing that held still."""
        present = [name for name in self._files if name in listing.readable or name in listing.failing]
        if not present and not self._empty_is_meant:
            return self._incomplete(self._empty())
        if present:
            self._empty_is_meant = False
        if len(present) < len(self._files):
            self._files = {name: self._files[name] for name in present}
            self._again.intersection_update(present)
            self._stale = True
        if self._listed is None or self._listed[0] != directory.id:
            self._stale = True
        passed_over = frozenset(display_name(name) for name in listing.failing if name not in self._files)
        if passed_over != self._passed_over:
            self._passed_over, self._stale = passed_over, True
        self._listed = (directory.id, listing)
        if self._stale or self._snapshot is None:
            return self._build(None)
        return replace(self._snapshot, scanned_at=self._clock.now())

    def _empty(self) -> str:
        before = f" and held {len(self._files)} manifest files before" if self._files else ""
        return (
            f'the manifest directory {self.path} is empty{before}, which is not taken for "nothing is wanted"; '
            'put a manifest there, such as a template, or say "winux confirm"'
        )

    def _incomplete(self, because: str) -> DesiredSnapshot:
        """The last snapshot, which now proves no absence."""
        self._listed = None
        if self._snapshot is None:
            return self._build(because)
        return replace(self._snapshot, complete=False, incomplete_because=because, scanned_at=self._clock.now())

    def _build(self, because: str | None) -> DesiredSnapshot:
        self._stale = because is not None
        return build_snapshot(
            [file.remembered.reading for file in self._files.values()],
            resolver=self._resolver,
            previous=self._snapshot,
            incomplete_because=because,
            passed_over=self._passed_over,
            revision=self._revision(),
            scanned_at=self._clock.now(),
        )

    def _revision(self) -> str:
        """The last part of the real path, which names the commit with git-sync, and a hash of all contents."""
        if self._listed is None:
            return ""
        whole = hashlib.blake2b(digest_size=6)
        for name in sorted(self._files):
            whole.update(os.fsencode(name) + b"\0" + self._files[name].digest)
        return f"{Path(self._listed[0][0]).name}@{whole.hexdigest()}"

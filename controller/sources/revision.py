"""Which git commit a directory is at, read from git's own files. Runs no git and trusts no file to be what it should.

git-sync checks a commit out into a directory of its name (``.worktrees/COMMIT``, in older releases ``rev-COMMIT``).
Anywhere else the commit is what ``HEAD`` of the repository says that the directory lies in (gitrepository-layout(5)).
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

_COMMIT = re.compile(r"(?:rev-)?(?P<commit>[0-9a-f]{40}|[0-9a-f]{64})")
_REF = re.compile(r"refs/[^\s\0]+")
_MOST_BYTES = 8 * 1024 * 1024
"""Of a file: ``packed-refs`` has a line of some 60 bytes for each branch and tag."""
_MOST_REFS = 5
"""A ref may name another one; git follows five."""


def commit_of(directory: Path) -> str | None:
    """The commit as 40 hex digits (64 with SHA-256); None where the directory is no checkout, or it cannot be told."""
    try:
        where = directory.resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    for place in (where, *where.parents):
        if (named := _COMMIT.fullmatch(place.name)) is not None:
            return named["commit"]
        if os.path.lexists(place / ".git"):
            return _head(place / ".git")
    return None


def _head(git: Path) -> str | None:
    own = _own_directory(git)
    if own is None:
        return None
    shared = own / (_read(own / "commondir") or ".").strip()  # of a worktree: where the repository's branches are
    told = _read(own / "HEAD")
    for _ in range(_MOST_REFS):
        if told is None:
            return None
        word, _, ref = told.strip().partition(" ")
        if word != "ref:":
            return told.strip() if _COMMIT.fullmatch(told.strip()) else None
        if not _REF.fullmatch(ref) or ".." in ref:
            return None
        told = _read(own / ref) or _read(shared / ref) or _packed(shared, ref)
    return None


def _own_directory(git: Path) -> Path | None:
    """Where HEAD is: ``.git`` itself, or what a file of that name points to (a worktree, a submodule)."""
    if git.is_dir():
        return git
    word, _, target = (_read(git) or "").strip().partition(" ")
    return git.parent / target if word == "gitdir:" else None


def _packed(shared: Path, ref: str) -> str | None:
    lines = (_read(shared / "packed-refs") or "").splitlines()
    return next((line.partition(" ")[0] for line in lines if line.partition(" ")[2] == ref), None)


def _read(path: Path) -> str | None:
    """None for what is no regular file, such as a pipe that would never end, or is too large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            return None
        return file.read(_MOST_BYTES).decode("utf-8", errors="replace")

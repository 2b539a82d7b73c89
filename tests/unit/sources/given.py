"""Givens of the sources' tests: manifests as text, and a look at which files are opened."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from controller.core.offer import TemplateDefaults
from controller.engine.clock import VirtualClock
from controller.sources.directory import DirectorySource

DEFAULTS = TemplateDefaults(archive="local:vztmpl/winux.tar.zst", storage="local-lvm")
NOBODY = 65534

_listeners: dict[str, list[Callable[[str], None]]] = {"open": [], "os.rename": []}


def _audit(event: str, args: tuple[object, ...]) -> None:
    if event in _listeners and args and isinstance(args[0], str):
        for listener in list(_listeners[event]):
            listener(args[0])


sys.addaudithook(_audit)


@contextmanager
def _listening(event: str, listener: Callable[[str], None]) -> Iterator[None]:
    _listeners[event].append(listener)
    try:
        yield
    finally:
        _listeners[event].remove(listener)


def on_open(listener: Callable[[str], None]) -> AbstractContextManager[None]:
    """Call the listener just before any file is opened, with the path as it was given."""
    return _listening("open", listener)


def on_rename(listener: Callable[[str], None]) -> AbstractContextManager[None]:
    """Call the listener just before any file is renamed, with its old path."""
    return _listening("os.rename", listener)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read everything: be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def session(name: str, spec: str = "{}") -> str:
    return f"apiVersion: winux.dev/v1\nkind: Session\nmetadata:\n  name: {name}\nspec: {spec}\n"


def template(name: str, spec: str = "{}") -> str:
    return session(name, spec).replace("Session", "SessionTemplate")


def documents(*texts: str) -> str:
    return "---\n".join(texts)


def source(path: Path, clock: VirtualClock | None = None, *, max_files: int = 20_000) -> DirectorySource:
    return DirectorySource(path, defaults=DEFAULTS, clock=clock or VirtualClock(), max_files=max_files)

"""New sessions, written into the directory as a file each: never in place of anything, and never twice.

Unlike ``applying`` it refuses what is there already, whatever its state, and it reads no other file as long as the
picture knows what is in them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from controller.admin.arrivals import Arrivals
from controller.admin.models import ManifestFile, Outcome
from controller.admin.planning import on_top
from controller.admin.refusals import Exists, Invalid, NotWritable, NotYet
from controller.admin.site import Site, template_defaults
from controller.core.model import DesiredSession, DesiredSnapshot
from controller.ledger.ledger import Ledger, Note
from controller.reconcile.picture import Picture
from controller.sources.writer import Taken, WriteRefused, create_manifest


class Creating:
    """Safe to use from several threads."""

    def __init__(
        self,
        ledger: Ledger,
        picture: Picture,
        arrivals: Arrivals,
        *,
        site: Callable[[], Site],
        rescan: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._picture = picture
        self._arrivals = arrivals
        self._site = site
        self._rescan = rescan
        self._lock = threading.Lock()
        self._under_way: set[str] = set()

    def create(self, text: str, *, name: str, by: str) -> Outcome:
        """One session, as ``<name>.yaml``. ``text`` is its manifest and nothing else.

        Raises:
            Exists: there is a session of that name, living or over, or a manifest tries to ask for one.
            Invalid: something is wrong with the text.
            NotYet: the manifests were not scanned yet.
            NotWritable: the file could not be written.
        """
        session = self._read(text, name)
        with self._alone(name):
            current = self._current()
            self._require_new(name, current)
            self._ledger.prove_writable()
            directory = self._site().manifests.path
            try:
                path = create_manifest(directory, text, name, thorough=not current.complete)
            except Taken as taken:
                raise Exists(f"there is a session {name} already: {taken}") from None
            except WriteRefused as error:
                raise NotWritable(f"nothing was written: {error}") from None
            self._arrivals.add(session, path)
        self._rescan()
        self._ledger.note(name, "", Note("Launched", f"{by} launched it: {path.name} was written"))
        return Outcome(messages=(f"session {name} written ({path.name})",))

    # -- inside ------------------------------------------------------------------------------------------------

    def _current(self) -> DesiredSnapshot:
        current = self._picture.desired
        if current is None:
            raise NotYet("the manifests were not scanned yet: try again in a moment")
        return current

    def _read(self, text: str, name: str) -> DesiredSession:
        file = ManifestFile(name=f"{name}.yaml", text=text)
        addition = on_top([file], self._current(), template_defaults(self._site()))
        if addition.problems:
            sentences = tuple(str(problem) for problem in addition.problems)
            raise Invalid(f"nothing was written, because {sentences[0]}", problems=sentences)
        session = addition.sessions.get(name)
        if session is None or len(addition.manifests) != 1:
            raise Invalid(f"nothing was written: the text has to be the manifest of the session {name}, and that alone")
        return session

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Nobody else creates a session of that name meanwhile; others are created at the same time."""
        with self._lock:
            if name in self._under_way:
                raise Exists(f"there is a session {name} already: it is just being launched")
            self._under_way.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(name)

    def _require_new(self, name: str, current: DesiredSnapshot) -> None:
        life = self._ledger.life(name)
        if life is not None:
            raise Exists(f"there is a session {name} already{', which is over' if life.ended else ''}: choose another")
        if name in current.sessions or name in self._arrivals.pending(current):
            raise Exists(f"there is a session {name} already: choose another name")
        faulty = any(problem.session == name for problem in current.problems)
        if faulty or current.may_hold(name, None):
            raise Exists(f"a manifest with mistakes may ask for a session {name}: choose another name")

"""What the controller shows, asked for once for everybody who asks at the same time, and kept for moments.

Two hundred people who look at their progress cost as much as one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from controller.admin.models import SessionView, TemplateView
from controller.engine.clock import Clock
from controller.web.backend import Backend, asking
from controller.web.desktops import Marks, marks_of
from controller.web.progress import Recent

YOUNG = 0.5
"""Seconds for which an answer counts as the present."""
SHARE = 10.0
"""It counts for at least this many times as long as it took: asking must not become all that is done."""
SLOW = 5.0
"""Seconds for which what changes seldom is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All sessions, by name."""

    number: int
    """Counts up, by when it was begun."""
    views: Mapping[str, SessionView]
    marks: Mapping[str, Marks]
    at: float
    """On the monotonic clock, when it was there."""
    took: float

    def marks_of(self, view: SessionView) -> Marks:
        """Of a view that may be newer than this snapshot."""
        marks = marks_of(view)
        if marks.made_here:
            return marks
        before = self.views.get(view.name)
        if view.uid is None or before is None or before.uid != view.uid:
            return marks
        return self.marks[view.name]


_NOTHING = Snapshot(number=0, views=MappingProxyType({}), marks=MappingProxyType({}), at=float("-inf"), took=0.0)


class Roster:
    """Safe to use from several threads. Every method raises ``Refused`` where the controller cannot answer."""

    def __init__(self, backend: Backend, *, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock
        self._lock = threading.Lock()
        self._begun = 0
        self._snapshot = _NOTHING
        self._outdated = False
        self._slow_lock = threading.Lock()
        self._recent: tuple[float, Recent] | None = None
        self._key: bytes | None = None
        self._templates: tuple[float, tuple[TemplateView, ...]] | None = None

    @property
    def begun(self) -> int:
        """The number of the last snapshot that was begun."""
        return self._begun

    def forget(self) -> None:
        """Something was changed: what is asked next is to show it."""
        self._outdated = True

    def snapshot(self) -> Snapshot:
        """It may be moments old."""
        found = self._snapshot
        if self._serves(found):
            return found
        with self._lock:
            found = self._snapshot
            if self._serves(found):
                return found  # somebody else asked meanwhile
            self._snapshot = self._ask(found)
            return self._snapshot

    def marks_of(self, view: SessionView) -> Marks:
        """Of a view that may be newer than the last snapshot."""
        return self._snapshot.marks_of(view)

    def key(self) -> bytes:
        """32 secret bytes, the same after a restart."""
        with self._slow_lock:
            if self._key is None:
                with asking():
                    self._key = self._backend.web_key()
            return self._key

    def recent(self) -> Recent:
        """How long the last sessions took."""
        with self._slow_lock:
            now = self._clock.monotonic()
            if self._recent is None or now - self._recent[0] > SLOW:
                with asking():
                    vitals = self._backend.vitals()
                self._recent = (now, Recent(median=vitals.ready_median_seconds, counted=vitals.ready_counted))
            return self._recent[1]

    def templates(self) -> tuple[TemplateView, ...]:
        with self._slow_lock:
            now = self._clock.monotonic()
            if self._templates is None or now - self._templates[0] > SLOW:
                with asking():
                    self._templates = (now, self._backend.templates())
            return self._templates[1]

    def _serves(self, snapshot: Snapshot) -> bool:
        if self._outdated:
            return False
        return self._clock.monotonic() - snapshot.at <= max(YOUNG, SHARE * snapshot.took)

    def _ask(self, before: Snapshot) -> Snapshot:
        self._begun += 1
        number, began, self._outdated = self._begun, self._clock.monotonic(), False
        with asking():
            views = {view.name: view for view in self._backend.sessions()}
        ended = self._clock.monotonic()
        # A session whose manifest is gone already has no marks to show: they are remembered until it is gone too.
        marks = {name: before.marks_of(view) for name, view in views.items()}
        return Snapshot(number=number, views=views, marks=marks, at=ended, took=ended - began)

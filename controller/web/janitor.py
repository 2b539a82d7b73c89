"""Removes the manifests of sessions that were launched here and are over, when they were shown long enough.

Nobody else would: their launchers cannot, and the directory would grow for ever. What people wrote stays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from controller.api.quantities import format_duration
from controller.engine.clock import Clock
from controller.web.backend import Backend, asking
from controller.web.desktops import marks_of
from controller.web.progress import OVER, step_of
from controller.web.refusals import Refused

PERIOD = 15.0
"""Seconds between two rounds."""
AT_ONCE = 100
"""Manifests that one round removes at most."""
_LOG = structlog.get_logger("winux.web")


class Janitor:
    """``keep``: seconds for which a session that is over stays; may be set anew."""

    def __init__(self, backend: Backend, *, clock: Clock, keep: float, beat: Callable[[], None] = lambda: None) -> None:
        self._backend = backend
        self._clock = clock
        self._beat = beat
        self.keep = keep
        self._failed: dict[str, str] = {}
        """What was said about manifests that cannot be removed; each is said once."""

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._beat()
            self.sweep()
            self._clock.wait(stop, min(PERIOD, self.keep))

    def sweep(self) -> list[str]:
        """One round; returns the sessions whose manifests were removed. Never raises ``Refused``."""
        try:
            with asking():
                due = self._due()
        except Refused as refused:
            _LOG.debug("web.not-swept", error=str(refused))
            return []
        self._failed = {name: said for name, said in self._failed.items() if name in due}
        return [name for name in due[:AT_ONCE] if self._remove(name)]

    def _due(self) -> list[str]:
        latest = self._clock.now() - self.keep
        return [
            view.name
            for view in self._backend.sessions()
            if step_of(view) in OVER
            and marks_of(view).made_here
            and view.ended_at is not None
            and view.ended_at.timestamp() <= latest
        ]

    def _remove(self, name: str) -> bool:
        self._beat()
        try:
            with asking():
                outcome = self._backend.delete(name, by=f"the web, {format_duration(self.keep)} after its end,")
        except Refused as refused:
            said = str(refused)
        else:
            if not outcome.warnings:
                return True
            said = outcome.warnings[0]
        if self._failed.get(name) != said:
            _LOG.warning("web.not-removed", session=name, error=said)
        self._failed[name] = said
        return False

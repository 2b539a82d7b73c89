"""When to scan: after a hint and a moment of quiet, again soon after a change, and now and then in any case."""

from __future__ import annotations

import threading
from collections.abc import Callable

from controller.core.model import DesiredSnapshot, Timestamp
from controller.engine.clock import Clock
from controller.sources.directory import DirectorySource
from controller.sources.revision import commit_of
from controller.sources.watch import DirectoryWatch

_STOP_CHECK = 0.5
"""Seconds after which a wait looks whether the program is to end."""


class ScanLoop:
    """Scans a source for as long as the program runs and hands on every snapshot.

    ``run`` is for a thread of its own; ``step`` does one scan and is all that a simulation needs. The counters may be
    read from any thread.
    """

    def __init__(
        self,
        source: DirectorySource,
        *,
        clock: Clock,
        on_snapshot: Callable[[DesiredSnapshot], None],
        watched: bool = True,
        period: float = 30.0,
        quiet: float = 0.2,
        longest_delay: float = 1.0,
        soon: float = 1.0,
        impatient: float = 5.0,
        beat: Callable[[], None] = lambda: None,
        on_scan: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """All times are seconds.

        ``period``: between scans without a hint. ``quiet``: without further hints before a hint is followed, but never
        later than ``longest_delay``. ``soon``: to the scan that confirms a change. ``impatient``: between scans while
        the picture is incomplete or no hints can be expected. ``beat`` is called at least every half second.
        ``on_scan`` is told how long each scan took.
        """
        self._source = source
        self._clock = clock
        self._on_snapshot = on_snapshot
        self._period = period
        self._quiet = quiet
        self._longest_delay = longest_delay
        self._soon = soon
        self._impatient = impatient
        self._beat = beat
        self._on_scan = on_scan
        self._hinted = threading.Event()
        self.watch = DirectoryWatch(source.path, on_hint=self.hint) if watched else None
        self.snapshot: DesiredSnapshot | None = None
        """The last one."""
        self.scans = 0
        self.last_good_scan: Timestamp | None = None
        """When a scan was last complete."""
        self.watch_working = False
        """Whether hints can be expected, as of the last scan."""
        self.revision: str | None = None
        """The git commit that the directory was at when it was last scanned; None where it is no checkout."""

    def set_pace(self, *, period: float, quiet: float) -> None:
        """Other times, from reloaded settings; they count from the next scan on."""
        self._period, self._quiet = period, quiet

    @property
    def problems(self) -> int:
        """How many problems the manifests have now."""
        return len(self.snapshot.problems) if self.snapshot is not None else 0

    @property
    def watch_restarts(self) -> int:
        return self.watch.restarts if self.watch is not None else 0

    def hint(self) -> None:
        """Something may have changed, or the program is to end: wake up. From any thread."""
        self._hinted.set()

    def step(self) -> DesiredSnapshot:
        """Scan once and hand the snapshot on."""
        began = self._clock.monotonic()
        snapshot = self._source.scan()
        self._on_scan(self._clock.monotonic() - began)
        self.revision = commit_of(self._source.path)
        self.snapshot = snapshot
        self.scans += 1
        if snapshot.complete:
            self.last_good_scan = snapshot.scanned_at
        self._on_snapshot(snapshot)
        return snapshot

    def run(self, stop: threading.Event) -> None:
        """Scan until ``stop`` is set. Ends within half a second of that, or at once if ``hint`` is called as well."""
        try:
            while not stop.is_set():
                self.watch_working = self.watch is not None and self.watch.ensure()
                before = self.snapshot
                after = self.step()
                self._wait(stop, self._pause(before, after, hints_expected=self.watch_working))
        finally:
            self.watch_working = False
            if self.watch is not None:
                self.watch.stop()

    def _pause(self, before: DesiredSnapshot | None, after: DesiredSnapshot, *, hints_expected: bool) -> float:
        # A snapshot of an unchanged directory shares its mappings with the one before.
        if before is None or before.sessions is not after.sessions:
            return self._soon
        if not after.complete or not hints_expected:
            return self._impatient
        return self._period

    def _wait(self, stop: threading.Event, seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        while not stop.is_set() and (left := until - self._clock.monotonic()) > 0:
            self._beat()
            if self._clock.wait(self._hinted, min(left, _STOP_CHECK)):
                self._let_settle(stop)
                return

    def _let_settle(self, stop: threading.Event) -> None:
        """Wait for a moment without hints, so that a burst of changes is one scan."""
        until = self._clock.monotonic() + self._longest_delay
        while not stop.is_set() and (left := until - self._clock.monotonic()) > 0:
            self._hinted.clear()
            if not self._clock.wait(self._hinted, min(left, self._quiet)):
                return

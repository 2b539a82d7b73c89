"""Sends events on to every sink, in order and at least once, and clears away old ones. One thread, one round at a time.

The ledger is the spool: how far a sink got is written down there, so that a restart loses nothing. What a sink is, and
how one is served, is in ``sink`` and ``lane``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

import structlog
from sqlalchemy.exc import OperationalError

from controller.deliveries.lane import Lane, cursor_key
from controller.deliveries.sink import Sink
from controller.engine.backoff import Backoff
from controller.engine.clock import Clock
from controller.ledger.events import Event
from controller.ledger.ledger import Ledger, reason_of
from controller.ledger.retention import CHUNK, Keep

_LOG = structlog.get_logger("winux.events")
SINKS = ("file", "webhook")
"""Names of all that there may be."""
RETRY_BASE, RETRY_CAP = 1.0, 300.0
"""Seconds of the backoff after a sink failed: the first, and the longest."""
IDLE = 1.0
"""Seconds until an idle thread gives a sign of life."""
GATHER = 0.2
"""Seconds in which events that come together are gathered."""
PRUNE_EVERY = 15.0
LEDGER_PAUSE = 5.0
"""Seconds until it is tried again after the ledger failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long events are kept in seconds, how many at most, and where they are sent on to."""

    keep: float
    at_most: int
    sinks: tuple[Sink, ...] = ()


class Deliveries:
    """``run`` is a thread's loop; everything else may be called from any thread."""

    def __init__(
        self,
        ledger: Ledger,
        plan: Plan,
        *,
        clock: Clock,
        random: Random,
        observe_delivery: Callable[[str, bool], None] = lambda _sink, _ok: None,
        observe_dropped: Callable[[str, int], None] = lambda _sink, _count: None,
        clock_right: Callable[[], bool] = lambda: True,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """``clock_right``: whether the age of an event can be told; while it cannot, none is removed for its age."""
        self._ledger = ledger
        self._clock = clock
        self._backoff = Backoff(base=RETRY_BASE, cap=RETRY_CAP, random=random)
        self._observe_delivery = observe_delivery
        self._observe_dropped = observe_dropped
        self._clock_right = clock_right
        self._beat = beat
        self._news = threading.Event()
        self._lanes: dict[str, Lane] = {}
        self._plan, self._in_force = plan, plan
        self._prune_at = 0.0
        self._set_up(plan)

    # -- any thread --------------------------------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        return self._plan

    def told(self, event: Event) -> None:
        """For the ledger to call: there is something to send."""
        del event  # it is read from the ledger when its turn comes
        self._news.set()

    def follow(self, plan: Plan) -> None:
        """From the next round on; whatever waits is tried at once."""
        self._plan = plan
        self._news.set()

    def backlog(self) -> Mapping[str, tuple[int, float]]:
        """By sink how many events wait, and for how many seconds the oldest does. Asks no database."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        found: dict[str, tuple[int, float]] = {}
        for name, lane in list(self._lanes.items()):
            backlog, age = lane.backlog, 0.0
            if backlog.count and backlog.oldest_at is not None:
                age = max(0.0, now - backlog.oldest_at)
            if backlog.stuck_since is not None:
                # An event that is counted on is as new as its last time: it must not make a dead sink look well.
                age = max(age, monotonic - backlog.stuck_since)
            found[name] = (backlog.count, age)
        return found

    # -- the thread --------------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                self._beat()
                if self._clock.wait(self._news, IDLE):
                    self._clock.wait(stop, GATHER)
                self._news.clear()
                self.round(stop)
        finally:
            for lane in self._lanes.values():
                lane.sink.close()

    def round(self, stop: threading.Event) -> None:
        """Serve every sink that it is time for, and clear away."""
        try:
            if self._plan is not self._in_force:
                self._set_up(self._plan)
            for lane in self._lanes.values():
                if not lane.serve(stop, self._beat):
                    self._news.set()
            if self._clock.monotonic() >= self._prune_at:
                self._prune()
        except OperationalError as error:
            _LOG.warning("events.ledger-fails", reason=reason_of(error))
            self._clock.wait(stop, LEDGER_PAUSE)

    def _set_up(self, plan: Plan) -> None:
        lanes: dict[str, Lane] = {}
        for sink in plan.sinks:
            if (lane := self._lanes.get(sink.name)) is not None:
                lane.lead_to(sink)
            else:
                lane = self._lane(sink)
                lane.begin()
            lanes[sink.name] = lane
        for name, lane in self._lanes.items():
            if name not in lanes:
                lane.sink.close()
        self._lanes, self._in_force = lanes, plan

    def _lane(self, sink: Sink) -> Lane:
        return Lane(
            sink=sink, ledger=self._ledger, clock=self._clock, backoff=self._backoff, observe=self._observe_delivery
        )

    def _forget_the_others(self) -> None:
        """A sink that comes back one day is not to be flooded with what happened meanwhile."""
        for name in SINKS:
            if name not in self._lanes and self._ledger.setting(cursor_key(name)) is not None:
                self._ledger.set_setting(cursor_key(name), None)

    def _prune(self) -> None:
        """Every now and then a piece, until nothing is left to remove."""
        for lane in self._lanes.values():
            lane.write_cursor()
        self._forget_the_others()
        keep = Keep(
            before=self._clock.now() - self._in_force.keep if self._clock_right() else 0.0,
            at_most=self._in_force.at_most,
            unsent={name: lane.unsent for name, lane in self._lanes.items()},
        )
        pruned = self._ledger.spool.prune(keep)
        self._prune_at = self._clock.monotonic() + (PRUNE_EVERY if pruned.removed < CHUNK else IDLE)
        for name, count in pruned.dropped.items():
            self._observe_dropped(name, count)
            self._lanes[name].dropped(count)

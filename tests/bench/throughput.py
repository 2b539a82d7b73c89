"""Sessions a second from a dropped manifest to Ready, against a client that makes only the unavoidable calls."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from tests.bench.floor import Floor
from tests.e2e.site import Site
from tests.e2e.waiting import CLOCK, until

SESSIONS, ROUNDS = 40, 3


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds until the last of all sessions is Ready."""

    controller: float
    floor: float

    @property
    def ratio(self) -> float:
        return self.controller / self.floor


@dataclass(frozen=True, slots=True)
class Throughput:
    rounds: tuple[Round, ...]

    @property
    def ratio(self) -> float:
        return median(one.ratio for one in self.rounds)

    @property
    def controller(self) -> float:
        """Sessions a second."""
        return median(SESSIONS / one.controller for one in self.rounds)

    @property
    def floor(self) -> float:
        return median(SESSIONS / one.floor for one in self.rounds)


def measure(*, rounds: int = ROUNDS) -> Throughput:
    """Each round asks both, one after the other, on fresh nodes with the same durations."""
    return Throughput(tuple(Round(with_the_controller(), without_it()) for _ in range(rounds)))


def with_the_controller() -> float:
    site = Site(profile="real", settings={})
    try:
        daemon = site.daemon().in_sync()
        dropped = CLOCK.now()
        for number in range(SESSIONS):
            site.manifests.session(f"s{number:02}", ttl="1h")
        until(
            # Asking costs the daemon time: seldom, and its own record of the last one counts.
            lambda: daemon.admin.status().phases.get("Ready") == SESSIONS,
            what="all are Ready",
            within=300,
            every=0.5,
            show=lambda: daemon.admin.status().phases,
        )
        return max(one.ready_at.timestamp() for one in daemon.admin.sessions() if one.ready_at) - dropped
    finally:
        site.end()


def without_it() -> float:
    site = Site(profile="real", settings={})
    try:
        return Floor(site.node.description, sessions=SESSIONS).run()
    finally:
        site.end()

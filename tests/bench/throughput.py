"""Sessions per second to Ready: the real daemon against the floor client, on nodes with measured latencies."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.floor import FloorClient
from tests.e2e.site import Site
from tests.e2e.waiting import CLOCK, until

IN_FLIGHT = 4


@dataclass(frozen=True)
class Round:
    """Seconds until all sessions of one round answered."""

    sessions: int
    floor: float
    ours: float

    @property
    def ratio(self) -> float:
        return self.ours / self.floor


def measure(*, sessions: int) -> Round:
    return Round(sessions, floor=_floor(sessions), ours=_ours(sessions))


def _floor(sessions: int) -> float:
    site = Site(profile="real", settings={})
    try:
        return FloorClient(site.node.description, in_flight=IN_FLIGHT).make(sessions)
    finally:
        site.end()


def _ours(sessions: int) -> float:
    """With the default settings of the controller."""
    site = Site(profile="real", settings={"proxmox": {"inFlightPerNode": IN_FLIGHT}})
    try:
        daemon = site.daemon().in_sync()
        began = CLOCK.monotonic()
        for number in range(sessions):
            site.manifests.session(f"s{number}", ttl="2h")
        until(
            lambda: list(daemon.phases().values()).count("Ready") == sessions,
            what="all sessions are Ready",
            within=30.0 + 5.0 * sessions,
            every=0.1,
            show=daemon.phases,
        )
        return CLOCK.monotonic() - began
    finally:
        site.end()

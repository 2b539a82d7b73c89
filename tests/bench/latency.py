"""From a manifest in the directory to the create call at Proxmox's API, with the settings that everybody begins with."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median, quantiles

from tests.e2e.site import Site
from tests.e2e.waiting import CLOCK, until

SAMPLES = 20


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds."""

    median: float
    p95: float
    longest: float


def measure() -> Latency:
    """One manifest at a time, each after the one before is at the API."""
    site = Site(profile="real", settings={})
    try:
        site.daemon().in_sync()
        delays = []
        for number in range(SAMPLES):
            written = CLOCK.now()
            site.manifests.session(f"s{number:02}", ttl="1h")
            create = until(lambda n=number: site.admin.writes("create")[n:], what="the create call", every=0.02)[0]
            delays.append(create.at - written)
        return Latency(median(delays), quantiles(delays, n=20)[-1], max(delays))
    finally:
        site.end()

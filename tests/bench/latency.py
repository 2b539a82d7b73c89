"""From a manifest written to the create call at the API, with the default settings."""

from __future__ import annotations

from tests.e2e.site import Site
from tests.e2e.waiting import CLOCK, until


def measure(*, samples: int) -> list[float]:
    """Seconds, one for each manifest; each waits for the one before to be called for."""
    site = Site(profile="instant", settings={})
    try:
        site.daemon().in_sync()
        latencies = []
        for number in range(samples):
            before = len(site.admin.writes("create"))
            written = CLOCK.now()
            site.manifests.session(f"s{number}", ttl="2h")
            until(
                lambda before=before: len(site.admin.writes("create")) > before,
                what="the create call arrives",
                every=0.1,
            )
            latencies.append(site.admin.writes("create")[-1].at - written)
        return latencies
    finally:
        site.end()

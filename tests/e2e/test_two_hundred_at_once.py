"""Two hundred manifests dropped at once: all Ready, every VMID once, and Proxmox is not overrun."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest

from tests.e2e.conftest import MakeSite
from tests.e2e.waiting import until

SESSIONS, IN_FLIGHT = 200, 16


@pytest.mark.timeout(600)
def test_two_hundred_manifests_at_once(make_site: MakeSite) -> None:
    site = make_site(profile="demo", settings={"proxmox": {"inFlightPerNode": IN_FLIGHT}})
    daemon = site.daemon().in_sync()
    site.admin.forget_census()
    names = [f"s{number:03}" for number in range(SESSIONS)]
    for name in names:
        site.manifests.session(name, ttl="1h")

    ready = until(
        lambda: (found := daemon.phases()) and set(found.values()) == {"Ready"} and len(found) == SESSIONS and found,
        what="all are Ready",
        within=400,
        every=0.5,
        show=lambda: Counter(daemon.phases().values()),
    )
    assert sorted(ready) == names

    owned = site.admin.of()
    assert sorted(owned) == names
    assert all(len(vmids) == 1 for vmids in owned.values())
    assert len(site.foreigners.beside()) == SESSIONS
    creates = site.admin.tasks("vzcreate")
    assert Counter(task["status"] for task in creates) == {"OK": SESSIONS}
    assert len({task["id"] for task in creates}) == SESSIONS, "a VMID was used twice"

    census = site.admin.census()
    token = "winux@pve!controller"
    assert most(census, "max_guests", token) <= IN_FLIGHT
    assert most(census, "max_writes_in_flight", token) <= IN_FLIGHT
    assert most(census, "max_calls_in_flight", token) <= IN_FLIGHT

    said = [event.message for event in daemon.admin.events(limit=10_000) if event.type == "Warning"]
    assert said == []
    logged = [line for line in daemon.log() if line["level"] not in {"info", "debug"}]
    assert logged == []
    assert daemon.metric("winux_proxmox_lock_waits_total") == 0
    assert daemon.metric('winux_proxmox_requests_total{operation="create",outcome="Locked"}') == 0
    assert daemon.metric('winux_sessions{launch="archive",phase="Ready",template="default"}') == SESSIONS


def most(census: dict[str, object], level: str, token: str) -> int:
    return cast("dict[str, int]", census[level])[token]

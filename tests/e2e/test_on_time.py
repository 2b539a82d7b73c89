"""A manifest becomes a create call within a second, and a container is destroyed when it should be."""

from __future__ import annotations

from statistics import median

from controller.admin.models import SessionView
from tests.e2e.conftest import MakeSite
from tests.e2e.site import Site
from tests.e2e.waiting import CLOCK, until

DEFAULTS: dict[str, dict[str, object]] = {}
"""Nothing but the settings that everybody begins with."""


def test_a_manifest_is_at_the_api_as_a_create_call_within_a_second(make_site: MakeSite) -> None:
    site = make_site(profile="real", settings=DEFAULTS)
    site.daemon().in_sync()
    delays = []
    for number in range(4):  # the fifth would wait for its turn on the node
        written = CLOCK.now()
        site.manifests.session(f"s{number}", ttl="1h")
        create = until(lambda n=number: site.admin.writes("create")[n:], what="the create call arrives")[0]
        delays.append(create.at - written)
    assert median(delays) < 1.0, delays
    assert max(delays) < 2.0, f"one was late even for a busy machine: {delays}"


def test_a_ttl_of_20s_and_a_removed_manifest_end_when_they_should(make_site: MakeSite) -> None:
    """A ttl ends within two seconds of its end, a missing manifest after the grace of five and not before."""
    site = make_site(profile="real", settings=DEFAULTS)
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="20s")
    site.manifests.session("bob", ttl="1h")
    site.manifests.session("carol", ttl="1h")
    ready = daemon.wait_ready("alice", "bob", "carol")

    removed = CLOCK.now()
    site.manifests.remove("bob")
    delete = until(lambda: site.admin.writes("delete"), what="bob's delete call arrives")[0]
    grace = 5.0
    assert delete.vmid == ready["bob"].vmid
    assert removed + grace <= delete.at < removed + grace + 3.0
    daemon.wait_gone("bob")

    alice = ready["alice"]
    assert alice.ready_at is not None
    assert alice.expires_at is not None
    assert (alice.expires_at - alice.ready_at).total_seconds() == 20
    check_destroyed_at(site, alice.vmid, alice.expires_at.timestamp())
    assert list(site.admin.of()) == ["carol"]
    assert len(site.admin.writes("delete")) == 2


def test_extending_and_editing_the_ttl_move_the_end(site: Site) -> None:
    daemon = site.daemon().in_sync()
    first = {"extended": "5s", "longer": "7s", "shorter": "1h"}
    for name, ttl in first.items():
        site.manifests.session(name, ttl=ttl)
    ready = daemon.wait_ready(*first)
    daemon.admin.extend("extended", 4)
    site.manifests.session("longer", ttl="11s")
    site.manifests.session("shorter", ttl="8s")

    for name, seconds in {"shorter": 8, "extended": 9, "longer": 11}.items():
        session = until(
            lambda name=name, lasts=seconds: (s := daemon.session(name)) and lasting(s) == lasts and s,
            what=f"{name} lasts {seconds} s",
            show=lambda name=name: daemon.session(name),
        )
        assert session.uid == ready[name].uid, "that is no reason for a new desktop"
        assert session.expires_at is not None
        check_destroyed_at(site, session.vmid, session.expires_at.timestamp())


def lasting(session: SessionView) -> float | None:
    """Seconds from Ready to the end."""
    if session.ready_at is None or session.expires_at is None:
        return None
    return (session.expires_at - session.ready_at).total_seconds()


def check_destroyed_at(site: Site, vmid: int | None, end: float) -> float:
    """The delete call came within two seconds after the end; returns when."""
    delete = until(
        lambda: [write for write in site.admin.writes("delete") if write.vmid == vmid],
        what=f"container {vmid} is destroyed",
    )[0]
    assert end <= delete.at <= end + 2.0, f"{delete.at - end:.2f} s after its end"
    until(lambda: vmid not in site.admin.containers(), what=f"container {vmid} is gone", within=10)
    return delete.at

"""A manifest becomes a create call within a second, and a container is destroyed when it should be."""

from __future__ import annotations

from statistics import median

from tests.e2e.conftest import MakeSite
from tests.e2e.site import Site
from tests.e2e.waiting import CLOCK, until

DEFAULTS: dict[str, dict[str, object]] = {}
"""Nothing but the settings that everybody begins with."""


def test_a_manifest_is_at_the_api_as_a_create_call_within_a_second(make_site: MakeSite) -> None:
    site = make_site(profile="real", settings=DEFAULTS)
    site.daemon().in_sync()
    delays = []
    for number in range(5):
        written = CLOCK.now()
        site.manifests.session(f"s{number}", ttl="1h")
        create = until(lambda n=number: site.admin.writes("create")[n:], what="the create call arrives")[0]
        delays.append(create.at - written)
    assert median(delays) < 1.0, delays
    assert max(delays) < 2.0, f"one was late even for a busy machine: {delays}"


def test_a_removed_manifest_ends_its_container_after_the_grace_and_not_before(make_site: MakeSite) -> None:
    site = make_site(profile="real", settings=DEFAULTS)
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    site.manifests.session("bob", ttl="1h")
    ready = daemon.wait_ready("alice", "bob")
    removed = CLOCK.now()
    site.manifests.remove("alice")
    delete = until(lambda: site.admin.writes("delete"), what="the delete call arrives")[0]
    grace = 5.0
    assert delete.vmid == ready["alice"].vmid
    assert removed + grace <= delete.at < removed + grace + 3.0
    daemon.wait_gone("alice")
    assert list(site.admin.of()) == ["bob"]
    assert len(site.admin.writes("delete")) == 1


def test_a_ttl_of_20s_ends_within_two_seconds_of_its_end(make_site: MakeSite) -> None:
    site = make_site(profile="real", settings=DEFAULTS)
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="20s")
    alice = daemon.wait_ready("alice")["alice"]
    assert alice.ready_at is not None
    assert alice.expires_at is not None
    assert (alice.expires_at - alice.ready_at).total_seconds() == 20
    ended = check_destroyed_at(site, alice.vmid, alice.expires_at.timestamp())
    assert ended - alice.ready_at.timestamp() >= 20


def test_extending_moves_the_end(site: Site) -> None:
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="4s")
    before = daemon.wait_ready("alice")["alice"]
    daemon.admin.extend("alice", 5)
    after = daemon.session("alice")
    assert after is not None
    assert after.expires_at is not None
    assert before.expires_at is not None
    assert (after.expires_at - before.expires_at).total_seconds() == 5
    check_destroyed_at(site, after.vmid, after.expires_at.timestamp())


def test_an_edited_ttl_moves_the_end_both_ways(site: Site) -> None:
    daemon = site.daemon().in_sync()
    site.manifests.session("longer", ttl="5s")
    site.manifests.session("shorter", ttl="1h")
    ready = daemon.wait_ready("longer", "shorter")
    site.manifests.session("longer", ttl="9s")
    site.manifests.session("shorter", ttl="7s")
    for name, seconds in {"shorter": 7, "longer": 9}.items():
        session = until(
            lambda name=name, ttl=f"{seconds}s": (s := daemon.session(name)) and s.ttl == ttl and s,
            what=f"the new ttl of {name} counts",
        )
        assert session.uid == ready[name].uid, "an edit is no reason for a new desktop"
        assert session.expires_at is not None
        assert session.ready_at is not None
        assert (session.expires_at - session.ready_at).total_seconds() == seconds
        check_destroyed_at(site, session.vmid, session.expires_at.timestamp())


def check_destroyed_at(site: Site, vmid: int | None, end: float) -> float:
    """The delete call came within two seconds after the end; returns when."""
    delete = until(
        lambda: [write for write in site.admin.writes("delete") if write.vmid == vmid],
        what=f"container {vmid} is destroyed",
    )[0]
    assert end <= delete.at <= end + 2.0, f"{delete.at - end:.2f} s after its end"
    until(lambda: vmid not in site.admin.containers(), what=f"container {vmid} is gone", within=10)
    return delete.at

"""Foreign containers survive everything, byte for byte: in the range, in the pool, under our name, under our VMID."""

from __future__ import annotations

from controller.engine.failpoints import VARIABLE, Failpoint
from tests.e2e.foreign import marker
from tests.e2e.site import Site
from tests.e2e.waiting import until


def test_a_whole_day_passes_them_by(site: Site) -> None:
    """Create, edit, expire, remove, kill -9, restart: with a zoo of containers that look like ours."""
    daemon = site.daemon(environment={VARIABLE: f"{Failpoint.DESTROY_UNPROTECTED}:2"}).in_sync()
    site.manifests.session("alice", ttl="1h")
    site.manifests.session("bob", ttl="2s")
    site.manifests.session("carol", ttl="1h")
    alice = daemon.wait_ready("alice", "carol")["alice"]
    daemon.wait_for("bob", "Expired")
    site.manifests.session("alice", ttl="1h", resources={"cores": 3, "memory": "2Gi"})
    until(lambda: site.admin.containers()[alice.vmid or 0].options["cores"] == "3", what="alice's cores change")
    site.manifests.remove("alice", "carol")
    assert daemon.process.wait() == -9
    daemon = site.daemon().in_sync()
    daemon.wait_gone("alice")
    daemon.wait_gone("carol")
    assert site.foreigners.beside() == {}


def test_a_reused_vmid_is_left_to_its_new_owner(site: Site) -> None:
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    before = daemon.wait_ready("alice")["alice"]
    assert before.vmid is not None
    with daemon.frozen():
        site.admin.act(before.vmid, "destroy")
        site.foreigners.add(before.vmid, pool="winux", hostname="new-owner", description="a new owner's")
    after = until(
        lambda: (s := daemon.session("alice")) and s.vmid not in (None, before.vmid) and s.phase == "Ready" and s,
        what="alice gets another container",
        show=lambda: daemon.session("alice"),
    )
    assert after.uid == before.uid, "it is the same life, with the time that was left"
    assert after.expires_at == before.expires_at
    site.manifests.remove("alice")
    daemon.wait_gone("alice")


def test_a_reused_vmid_that_the_token_cannot_read_is_neither_touched_nor_taken_for_an_absence(site: Site) -> None:
    """Seen with rights on the pool only it may be our container, moved out of the pool: a person has to tell."""
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    vmid = daemon.wait_ready("alice")["alice"].vmid
    assert vmid is not None
    with daemon.frozen():
        site.admin.act(vmid, "destroy")
        site.foreigners.add(vmid, hostname="alice")
    held = daemon.wait_for("alice", "Held")
    assert held.reason == "Hidden"
    assert f"container {vmid} can no longer be read" in held.message
    site.manifests.remove("alice")
    until(
        lambda: (s := daemon.session("alice")) and "is taken but cannot be read, so it is not forgotten" in s.message,
        what="it is said why it is not over",
        show=lambda: daemon.session("alice"),
    )
    site.foreigners.check_untouched()
    site.foreigners.forget(vmid)
    site.admin.act(vmid, "destroy")
    daemon.wait_gone("alice")


def test_a_vmid_reused_while_the_daemon_was_down_is_left_to_its_new_owner(site: Site) -> None:
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    site.manifests.session("bob", ttl="1h")
    vmid = daemon.wait_ready("alice", "bob")["alice"].vmid
    assert vmid is not None
    daemon.kill()
    site.admin.act(vmid, "destroy")
    site.foreigners.add(vmid, pool="winux", hostname="alice")
    site.manifests.session("alice", ttl="1s")
    daemon = site.daemon().in_sync()
    daemon.wait_for("alice", "Expired")


def test_a_container_with_our_name_but_another_uid_is_not_ours(site: Site) -> None:
    """Its marker is right in all but the uid, as of a backup that was restored, or of another life."""
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    alice = daemon.wait_ready("alice")["alice"]
    vmid = 30555 if alice.vmid != 30555 else 30556
    site.foreigners.add(vmid, pool="winux", hostname="alice", description=marker(vmid, session="alice"))
    daemon.wait_ticks(8)
    site.foreigners.check_untouched()
    site.manifests.remove("alice")
    daemon.wait_gone("alice")
    daemon.wait_ticks(8)
    assert alice.vmid not in site.admin.containers()


def test_our_vmid_with_another_uid_is_not_ours(site: Site) -> None:
    """The container was replaced under our VMID and our name, in our pool, with the marker of another life."""
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    vmid = daemon.wait_ready("alice")["alice"].vmid
    assert vmid is not None
    site.admin.act(vmid, "set", options={"description": marker(vmid, session="alice")})
    site.foreigners.watch(vmid)
    site.manifests.remove("alice")
    daemon.wait_gone("alice")
    daemon.wait_ticks(6)


def test_somebody_elses_container_between_our_read_and_our_delete(site: Site) -> None:
    """The digest ties the lifting of the protection to what was read: a change in between stops the destroy."""
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    vmid = daemon.wait_ready("alice")["alice"].vmid
    assert vmid is not None
    # Until that is called off, somebody else has the lock of its configuration: the call waits for it.
    site.admin.door("POST", "script", steps=[{"act": "hold-config", "guest": vmid}])
    site.manifests.remove("alice")
    until(lambda: [w for w in site.admin.writes("update") if w.vmid == vmid], what="the protection is to be lifted")
    site.admin.act(vmid, "destroy")
    site.foreigners.add(vmid, pool="winux", hostname="alice", protection="1")
    site.admin.door("DELETE", "script")
    daemon.wait_gone("alice")

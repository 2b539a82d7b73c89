"""kill -9 at every step of a life, then a restart: one container per session, no leak, and no life after the end."""

from __future__ import annotations

from random import Random
from typing import cast

import pytest

from controller.core.lifecycle import STRAGGLES
from controller.engine.failpoints import VARIABLE, Failpoint
from tests.e2e.conftest import MakeSite
from tests.e2e.daemon import Daemon
from tests.e2e.manifests import CLONED
from tests.e2e.site import Site
from tests.e2e.waiting import CLOCK, PATIENCE, until

P = Failpoint
CLOSED = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {name: closed}
spec:
  network: {egress: [10.0.0.0/8]}
"""
SOON = {"manifests": {"grace": "1s"}, "proxmox": {"tick": "250ms"}}
AT_EVERY_LIFE = [
    *(P.ACCEPT_RECORDED, P.CREATE_INTENT_RECORDED, P.CREATE_CALLED, P.CREATE_TASK_RECORDED, P.CREATE_TASK_DONE),
    *(P.READY_BEFORE_RECORD, P.READY_RECORDED, P.EXPIRY_DECIDED, P.EXPIRY_RECORDED),
    *(P.DESTROY_UNPROTECTED, P.DESTROY_CALLED, P.DESTROY_TASK_RECORDED, P.DESTROY_TASK_DONE),
    P.DESTROY_BEFORE_TOMBSTONE,
]
AT_A_CLONE = [
    *(P.CREATE_CALLED, P.CREATE_TASK_RECORDED, P.CREATE_TASK_DONE),
    *(P.START_CALLED, P.START_TASK_RECORDED),
]
AT_A_FIREWALL = [P.FIREWALL_ON, P.FIREWALL_RULE_ADDED, P.FIREWALL_SET]
"""A clone is started by a call of its own; what is made from an archive starts by itself."""


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(settings=SOON)


def test_every_point_is_tried() -> None:
    assert {*AT_EVERY_LIFE, *AT_A_CLONE, *AT_A_FIREWALL} == set(Failpoint)


@pytest.mark.parametrize("point", AT_EVERY_LIFE)
def test_a_kill_while_an_archive_is_used(site: Site, point: Failpoint) -> None:
    live_through_a_kill(site, point, template="default")


@pytest.mark.parametrize("point", AT_A_CLONE)
def test_a_kill_while_a_template_is_cloned(site: Site, point: Failpoint) -> None:
    live_through_a_kill(site, point, template="cloned")


@pytest.mark.parametrize("point", AT_A_FIREWALL)
def test_a_kill_while_a_firewall_is_set(site: Site, point: Failpoint) -> None:
    site.manifests.text("template-closed.yaml", CLOSED)
    live_through_a_kill(site, point, template="closed")
    (vmid,) = site.admin.of()["bob"]
    firewall = f"/nodes/{site.admin.node}/lxc/{vmid}/firewall"
    rules = cast("list[dict[str, object]]", site.admin.call("GET", f"{firewall}/rules"))
    assert sorted((rule["type"], rule.get("dest", ""), rule.get("dport", "")) for rule in rules) == [
        ("in", "", "22"),
        ("in", "", "3389"),
        ("out", "10.0.0.0/8", ""),
    ]
    options = cast("dict[str, object]", site.admin.call("GET", f"{firewall}/options"))
    assert (options["enable"], options["policy_in"], options["policy_out"]) == (1, "DROP", "REJECT")
    written = [write.operation for write in site.admin.writes() if f"/{vmid}" in write.path]
    assert written == ["firewall_update", "rule_create", "rule_create", "rule_create", "start"], (
        "each call once, whoever died between them, and the start after all of them"
    )


def test_a_kill_while_a_removed_manifest_is_followed(site: Site) -> None:
    daemon = site.daemon(environment={VARIABLE: P.DESTROY_CALLED}).in_sync()
    site.manifests.session("alice", ttl="1h")
    site.manifests.session("bob", ttl="1h")
    daemon.wait_ready("alice", "bob")
    site.manifests.remove("alice")
    assert daemon.process.wait() == -9
    daemon = site.daemon().in_sync()
    daemon.wait_gone("alice")
    check_only_these_live(site, daemon, ["bob"], made=2)


def live_through_a_kill(site: Site, point: Failpoint, *, template: str) -> None:
    """alice's life ends soon, bob's goes on; whoever reaches the point first takes the daemon with him."""
    site.manifests.session("alice", template=template, ttl="1s")
    site.manifests.session("bob", template=template, ttl="1h")
    killed = site.daemon(environment={VARIABLE: point})
    assert killed.process.wait() == -9, killed.process.tail()
    daemon = site.daemon().in_sync()
    daemon.wait_ready("bob")
    # Who was killed before the answer to a create came has to fear that it is carried out after all.
    daemon.wait_for("alice", "Expired", within=STRAGGLES + PATIENCE)
    check_only_these_live(site, daemon, ["bob"], made=2)


def test_what_ended_stays_ended_over_a_restart(site: Site) -> None:
    site.manifests.session("alice", ttl="1s")
    site.manifests.session("bob", ttl="1h")
    daemon = site.daemon().in_sync()
    daemon.wait_ready("bob")
    daemon.wait_for("alice", "Expired")
    daemon.kill()
    daemon = site.daemon().in_sync()
    daemon.wait_for("alice", "Expired")
    check_only_these_live(site, daemon, ["bob"], made=2)


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_at_random_moments(make_site: MakeSite, seed: int) -> None:
    random, site = Random(seed), make_site(settings=SOON)
    short = [f"short-{n}" for n in range(4)]
    long = [f"long-{n}" for n in range(3)]
    for name in short:
        template = random.choice(["default", "cloned"])
        site.manifests.session(name, template=template, ttl=f"{random.randint(1, 5)}s")
    for name in long:
        site.manifests.session(name, template=random.choice(["default", "cloned"]), ttl="1h")
    for _ in range(4):
        daemon = site.daemon().started()
        moment = CLOCK.monotonic() + random.uniform(0.0, 2.5)
        until(lambda end=moment: CLOCK.monotonic() >= end, what="the moment comes", every=0.01)
        daemon.kill()
    daemon = site.daemon().in_sync()
    daemon.wait_ready(*long)
    for name in short:
        daemon.wait_for(name, "Expired", within=STRAGGLES + PATIENCE)
    check_only_these_live(site, daemon, long, made=len(short) + len(long))


def check_only_these_live(site: Site, daemon: Daemon, names: list[str], *, made: int) -> None:
    """One container for each name, nothing else of ours, and ``made`` in all since the beginning."""
    site.manifests.text("template-cloned.yaml", CLONED)
    daemon.wait_ticks(3)
    owned = site.admin.of()
    assert {name: len(vmids) for name, vmids in owned.items()} == dict.fromkeys(names, 1)
    assert sorted(site.foreigners.beside()) == sorted(vmid for vmids in owned.values() for vmid in vmids)
    created = site.admin.tasks("vzcreate", "vzclone")
    assert [task["status"] for task in created] == ["OK"] * made

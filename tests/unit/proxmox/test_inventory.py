"""The picture of Proxmox: what is believed, and what is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from controller.engine.clock import VirtualClock
from controller.proxmox.inventory import Inventory
from controller.proxmox.port import NodeDown, ProxmoxError, ResourceRow

SEES = {"/pool/winux": frozenset({"VM.Audit", "Pool.Audit"})}


def row(vmid: int, **changes: object) -> ResourceRow:
    values: dict[str, object] = {
        "vmid": vmid,
        "node": "pve1",
        "kind": "lxc",
        "status": "running",
        "name": f"s{vmid}",
        "pool": "winux",
        "lock": None,
        "template": False,
        "maxcpu": 2,
        "maxmem_mib": 1024,
    }
    return ResourceRow(**(values | changes))  # type: ignore[arg-type]


class Cluster:
    """What the two calls answer, and how often they were made."""

    def __init__(self) -> None:
        self.rows: tuple[ResourceRow, ...] = (row(1), row(2))
        self.rights: Mapping[str, frozenset[str]] = SEES
        self.error: ProxmoxError | None = None
        self.calls: list[str] = []

    def resources(self) -> tuple[ResourceRow, ...]:
        self.calls.append("resources")
        if self.error is not None:
            raise self.error
        return self.rows

    def permissions(self, paths: Sequence[str] = ()) -> Mapping[str, frozenset[str]]:
        assert set(paths) == {"/vms", "/pool/winux"}
        self.calls.append("permissions")
        return self.rights


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def inventory(cluster: Cluster, clock: VirtualClock) -> Inventory:
    return Inventory(cluster, clock=clock, pools=lambda: frozenset({"winux"}))  # type: ignore[arg-type]


def test_nothing_is_believed_before_the_first_look(inventory: Inventory) -> None:
    assert inventory.problem == "Proxmox was not asked yet"
    assert inventory.observation is None


def test_a_quiet_look_is_one_call_and_changes_nothing(inventory: Inventory, cluster: Cluster) -> None:
    assert inventory.observe().vmids == {1, 2}
    cluster.calls.clear()
    assert inventory.observe().vmids == frozenset()
    assert cluster.calls == ["resources"]


def test_what_appears_changes_or_vanishes_is_told(inventory: Inventory, cluster: Cluster) -> None:
    inventory.observe()
    cluster.rows = (row(2, lock="backup"), row(3))
    assert inventory.observe().vmids == {1, 2, 3}


def test_an_empty_list_of_a_token_without_rights_is_no_picture(inventory: Inventory, cluster: Cluster) -> None:
    inventory.observe()
    cluster.rows, cluster.rights = (), {}
    assert inventory.observe().problem_changed
    assert "no right to see the containers of pool winux" in (inventory.problem or "")
    assert inventory.observation is not None
    assert set(inventory.observation.rows) == {1, 2}, "the last good picture stays"
    cluster.rights = SEES
    assert inventory.observe().vmids == {1, 2}
    assert inventory.problem is None


def test_a_list_whose_containers_are_in_no_pool_any_more_is_a_picture_only_with_the_right_to_see_pools(
    inventory: Inventory, cluster: Cluster
) -> None:
    inventory.observe()
    cluster.rows = (row(1, pool=None), row(2, pool=None))
    cluster.rights = {"/pool/winux": frozenset({"VM.Audit"})}
    for _ in range(2):
        assert inventory.observe().vmids == frozenset()
        assert "no right to see the containers of pool winux" in (inventory.problem or "")
    cluster.rights = SEES
    assert inventory.observe().vmids == {1, 2}
    assert inventory.problem is None
    cluster.calls.clear()
    inventory.observe()
    assert cluster.calls == ["resources"], "they are in no pool, and that is known"


def test_an_empty_list_of_a_token_with_rights_is_believed(inventory: Inventory, cluster: Cluster) -> None:
    inventory.observe()
    cluster.rows = ()
    assert inventory.observe().vmids == {1, 2}
    assert inventory.problem is None


def test_one_answer_that_fails_takes_the_belief_and_one_that_comes_gives_it_back(
    inventory: Inventory, cluster: Cluster
) -> None:
    inventory.observe()
    cluster.error = NodeDown("nobody answers")
    assert inventory.observe().problem_changed
    assert inventory.problem == "Proxmox cannot be observed: nobody answers"
    cluster.error = None
    assert inventory.observe().problem_changed
    assert inventory.problem is None


def test_a_picture_that_nothing_replaces_ceases_to_be_one(inventory: Inventory, clock: VirtualClock) -> None:
    inventory.observe()
    clock.advance(60.0)
    assert inventory.problem is None
    clock.advance(1.0)
    assert "it may hang" in (inventory.problem or "")
    inventory.observe()
    assert inventory.problem is None

"""Limits in the control groups of hosts with version 1, with version 2, and with some of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.node.lxc import cgroups
from controller.node.lxc.cgroups import Hierarchy, Limits

MIB = 1 << 20
LIMITS = Limits(memory=512 * MIB, swap=256 * MIB, cores=2, cpulimit=1.5, cpuunits=200)


def _unified(root: Path, controllers: str = "cpuset cpu io memory pids") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "cgroup.controllers").write_text(controllers + "\n")
    return root


def _first(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True)
    for file in ("memory/memory.memsw.limit_in_bytes", "cpu/cpu.cfs_quota_us"):
        if (root / file).parent.is_dir():
            (root / file).write_text("-1\n")
    return root


def _lines(root: Path, limits: Limits = LIMITS, *, slot: int = 0) -> list[str]:
    return [one.line for one in Hierarchy(root, processors=(0, 1, 2, 3)).at_start(limits, slot=slot)]


def test_version_2_has_keys_of_its_own(tmp_path: Path) -> None:
    assert _lines(_unified(tmp_path)) == [
        f"lxc.cgroup2.memory.max = {512 * MIB}",
        f"lxc.cgroup2.memory.swap.max = {256 * MIB}",
        "lxc.cgroup2.cpuset.cpus = 0,1",
        "lxc.cgroup2.cpu.weight = 200",
        "lxc.cgroup2.cpu.max = 150000 100000",
        "lxc.cgroup2.pids.max = 4096",
    ]


def test_version_1_limits_memory_before_memory_and_swap_together(tmp_path: Path) -> None:
    assert _lines(_first(tmp_path, "cpu", "cpuset", "memory", "pids")) == [
        f"lxc.cgroup.memory.limit_in_bytes = {512 * MIB}",
        f"lxc.cgroup.memory.memsw.limit_in_bytes = {768 * MIB}",
        "lxc.cgroup.cpuset.cpus = 0,1",
        "lxc.cgroup.cpu.shares = 200",
        "lxc.cgroup.cpu.cfs_period_us = 100000",
        "lxc.cgroup.cpu.cfs_quota_us = 150000",
        "lxc.cgroup.pids.max = 4096",
    ]


def test_a_change_on_version_1_first_lifts_the_bound_of_both(tmp_path: Path) -> None:
    changes = Hierarchy(_first(tmp_path, "memory")).while_running(LIMITS, slot=0)

    assert [(one.key, one.value) for one in changes] == [
        ("memory.memsw.limit_in_bytes", "-1"),
        ("memory.limit_in_bytes", str(512 * MIB)),
        ("memory.memsw.limit_in_bytes", str(768 * MIB)),
    ]


def test_a_hybrid_host_has_some_of_each(tmp_path: Path) -> None:
    _unified(_first(tmp_path, "cpuset") / "unified", "memory pids")

    assert [line.partition(" ")[0] for line in _lines(tmp_path)] == [
        *("lxc.cgroup2.memory.max", "lxc.cgroup2.memory.swap.max", "lxc.cgroup.cpuset.cpus", "lxc.cgroup2.pids.max"),
    ]
    assert [*Hierarchy(tmp_path).lacking()] == ["cpu"]


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_no_longer_limited_is_set_back(tmp_path: Path, version: int) -> None:
    root = _unified(tmp_path) if version == 2 else _first(tmp_path, "cpu")
    free = Limits(memory=512 * MIB, swap=0, cores=None)

    found = {one.key: one.value for one in Hierarchy(root).while_running(free, slot=0)}

    if version == 2:
        assert (found["cpu.max"], found["cpu.weight"]) == ("max 100000", "100")
    else:
        assert (found["cpu.cfs_quota_us"], found["cpu.shares"]) == ("-1", "1024")


@pytest.mark.parametrize(
    ("cores", "slot", "expected"),
    [(1, 0, "0"), (1, 5, "1"), (2, 1, "2,3"), (3, 1, "0,1,3"), (9, 0, "0,1,2,3"), (None, 2, "0,1,2,3")],
)
def test_containers_are_spread_over_the_cores(tmp_path: Path, cores: int | None, slot: int, expected: str) -> None:
    lines = _lines(_unified(tmp_path), Limits(memory=MIB, swap=0, cores=cores), slot=slot)

    assert f"lxc.cgroup2.cpuset.cpus = {expected}" in lines


def test_only_version_1_lets_containers_be_below_the_node(tmp_path: Path) -> None:
    assert not Hierarchy(_unified(tmp_path / "two")).relative
    assert Hierarchy(_first(tmp_path / "one", "memory")).relative


def test_below_a_container_s_own_root_only_delegated_controllers_count(tmp_path: Path) -> None:
    root = _unified(tmp_path)
    (root / "cgroup.type").write_text("domain\n")
    (root / "cgroup.procs").write_text("1\n")
    (root / "cgroup.subtree_control").write_text("pids\n")

    assert set(Hierarchy(root).lacking()) == {"cpu", "cpuset", "memory"}


def test_a_host_without_control_groups_can_limit_nothing(tmp_path: Path) -> None:
    assert set(Hierarchy(tmp_path).lacking()) == {"cpu", "cpuset", "memory", "pids"}
    assert not Hierarchy(tmp_path).writable()


def test_groups_are_removed_in_every_hierarchy_and_those_of_others_stay(tmp_path: Path) -> None:
    for place in ("memory/own/wx1/100/payload/user", "pids/wx1/100/monitor", "pids/wx1/1000", "pids/wx2/100"):
        (tmp_path / place).mkdir(parents=True)

    cgroups.remove("wx1/100", root=tmp_path)

    left = {str(place.relative_to(tmp_path)) for place in tmp_path.rglob("*") if not [*place.iterdir()]}
    assert left == {"memory/own/wx1", "pids/wx1/1000", "pids/wx2/100"}

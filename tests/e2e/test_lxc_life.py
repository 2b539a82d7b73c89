"""Real containers through the API: limits that hold, disks that grow, and what tasks say when something goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from controller.node.lxc.cgroups import PIDS, Hierarchy
from controller.node.lxc.requirements import may_grow_disks
from tests.e2e import realnode, tinyimage
from tests.e2e.node import Node
from tests.e2e.realnode import Ground, begin, create, is_running, log, run, wait
from tests.e2e.waiting import until


@pytest.fixture
def ground() -> Iterator[Ground]:
    with realnode.ground() as found:
        yield found


def _configure(node: Node, vmid: int, **options: str | int) -> None:
    node.admin.call("PUT", f"/nodes/{node.admin.node}/lxc/{vmid}/config", **options)


def test_cores_are_what_the_guest_gets_and_change_while_it_runs(ground: Ground) -> None:
    here = Hierarchy()
    if "cpuset" in here.lacking() or len(here.processors) < 2:
        pytest.skip("this host cannot limit cores, or has only one")
    node = ground.node()
    create(node, 100, cores=1)
    assert ground.inside(100, "/bin/nproc").stdout == "1\n"

    _configure(node, 100, cores=2)

    until(lambda: ground.inside(100, "/bin/nproc").stdout == "2\n", what="it gets the other one")


def test_memory_is_what_the_guest_gets_and_changes_while_it_runs(ground: Ground) -> None:
    if "memory" in Hierarchy().lacking():
        pytest.skip("this host cannot limit memory")
    node = ground.node()
    create(node, 100, memory=64, swap=0)
    fill = ("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=96M", "count=1")
    assert ground.inside(100, *fill).returncode != 0, "it is killed"
    assert is_running(node, 100)

    _configure(node, 100, memory=256)
    until(lambda: ground.inside(100, *fill).returncode == 0, what="it has the memory")

    _configure(node, 100, memory=64)
    until(lambda: ground.inside(100, *fill).returncode != 0, what="it has it no more")


def test_a_disk_is_as_large_as_asked_for_is_full_when_it_is_full_and_grows(ground: Ground) -> None:
    node = ground.node()
    create(node, 100, rootfs="local:1")
    assert 0.9 < _gigabytes(ground, 100) <= 1.0
    (said,) = [ground.inside(100, "/bin/dd", "if=/dev/zero", "of=/fill", "bs=1M", "count=1100")]
    assert "No space left on device" in said.stderr

    status = run(node, "PUT", "/lxc/100/resize", well=may_grow_disks(), disk="rootfs", size="2G")
    if not may_grow_disks():
        assert "the disk cannot grow while the container runs, stop it first" in status
        run(node, "POST", "/lxc/100/status/stop")
        run(node, "PUT", "/lxc/100/resize", disk="rootfs", size="2G")
        run(node, "POST", "/lxc/100/status/start")

    assert 1.9 < _gigabytes(ground, 100) <= 2.0
    assert ground.inside(100, "/bin/dd", "if=/dev/zero", "of=/more", "bs=1M", "count=100").returncode == 0


def _gigabytes(ground: Ground, vmid: int) -> float:
    return int(ground.inside(vmid, "/bin/df", "-k", "/").stdout.splitlines()[1].split()[1]) / (1 << 20)


def test_a_guest_whose_disk_is_full_starts_again(ground: Ground) -> None:
    node = ground.node()
    create(node, 100)
    ground.inside(100, "/bin/dd", "if=/dev/zero", "of=/fill", "bs=1M", "count=1100")
    run(node, "POST", "/lxc/100/status/stop")

    run(node, "POST", "/lxc/100/status/start")


def test_the_number_of_processes_is_bounded(ground: Ground) -> None:
    if "pids" in Hierarchy().lacking():
        pytest.skip("this host cannot limit the number of processes")
    node = ground.node()
    create(node, 100)

    assert ground.limit(100, "pids.max") == str(PIDS)


def test_a_container_that_cannot_start_says_why_in_the_log_of_its_task(ground: Ground) -> None:
    ground.image.unlink()
    tinyimage.build(ground.image, ground.place, init=None)
    node = ground.node()
    create(node, 100, start=False)

    upid = begin(node, "POST", "/lxc/100/status/start")

    assert wait(node, upid) == "startup for container '100' failed"
    assert any("/sbin/init" in line for line in log(node, upid)), log(node, upid)
    assert not is_running(node, 100)
    assert "mounts" not in ground.traces()
    run(node, "DELETE", "/lxc/100")


def test_addresses_are_there_as_soon_as_a_start_is_done(ground: Ground) -> None:
    node = ground.node()
    create(node, 100)

    rows = node.admin.call("GET", f"/nodes/{node.admin.node}/lxc/100/interfaces")

    assert [row["name"] for row in cast("list[dict[str, str]]", rows) if row.get("inet")] == ["lo", "eth0"]


def test_a_shutdown_that_the_guest_does_not_heed_fails_or_kills_as_asked(ground: Ground) -> None:
    node = ground.node()
    create(node, 100)
    until(lambda: _heeds(ground.init(100), tinyimage.HALT), what="its init listens")
    run(node, "POST", "/lxc/100/status/shutdown", timeout=20)
    run(node, "POST", "/lxc/100/status/start")
    ground.inside(100, "/bin/touch", "/deaf")
    run(node, "POST", "/lxc/100/status/stop")
    run(node, "POST", "/lxc/100/status/start")

    assert run(node, "POST", "/lxc/100/status/shutdown", well=False, timeout=1) == "container did not stop"
    assert is_running(node, 100)
    run(node, "POST", "/lxc/100/status/shutdown", timeout=1, forceStop=1)
    assert not is_running(node, 100)


def _heeds(init: int | None, number: int) -> bool:
    """Whether a process catches that signal: a shell does so only when it has come to its trap."""
    status = Path(f"/proc/{init}/status").read_text(encoding="utf-8")
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:")).split()[1]
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_a_stop_overrules_a_shutdown_that_still_waits(ground: Ground) -> None:
    node = ground.node()
    create(node, 100)
    ground.inside(100, "/bin/touch", "/deaf")
    run(node, "POST", "/lxc/100/status/stop")
    run(node, "POST", "/lxc/100/status/start")
    asked = begin(node, "POST", "/lxc/100/status/shutdown", timeout=600)

    run(node, "POST", "/lxc/100/status/stop", **{"overrule-shutdown": 1})

    assert wait(node, asked) == "received interrupt"
    assert "mounts" not in ground.traces()


def test_a_rollback_brings_back_what_was_and_a_snapshot_of_a_running_guest_is_taken(ground: Ground) -> None:
    node = ground.node()
    create(node, 100, rootfs="local-zfs:1")
    ground.inside(100, "/bin/touch", "/before")
    run(node, "POST", "/lxc/100/snapshot", snapname="one")
    ground.inside(100, "/bin/touch", "/after")

    run(node, "POST", "/lxc/100/snapshot/one/rollback")
    run(node, "POST", "/lxc/100/status/start")

    assert ground.inside(100, "/bin/cat", "/before").returncode == 0
    assert ground.inside(100, "/bin/cat", "/after").returncode != 0
    run(node, "DELETE", "/lxc/100/snapshot/one")
    assert not [*ground.container(100).glob("*snapshot*")]


def test_clones_have_what_the_template_had_with_owners_of_their_own_and_outlive_it(ground: Ground) -> None:
    node = ground.node()
    create(node, 100, rootfs="local-zfs:1")
    ground.inside(100, "/bin/touch", "/mine")
    ground.inside(100, "/bin/rm", "/etc/group")
    run(node, "POST", "/lxc/100/status/stop")
    node.admin.call("POST", f"/nodes/{node.admin.node}/lxc/100/template")
    run(node, "POST", "/lxc/100/clone", newid=101)
    run(node, "POST", "/lxc/101/status/start")

    said = ground.inside(101, "/bin/sh", "-c", "[ -O /mine ] && echo mine")
    assert said.stdout == "mine\n", (said, sorted(path.name for path in (ground.container(101) / "root").iterdir()))
    assert ground.inside(101, "/bin/cat", "/etc/group").returncode != 0, "what was removed stays removed"
    run(node, "DELETE", "/lxc/100")
    assert ground.inside(101, "/bin/cat", "/mine").returncode == 0
    run(node, "DELETE", "/lxc/101", force=1)
    assert not [*ground.site().directory.glob("layers/template-*")]


def test_what_an_administrator_removes_behind_the_api_is_gone_from_the_host(ground: Ground) -> None:
    node = ground.node()
    create(node, 100)

    node.admin.door("POST", "containers/100", action="destroy")

    until(lambda: not ground.container(100).exists(), what="its directory goes", show=ground.traces)
    assert "mounts" not in ground.traces()

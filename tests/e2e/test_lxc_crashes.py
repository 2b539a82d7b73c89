"""Real containers: whatever is killed, and whenever, nothing is left on the host that nobody owns."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import realnode, tinyimage
from tests.e2e.realnode import Ground, address, begin, create, is_running, run
from tests.e2e.waiting import CLOCK, until


@pytest.fixture
def ground() -> Iterator[Ground]:
    with realnode.ground() as found:
        yield found


def _stop(node: realnode.Node) -> None:
    node.process.signal(signal.SIGTERM)
    assert node.process.wait() == 0, node.process.tail()


def test_a_stop_leaves_nothing_of_a_node_without_a_state(ground: Ground) -> None:
    node = ground.node()
    create(node, 100)
    run(node, "POST", "/lxc/9000/clone", newid=101)
    assert {"mounts", "loops", "links", "tables", "groups", "slots"} <= ground.traces().keys()

    _stop(node)

    ground.is_left_by()


def test_what_a_killed_node_without_a_state_left_goes_with_the_next_start_of_any_node(ground: Ground) -> None:
    node = ground.node("a")
    create(node, 100)
    node.process.kill()
    assert ground.init(100, "a") is not None, "its containers outlive it"

    _stop(ground.node("b"))

    ground.is_left_by("a", "b")


def test_containers_of_a_killed_node_with_a_state_run_on_and_are_taken_up_again(ground: Ground) -> None:
    node = ground.node(state=True)
    create(node, 100)
    create(node, 101, start=False)
    before = (ground.init(100), address(node, 100), sorted(ground.traces()["slots"]))
    node.process.kill()

    again = ground.node(state=True)

    assert (ground.init(100), address(again, 100), sorted(ground.traces()["slots"])) == before
    assert is_running(again, 100)
    assert not is_running(again, 101)
    run(again, "POST", "/lxc/101/status/start")
    assert address(again, 101) != address(again, 100)
    for vmid in (100, 101):
        run(again, "POST", f"/lxc/{vmid}/status/stop")
        run(again, "DELETE", f"/lxc/{vmid}")
    assert "mounts" not in ground.traces()
    until(lambda: "loops" not in ground.traces(), what="its disks go", show=ground.traces)


def test_a_stopped_node_with_a_state_leaves_its_containers_running(ground: Ground) -> None:
    node = ground.node(state=True)
    create(node, 100)
    init = ground.init(100)

    _stop(node)

    assert ground.init(100) == init
    assert is_running(ground.node(state=True), 100)


def test_what_of_a_node_with_a_state_died_while_it_was_away_is_cleared(ground: Ground) -> None:
    node = ground.node(state=True)
    create(node, 100)
    node.process.kill()
    os.kill(ground.init(100) or 0, signal.SIGKILL)
    until(lambda: ground.init(100) is None, what="it is dead")

    again = ground.node(state=True)

    assert not is_running(again, 100)
    assert "mounts" not in ground.traces()
    assert not [line for line in ground.traces()["links"] if ground.network().pair(100, 0) in line]
    run(again, "POST", "/lxc/100/status/start")


@pytest.mark.parametrize("state", [False, True], ids=["without a state", "with a state"])
@pytest.mark.parametrize("milliseconds", [0, 10, 25, 45, 70, 100, 140])
def test_a_kill_in_the_middle_of_operations_leaves_nothing(ground: Ground, state: bool, milliseconds: int) -> None:
    node = ground.node(state=state)
    create(node, 100, start=False)
    create(node, 101)
    create(node, 102, start=False)
    begin(node, "POST", "/lxc/100/status/start")
    begin(node, "DELETE", "/lxc/101", force=1)
    node.admin.call("POST", f"/nodes/{node.admin.node}/lxc/102/template")
    begin(node, "POST", "/lxc/9000/clone", newid=103)
    begin(
        node,
        "POST",
        "/lxc",
        vmid=104,
        ostemplate=realnode.ARCHIVE,
        rootfs="local:1",
        net0="name=eth0,bridge=vmbr0,ip=dhcp",
        unprivileged=1,
        start=1,
    )
    CLOCK.wait(realnode.NEVER, milliseconds / 1000)
    node.process.kill()

    if state:
        again = ground.node(state=True)
        known = {path.name for path in ground.container(0).parent.iterdir()}
        slots = {claim.readlink().name for claim in (ground.home / "slots").iterdir()}
        assert slots == known, "a range of ids belongs to each container that is there, and to no other"
        _stop(again)
        (ground.place / "a" / "cluster.db").unlink()
        (ground.place / "a").rename(ground.place / "gone")
    _stop(ground.node("b"))

    ground.is_left_by("a", "b")


@pytest.mark.parametrize("whom", ["init", "monitor"])
def test_a_killed_guest_is_noticed_and_cleared_and_starts_again(ground: Ground, whom: str) -> None:
    node = ground.node()
    create(node, 100)
    where = address(node, 100)
    victim = ground.init(100) if whom == "init" else ground.monitor(100)

    os.kill(victim or 0, signal.SIGKILL)

    until(lambda: not is_running(node, 100), what="the node sees it")
    until(lambda: "mounts" not in ground.traces(), what="its mounts go", show=ground.traces)
    until(lambda: ground.network().pair(100, 0) not in str(ground.traces()), what="its port goes", show=ground.traces)
    until(lambda: "processes" not in ground.traces(), what="LXC's own process goes", show=ground.traces)
    run(node, "POST", "/lxc/100/status/start")
    assert address(node, 100) == where
    _stop(node)
    ground.is_left_by()


def test_a_stop_while_guests_do_not_listen_takes_no_minute(ground: Ground) -> None:
    node = ground.node()
    create(node, 100)
    ground.inside(100, "/bin/touch", "/deaf")
    run(node, "POST", "/lxc/100/status/stop")
    run(node, "POST", "/lxc/100/status/start")
    begin(node, "POST", "/lxc/100/status/shutdown", timeout=300)

    _stop(node)

    ground.is_left_by()


@pytest.fixture
def small_ground() -> Iterator[Ground]:
    with realnode.ground(small=True) as found:
        yield found


def test_a_full_disk_of_the_host_fails_creates_and_leaves_nothing_of_them(small_ground: Ground) -> None:
    node = small_ground.node()
    create(node, 100, start=False)
    before = small_ground.traces()
    subprocess.run(["dd", "if=/dev/zero", f"of={small_ground.home}/others", "bs=4k"], check=False, capture_output=True)

    statuses = {
        run(node, "POST", "/lxc", well=False, vmid=101, ostemplate=realnode.ARCHIVE, rootfs="local:1"),
        run(node, "POST", "/lxc/9000/clone", well=False, newid=101),
    }

    assert "OK" not in statuses
    assert all("No space left on device" in status for status in statuses), statuses
    assert small_ground.traces() == before
    assert not small_ground.container(101).exists()
    (small_ground.home / "others").unlink()
    create(node, 101)
    _stop(node)
    small_ground.is_left_by()


def test_a_broken_archive_ends_the_node_with_a_sentence_and_leaves_nothing(ground: Ground) -> None:
    whole = ground.image.read_bytes()
    ground.image.write_bytes(whole[: len(whole) // 2])
    assert "The node cannot start: tar" in _refused(ground)
    ground.is_left_by()

    ground.image.unlink()
    assert "is not there: build one with `winux image build`" in _refused(ground)
    ground.is_left_by()
    ground.image.write_bytes(whole)


def _refused(ground: Ground) -> str:
    with pytest.raises(AssertionError) as said:
        ground.node("b")
    return str(said.value)


def test_an_archive_that_vanishes_fails_creates_and_no_clone(ground: Ground) -> None:
    node = ground.node()
    ground.image.rename(ground.place / "away.tar")

    status = run(node, "POST", "/lxc", well=False, vmid=100, ostemplate=realnode.ARCHIVE, rootfs="local:1")
    run(node, "POST", "/lxc/9000/clone", newid=101)
    run(node, "POST", "/lxc/101/status/start")

    assert "cannot be read: No such file or directory" in status
    assert not ground.container(100).exists()
    (ground.place / "away.tar").rename(ground.image)


def test_two_nodes_that_start_at_once_unpack_the_archive_once(ground: Ground) -> None:
    ground.image.unlink()
    (ground.place / "big").write_bytes(os.urandom(64 << 20))
    tinyimage.build(ground.image, ground.place)
    subprocess.run(["tar", "--append", "--file", ground.image, "--directory", ground.place, "big"], check=True)
    nodes = ground.together("a", "b")

    for vmid, node in zip((100, 101), nodes, strict=True):
        create(node, vmid)

    assert len([path for path in (ground.home / "layers").iterdir() if path.is_dir()]) == 1
    for node in nodes:
        _stop(node)
    ground.is_left_by("a", "b")


def test_a_node_killed_while_it_unpacks_leaves_no_half_layer(ground: Ground) -> None:
    (ground.place / "big").write_bytes(os.urandom(192 << 20))
    subprocess.run(["tar", "--append", "--file", ground.image, "--directory", ground.place, "big"], check=True)

    def unpacks() -> list[Path]:
        return [*ground.home.glob("layers/.arriving-*")]

    for _ in range(5):
        ground.kill_while(unpacks, name="a")
        if unpacks():
            break
        shutil.rmtree(ground.home / "layers")  # the kill came when it was through
    assert "unpacking" in ground.traces()

    node = ground.node("b")
    create(node, 100)
    assert ground.inside(100, "/bin/df", "/big", name="b").returncode == 0
    _stop(node)

    ground.is_left_by("a", "b")

"""Owners that move from one range of ids to another, and the text that LXC reads."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from controller.node.lxc.layers import shift
from controller.node.lxc.network import Network
from controller.node.lxc.settings import Nic, Settings, text

FIRST, TO = 2_000_000_000, 2_000_131_072


@pytest.mark.skipif(os.geteuid() != 0, reason="files of other users are root's to make")
def test_owners_move_and_all_else_stays(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "dir").mkdir(parents=True)
    (tree / "dir" / "suid").write_text("x")
    (tree / "link").symlink_to("/etc/passwd")
    (tree / "host").write_text("x")
    for path, user in (("dir", 0), ("dir/suid", 1000), ("link", 7)):
        os.lchown(tree / path, FIRST + user, FIRST + user)
    (tree / "dir" / "suid").chmod(0o4755)
    before = Path("/etc/passwd").stat()

    shift(tree, first=FIRST, to=TO)

    found = {name: (tree / name).lstat() for name in ("dir", "dir/suid", "link", "host")}
    assert {name: one.st_uid for name, one in found.items()} == {
        "dir": TO,
        "dir/suid": TO + 1000,
        "link": TO + 7,
        "host": 0,
    }
    assert stat.S_IMODE(found["dir/suid"].st_mode) == 0o4755
    assert Path("/etc/passwd").stat() == before


def _settings(**more: object) -> str:
    values: dict[str, object] = {
        "cgroup": "wx1/100",
        "relative": True,
        "hostname": "alice",
        "root": Path("/r"),
        "first": FIRST,
        "nics": [],
        "limits": ["lxc.cgroup2.pids.max = 9"],
        "console": Path("/c"),
    }
    return text(Settings(**(values | more)))  # type: ignore[arg-type]


def test_a_container_without_interfaces_has_a_network_of_its_own_all_the_same() -> None:
    assert "lxc.net.0.type = empty" in _settings().splitlines()


def test_ids_groups_and_limits_are_written_out() -> None:
    lines = _settings(relative=False).splitlines()

    for line in ("lxc.idmap = u 0 2000000000 65536", "lxc.cgroup.relative = 0", "lxc.cgroup2.pids.max = 9"):
        assert line in lines
    assert "lxc.cgroup.dir.container = wx1/100/payload" in lines


def test_an_interface_has_an_address_only_where_it_was_given_one() -> None:
    nics = [
        Nic(
            name="eth0", mac="BC:24:11:00:00:01", bridge="wx1", pair="wx1a64", address="10.0.0.9/24", gateway="10.0.0.1"
        )
    ]
    nics += [Nic(name="eth1", mac="BC:24:11:00:00:02", bridge="wx1", pair="wx1b64")]

    lines = _settings(nics=nics).splitlines()

    assert "lxc.net.0.ipv4.address = 10.0.0.9/24" in lines
    assert "lxc.net.1.veth.pair = wx1b64" in lines
    assert not [line for line in lines if line.startswith("lxc.net.1.ipv4")]


@pytest.mark.parametrize("vmid", [100, 999_999_999])
def test_names_of_ports_are_short_enough_and_each_is_another(tmp_path: Path, vmid: int) -> None:
    network = Network(tmp_path, internet=False)
    names = {network.pair(vmid, number) for number in range(32)}

    assert len(names) == 32
    assert all(len(name) <= 15 and name.startswith(network.tag) for name in names)

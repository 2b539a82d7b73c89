"""net0 as Proxmox writes it."""

from __future__ import annotations

import pytest

from controller.proxmox.netconfig import behind_firewall, format_net, parse_net, static_address


@pytest.mark.parametrize(
    ("wanted", "net0"),
    [
        ({"bridge": "vmbr0"}, "name=eth0,bridge=vmbr0,ip=dhcp,type=veth"),
        ({"bridge": "vmbr0", "firewall": True}, "name=eth0,bridge=vmbr0,ip=dhcp,firewall=1,type=veth"),
        ({"bridge": "vmbr0", "vlan": 20}, "name=eth0,bridge=vmbr0,tag=20,ip=dhcp,type=veth"),
        (
            {"bridge": "vmbr1", "address": "10.0.0.5/24", "gateway": "10.0.0.1"},
            "name=eth0,bridge=vmbr1,ip=10.0.0.5/24,gw=10.0.0.1,type=veth",
        ),
        ({"bridge": "vmbr1", "address": "10.0.0.5/24"}, "name=eth0,bridge=vmbr1,ip=10.0.0.5/24,type=veth"),
    ],
)
def test_an_interface_is_written(wanted: dict[str, object], net0: str) -> None:
    assert format_net(**wanted) == net0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"bridge": "vmbr0,ip=10.0.0.9/24"}, "is not the name of a bridge"),
        ({"bridge": ""}, "is not the name of a bridge"),
        ({"bridge": "vmbr0", "name": "eth 0"}, "is not the name of a network interface"),
        ({"bridge": "vmbr0", "vlan": 0}, "a VLAN is a number from 1 to 4094, not 0"),
        ({"bridge": "vmbr0", "vlan": 4095}, "a VLAN is a number from 1 to 4094"),
        ({"bridge": "vmbr0", "address": "10.0.0.5"}, "lacks its prefix"),
        ({"bridge": "vmbr0", "address": "10.0.0.256/24"}, "is not an IPv4 address with a prefix"),
        ({"bridge": "vmbr0", "address": "10.0.0.5/24", "gateway": "10.0.1.1"}, "is not another address of 10.0.0.0/24"),
        ({"bridge": "vmbr0", "address": "10.0.0.5/24", "gateway": "10.0.0.5"}, "is not another address"),
        ({"bridge": "vmbr0", "address": "10.0.0.5/24", "gateway": "router"}, "is not an IPv4 address"),
        ({"bridge": "vmbr0", "gateway": "10.0.0.1"}, "leave out 10.0.0.1"),
    ],
)
def test_what_cannot_be_is_refused(wanted: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        format_net(**wanted)  # type: ignore[arg-type]


def test_an_interface_is_read() -> None:
    net0 = "name=eth0,bridge=vmbr0,firewall=1,gw=10.0.0.1,hwaddr=BC:24:11:00:00:01,ip=10.0.0.5/24,tag=20,type=veth"
    assert parse_net(net0) == {
        "name": "eth0", "bridge": "vmbr0", "firewall": "1", "gw": "10.0.0.1", "hwaddr": "BC:24:11:00:00:01",
        "ip": "10.0.0.5/24", "tag": "20", "type": "veth",
    }  # fmt: skip


@pytest.mark.parametrize("net0", ["", "vmbr0", "name=eth0,,ip=dhcp", "=x", "name=a,name=b"])
def test_what_is_no_list_of_key_and_value_is_refused(net0: str) -> None:
    with pytest.raises(ValueError, match="is not a list of key=value"):
        parse_net(net0)


@pytest.mark.parametrize(
    ("net0", "address"),
    [
        ("name=eth0,ip=10.0.0.5/24", "10.0.0.5"),
        ("name=eth0,ip=dhcp", None),
        ("name=eth0,ip=manual", None),
        ("name=eth0", None),
    ],
)
def test_the_fixed_address_of_an_interface(net0: str, address: str | None) -> None:
    assert static_address(net0) == address


def test_what_is_written_is_read_back() -> None:
    net0 = format_net(bridge="vmbr0", vlan=7, address="10.0.0.5/24", gateway="10.0.0.1", name="eth1")
    assert static_address(net0) == "10.0.0.5"
    assert parse_net(net0)["tag"] == "7"


@pytest.mark.parametrize("said", ["", ",firewall=0", ",firewall=1"])
def test_an_interface_is_put_behind_the_firewall(said: str) -> None:
    there = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,ip=dhcp"
    assert behind_firewall(f"{there}{said}") == f"{there},firewall=1"

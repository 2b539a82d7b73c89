"""Real containers on their bridge: who reaches whom, and what the container's firewall changes about it.

A container's own programs are too few for this: those of this machine are run in its network instead (``nsenter``).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e import realnode
from tests.e2e.node import Node
from tests.e2e.realnode import Ground, address, create, run
from tests.e2e.waiting import until

_LISTEN = """
import socket, sys
listener = socket.create_server((sys.argv[2], int(sys.argv[1])))
print("listens", flush=True)
while True:
    one, _ = listener.accept()
    one.sendall(b"here")
    one.close()
"""
_CONNECT = """
import socket, sys
with socket.socket() as one:
    one.settimeout(float(sys.argv[3]))
    one.connect((sys.argv[1], int(sys.argv[2])))
    print(one.recv(9).decode())
"""
_PING = """
import os, socket, struct, sys
one = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
one.settimeout(float(sys.argv[2]))
number = os.getpid() & 0xffff  # another one each time, or it would belong to an earlier conversation
total = 0x0800 + number
sum = ~((total & 0xffff) + (total >> 16)) & 0xffff
one.sendto(struct.pack("!BBHHH", 8, 0, sum, number, 0), (sys.argv[1], 0))
while (said := one.recv(99))[20] != 0 or said[24:26] != number.to_bytes(2, "big"):
    pass
print("here")
"""
PORT = 3389


@pytest.fixture
def ground() -> Iterator[Ground]:
    with realnode.ground() as found:
        yield found


@contextmanager
def _listening(ground: Ground, vmid: int | None, port: int = PORT, *, at: str = "0.0.0.0") -> Iterator[None]:  # noqa: S104
    """In that container, or on the host, where nobody else's addresses may be taken."""
    command = [*_in(ground, vmid), sys.executable, "-c", _LISTEN, str(port), at]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "listens\n"
            yield
        finally:
            child.kill()


def _in(ground: Ground, vmid: int | None) -> list[str]:
    return [] if vmid is None else ["nsenter", "--net", "--target", str(ground.init(vmid))]


def _reaches(ground: Ground, vmid: int | None, target: str, *, port: int = PORT, within: float = 15.0) -> bool:
    command = [*_in(ground, vmid), sys.executable, "-c", _CONNECT, target, str(port), str(within)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout == "here\n"


def _pings(ground: Ground, vmid: int | None, target: str, *, within: float = 15.0) -> bool:
    command = [*_in(ground, vmid), sys.executable, "-c", _PING, target, str(within)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout == "here\n"


def _is_kept_from(ground: Ground, vmid: int | None, target: str, *, port: int = PORT) -> bool:
    return not _reaches(ground, vmid, target, port=port, within=1.5)


def _hears_nothing_from(ground: Ground, vmid: int | None, target: str) -> bool:
    return not _pings(ground, vmid, target, within=1.5)


def _ip(ground: Ground, vmid: int, *arguments: str) -> None:
    subprocess.run([*_in(ground, vmid), "ip", *arguments], check=True)


def test_the_host_reaches_guests_and_guests_reach_neither_each_other_nor_the_host(ground: Ground) -> None:
    node = ground.node()
    create(node, 100)
    create(node, 101)
    one, other = address(node, 100), address(node, 101)
    gateway = one.rpartition(".")[0] + ".1"

    for port in (40022, PORT, 40000):
        hosts = _listening(ground, None, port, at=gateway)
        with _listening(ground, 100, port), _listening(ground, 101, port), hosts:
            assert _reaches(ground, None, gateway, port=port)
            assert _reaches(ground, None, one, port=port)
            assert _reaches(ground, None, other, port=port)
            assert _is_kept_from(ground, 100, other, port=port)
            assert _is_kept_from(ground, 101, one, port=port)
            assert _is_kept_from(ground, 100, gateway, port=port)
    assert _pings(ground, 100, gateway)
    assert _hears_nothing_from(ground, 100, other)


def test_a_guest_speaks_with_no_address_but_its_own(ground: Ground) -> None:
    node = ground.node()
    create(node, 100)
    one = address(node, 100)
    gateway = one.rpartition(".")[0] + ".1"
    assert _pings(ground, 100, gateway)

    _ip(ground, 100, "link", "set", "eth0", "address", "02:00:00:00:00:01")
    assert _hears_nothing_from(ground, 100, gateway), "another hardware address"

    run(node, "POST", "/lxc/100/status/stop")
    run(node, "POST", "/lxc/100/status/start")
    assert _pings(ground, 100, gateway)
    _ip(ground, 100, "address", "flush", "dev", "eth0")
    _ip(ground, 100, "address", "add", one.rpartition(".")[0] + ".77/24", "dev", "eth0")
    assert _hears_nothing_from(ground, 100, gateway), "another IPv4 address"


def test_nobody_speaks_ipv6_on_the_bridge(ground: Ground) -> None:
    node = ground.node()
    create(node, 100)
    bridge = ground.network().bridge

    said = subprocess.run(["ip", "-6", "address", "show", "dev", bridge], capture_output=True, text=True, check=True)

    assert said.stdout == ""


def test_interfaces_have_the_addresses_that_were_asked_for(ground: Ground) -> None:
    node = ground.node()
    create(node, 100, start=False)
    subnet = ground.subnet()
    run(
        node,
        "POST",
        "/lxc",
        vmid=999999999,
        ostemplate=realnode.ARCHIVE,
        rootfs="local:1",
        net0=f"name=eth0,bridge=vmbr0,ip={subnet}.200/24,gw={subnet}.1",
        net1="name=eth1,bridge=vmbr0,ip=dhcp",
        net7="name=eth7,bridge=vmbr0",
        unprivileged=1,
        start=1,
    )
    until(lambda: realnode.is_running(node, 999999999), what="it runs", show=node.process.tail)

    assert address(node, 999999999) == f"{subnet}.200"
    assert address(node, 999999999, "eth1") == f"{subnet}.10"
    with _listening(ground, 999999999):
        assert _reaches(ground, None, f"{subnet}.200")


def test_an_address_that_a_running_guest_has_is_refused_to_another(ground: Ground) -> None:
    node = ground.node()
    create(node, 100)
    where = address(node, 100)
    create(node, 101, start=False, net0=f"name=eth0,bridge=vmbr0,ip={where}/24")

    upid = realnode.begin(node, "POST", "/lxc/101/status/start")

    assert realnode.wait(node, upid) == "startup for container '101' failed"
    assert f"address {where} is in use by another container" in realnode.log(node, upid)


NET = "name=eth0,bridge=vmbr0,ip=dhcp,firewall=1"


def _firewall(node: Node, method: str, path: str, **parameters: str | int) -> None:
    node.admin.call(method, f"/nodes/{node.admin.node}/lxc/100/firewall/{path}", **parameters)


def test_a_firewall_lets_in_what_its_rules_say_and_nothing_else_and_follows_changes(ground: Ground) -> None:
    node = ground.node()
    create(node, 100, net0=NET)
    one = address(node, 100)
    gateway = one.rpartition(".")[0] + ".1"
    with _listening(ground, 100, PORT), _listening(ground, 100, 22):
        assert _reaches(ground, None, one)

        _firewall(node, "PUT", "options", enable=1)
        until(lambda: _is_kept_from(ground, None, one), what="the policy drops what comes in")
        assert _hears_nothing_from(ground, None, one)
        assert _pings(ground, 100, gateway), "what goes out, and its answer, pass"

        _firewall(node, "POST", "rules", type="in", action="ACCEPT", macro="RDP", enable=1)
        until(lambda: _reaches(ground, None, one), what="the rule lets RDP in")
        assert _is_kept_from(ground, None, one, port=22)

        _firewall(node, "PUT", "options", policy_out="DROP")
        until(lambda: _hears_nothing_from(ground, 100, gateway), what="the policy drops what goes out")
        assert _reaches(ground, None, one), "answers go out"

        _firewall(node, "PUT", "options", enable=0)
        until(lambda: _reaches(ground, None, one, port=22), what="it is off")


def test_a_firewall_is_there_from_the_start_and_over_restarts_of_the_node(ground: Ground) -> None:
    node = ground.node(state=True)
    create(node, 100, start=False, net0=NET)
    create(node, 101, net0=NET.replace("firewall=1", "firewall=0"))
    _firewall(node, "PUT", "options", enable=1)
    node.admin.call("PUT", f"/nodes/{node.admin.node}/lxc/101/firewall/options", enable=1)
    run(node, "POST", "/lxc/100/status/start")
    one, other = address(node, 100), address(node, 101)
    with _listening(ground, 100), _listening(ground, 101):
        assert _is_kept_from(ground, None, one)
        assert _reaches(ground, None, other), "an interface without firewall=1 has none"

        node.process.kill()
        assert _is_kept_from(ground, None, one)
        ground.node(state=True)
        assert _is_kept_from(ground, None, one)
        assert _reaches(ground, None, other)


def test_what_nftables_cannot_say_opens_nothing(ground: Ground) -> None:
    node = ground.node()
    create(node, 100, net0=NET)
    one = address(node, 100)
    _firewall(node, "POST", "rules", type="in", action="ACCEPT", macro="SMB", enable=1)
    _firewall(node, "PUT", "options", enable=1)
    with _listening(ground, 100, 445):
        until(lambda: _is_kept_from(ground, None, one, port=445), what="it is closed")
        until(lambda: "macro SMB is not known here" in node.process.output(), what="it says so")

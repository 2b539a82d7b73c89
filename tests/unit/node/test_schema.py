"""How parameters are refused: a value, what it has to be, and Proxmox's words for it."""

from __future__ import annotations

import pytest

from controller.node.parameters import CREATE, NEXTID, OPTIONS, POOL_LIST, UPDATE
from controller.node.schema import MISSING, check, find

ENUMERATION = (
    "value 'windows' does not have a value in the enumeration 'debian, devuan, ubuntu, centos, fedora, opensuse, "
)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("memory", "lots", "type check ('integer') failed - got 'lots'"),
        ("memory", " 64", "type check ('integer') failed - got ' 64'"),
        ("memory", "64.0", "type check ('integer') failed - got '64.0'"),
        ("memory", "", "type check ('integer') failed - got ''"),
        ("memory", "15", "value must have a minimum value of 16"),
        ("cores", "9000", "value must have a maximum value of 8192"),
        ("cpulimit", "half", "type check ('number') failed - got 'half'"),
        ("hostname", "-a", "invalid format - value does not look like a valid DNS name\n"),
        ("hostname", "a b", "invalid format - value does not look like a valid DNS name\n"),
        ("tags", "a:b", "invalid format - invalid characters in tag\n"),
        ("tags", "é", "invalid format - invalid characters in tag\n"),
        ("description", "x" * 8193, "value may only be 8192 characters long"),
        ("lock", "mine", ("value 'mine' does not have a value in the enumeration 'backup, create, destroyed, disk, "
         "fstrim, migrate, mounted, rollback, snapshot, snapshot-delete'")),
        ("net0", "bridge=vmbr0", f"invalid format - format error\nnet0.name: {MISSING}\n"),
        ("net0", "name=eth0,ip=300.1.1.1/24", ("invalid format - format error\nnet0.ip: invalid format - value does not"
         " look like a valid ipv4 network configuration\n\n")),
        ("net0", "name=eth0,ip=10.0.0.1", ("invalid format - format error\nnet0.ip: invalid format - value does not"
         " look like a valid ipv4 network configuration\n\n")),
        ("net32", "name=eth0", "property is not defined in schema and the schema does not allow additional properties"),
        ("net0", "eth0", "invalid format - value without key, but schema does not define a default key\n"),
        ("features", "nesting=2", ("invalid format - format error\nfeatures.nesting: type check ('boolean') failed - "
         "got '2'\n")),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_with_its_text(name: str, value: str, text: str) -> None:
    assert check({name: value}, OPTIONS) == {name: text}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hostname", "a" * 64),
        ("hostname", "123"),
        ("memory", "16"),
        ("cpulimit", "0.5"),
        ("tags", ""),
        ("tags", "a,b;c d"),
        ("description", "ü" * 8192),
        ("features", "nesting=yes,keyctl=1"),
        ("net31", "name=eth0,bridge=vmbr0,ip=dhcp,ip6=auto,tag=7"),
        ("rootfs", "local:8"),
        ("startup", "order=1,up=5"),
    ],
)
def test_a_good_value_passes(name: str, value: str) -> None:
    assert check({name: value}, OPTIONS) == {}


def test_an_enumeration_lists_what_is_allowed() -> None:
    assert check({"ostype": "windows"}, OPTIONS)["ostype"].startswith(ENUMERATION)


def test_what_is_missing_is_named() -> None:
    assert check({"node": "pve1", "memory": "64"}, CREATE) == {"vmid": MISSING, "ostemplate": MISSING}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("99", "invalid format - value does not look like a valid VM ID\n"),
        ("abc", "type check ('integer') failed - got 'abc'"),
    ],
)
def test_a_vmid_has_three_to_nine_digits(value: str, text: str) -> None:
    assert check({"vmid": value}, NEXTID) == {"vmid": text}


def test_a_parameter_may_require_another() -> None:
    assert check({"type": "lxc"}, POOL_LIST) == {"poolid": "missing property - 'type' requires this property"}


def test_a_password_is_no_option_of_a_config() -> None:
    assert "password" in check({"node": "pve1", "vmid": "100", "password": "secret"}, UPDATE)


@pytest.mark.parametrize(("name", "known"), [("net0", True), ("net[n]", False), ("mp255", True), ("mp256", False)])
def test_indexed_options_go_up_to_their_count(name: str, known: bool) -> None:
    assert (find(OPTIONS, name) is not None) is known

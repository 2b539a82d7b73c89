"""How Proxmox's answers become rows: the shapes were taken from a running PVE 9.2 and the sources of 8.x."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controller.core.egress import Rule
from controller.proxmox import answers
from controller.proxmox.port import ResourceRow, TaskRow
from controller.proxmox.transport import Malformed
from controller.proxmox.upid import Upid

TOKEN = "op@pve!t1"
MINE = "UPID:pve1:00003F8B:00024612:6B02F28D:vzcreate:200:op@pve!t1:"
SIBLING = "UPID:pve1:00003F8C:00024613:6B02F28E:vzcreate:201:op@pve!t2:"
OWNER = "UPID:pve1:00003F8D:00024614:6B02F28F:vzstart:202:op@pve:"


def test_a_upid_tells_who_started_what_when_and_where() -> None:
    found = Upid.parse(MINE)
    assert found == Upid(MINE, "pve1", 0x6B02F28D, "vzcreate", "200", TOKEN)


@pytest.mark.parametrize(
    "text", ["", "UPID:", MINE[:-1], MINE + "x", MINE.replace("pve1", "a/b"), "UPID:pve1:1:2:3:a:b:c:"]
)
def test_what_is_no_upid_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the id of a Proxmox task"):
        Upid.parse(text)


def test_a_full_row_of_the_resources() -> None:
    row = {
        "id": "lxc/200", "vmid": 200, "node": "pve1", "type": "lxc", "status": "running", "name": "alice", "uptime": 5,
        "template": 0, "cpu": 0.1, "maxcpu": 2, "mem": 1, "maxmem": 1073741824, "tags": "a;b",
        "pool": "winux", "lock": "disk",
    }  # fmt: skip
    assert answers.resource_row(row) == ResourceRow(
        vmid=200, node="pve1", kind="lxc", status="running", name="alice", pool="winux", lock="disk", template=False,
        maxcpu=2, maxmem_mib=1024,
    )  # fmt: skip


def test_the_row_of_a_newborn_has_neither_name_nor_numbers() -> None:
    row = {"id": "lxc/200", "vmid": 200, "node": "pve1", "type": "lxc", "status": "unknown"}
    assert answers.resource_row(row) == ResourceRow(200, "pve1", "lxc", "unknown", None, None, None, False, None, None)


def test_only_the_tokens_own_tasks_count() -> None:
    listed = [
        {"upid": MINE, "user": TOKEN, "status": "RUNNING", "saved": "0"},
        {"upid": SIBLING, "user": "op@pve!t2", "status": "RUNNING", "saved": "0"},
        {"upid": OWNER, "user": "op@pve", "status": "OK", "endtime": 1795355278},
    ]
    assert answers.listed_tasks(listed, token_id=TOKEN) == (TaskRow(MINE, "pve1", "vzcreate", "200", 0x6B02F28D, None),)


@pytest.mark.parametrize(
    ("row", "exit_status"),
    [
        ({"user": TOKEN, "status": "RUNNING"}, None),
        ({"user": TOKEN}, None),
        ({"user": "op@pve", "tokenid": "t1", "endtime": 1, "status": "OK"}, "OK"),
        ({"user": "op@pve", "tokenid": "t1", "endtime": 1, "status": "WARNINGS: 1"}, "WARNINGS: 1"),
        ({"user": TOKEN, "endtime": 1, "status": "unexpected status"}, "unexpected status"),
    ],
)
def test_a_listed_task_runs_or_has_its_exit_status(row: dict[str, object], exit_status: str | None) -> None:
    (found,) = answers.listed_tasks([{"upid": MINE, **row}], token_id=TOKEN)
    assert found.exit_status == exit_status


@pytest.mark.parametrize(
    ("answer", "exit_status"),
    [
        ({"status": "running"}, None),
        ({"status": "stopped", "exitstatus": "OK"}, "OK"),
        ({"status": "stopped", "exitstatus": "CT is locked (create)"}, "CT is locked (create)"),
        ({"status": "stopped"}, "unexpected status"),
    ],
)
def test_the_status_of_one_task(answer: dict[str, object], exit_status: str | None) -> None:
    assert answers.task_status({"upid": MINE, **answer}).exit_status == exit_status


def test_a_config_without_the_newline_that_proxmox_appends() -> None:
    found = answers.container_config(
        {
            "digest": "abc", "description": "a: 1\n\n100 %\n", "hostname": "alice", "cores": 2, "memory": "1024",
            "rootfs": "local:200/vm-200-disk-0.raw,size=10G", "protection": 1, "unprivileged": 1, "net0": "name=eth0",
            "cpulimit": "0.5",
        },
        node="pve1",
        vmid=200,
    )  # fmt: skip
    assert found.description == "a: 1\n\n100 %"
    assert (found.cores, found.memory_mib, found.disk_gib) == (2, 1024, 10)
    assert (found.protection, found.template, found.lock) == (True, False, None)
    assert found.raw["cpulimit"] == "0.5"


def test_the_config_of_a_create_that_runs_has_only_a_lock_and_a_digest() -> None:
    found = answers.container_config({"lock": "create", "digest": "abc"}, node="pve1", vmid=200)
    assert (found.lock, found.description, found.hostname, found.protection) == ("create", "", None, False)


@pytest.mark.parametrize(
    ("rootfs", "gib"),
    [
        ("local:200/vm-200-disk-0.raw,size=10G", 10),
        ("zfs:subvol-200-disk-0,mountoptions=noatime,size=8G,acl=1", 8),
        ("lvm:vm-200-disk-0,size=1T", 1024),
        ("lvm:vm-200-disk-0,size=10752M", 10),
        ("lvm:vm-200-disk-0,size=500M", 0),
        ("lvm:vm-200-disk-0,size=10485760K", 10),
        ("/mnt/somewhere", None),
        (None, None),
    ],
)
def test_the_size_of_the_disk(rootfs: str | None, gib: int | None) -> None:
    assert answers.disk_gib(rootfs) == gib


LO = {
    "name": "lo", "hwaddr": "00:00:00:00:00:00", "inet": "127.0.0.1/8", "inet6": "::1/128",
    "ip-addresses": [{"ip-address": "127.0.0.1", "ip-address-type": "inet", "prefix": "8"}],
}  # fmt: skip
ETH0 = {
    "name": "eth0", "hwaddr": "bc:24:11:00:00:01", "inet": "10.0.0.6/24", "inet6": "fe80::1/64",
    "ip-addresses": [
        {"ip-address": "fe80::1", "ip-address-type": "inet6", "prefix": "64"},
        {"ip-address": "fd00::5", "ip-address-type": "inet6", "prefix": "64"},
        {"ip-address": "10.0.0.5", "ip-address-type": "inet", "prefix": "24"},
        {"ip-address": "169.254.3.4", "ip-address-type": "inet", "prefix": "16"},
        {"ip-address": "10.0.0.6", "ip-address-type": "inet", "prefix": "24"},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("interfaces", "addresses"),
    [
        (None, ()),
        ([LO], ()),
        ([LO, ETH0], ("10.0.0.5", "10.0.0.6", "fd00::5")),
        ([{"name": "eth0", "inet": "10.0.0.6/24", "inet6": "fe80::1/64"}], ("10.0.0.6",)),
        ([{"name": "eth0", "hwaddr": "bc:24:11:00:00:01"}], ()),
    ],
    ids=["stopped", "only loopback", "9.2", "8.1, without ip-addresses", "no address yet"],
)
def test_the_addresses_of_a_guest(interfaces: object, addresses: tuple[str, ...]) -> None:
    assert answers.guest_addresses(interfaces) == addresses


def test_the_end_of_a_log() -> None:
    log = [{"n": n, "t": f"line {n}"} for n in range(1, 31)]
    assert answers.log_lines(log, last=2) == ("line 29", "line 30")
    assert answers.log_lines([{"n": 1, "t": "unable to open file - No such file or directory"}], last=2) == ()
    assert answers.log_lines([{"n": 1, "t": "TASK OK"}], last=2) == ("TASK OK",)


def test_rights_by_path_with_their_flag_of_inheritance() -> None:
    dump = {"/": {"Sys.Audit": 0}, "/pool/winux": {"VM.Audit": 1, "Pool.Audit": 0}}
    assert answers.inherited_rights(dump) == {"/": frozenset(), "/pool/winux": frozenset({"VM.Audit"})}
    assert answers.rights_on("/pool/winux", {"/pool/winux": dump["/pool/winux"]}) == {"VM.Audit", "Pool.Audit"}
    assert answers.rights_on("/pool/winux", {"/pool/winux": {}}) == frozenset()
    assert answers.rights_on("/pool/winux", {}) == frozenset()


NONSENSE: list[tuple[str, Callable[[object], object], object]] = [
    ("a list for the version", answers.release, []),
    ("no release", answers.release, {"version": "9.2.11"}),
    ("an object for a list", answers.each(answers.resource_row), {}),
    ("a row that is none", answers.each(answers.resource_row), ["x"]),
    ("a row without its node", answers.each(answers.resource_row), [{"vmid": 1, "type": "lxc"}]),
    ("a VMID that is no number", answers.each(answers.resource_row), [{"vmid": "x", "node": "a", "type": "lxc"}]),
    ("null for a UPID", answers.upid, None),
    ("a task without its UPID", answers.task_status, {"status": "running"}),
    ("a config without its digest", lambda data: answers.container_config(data, node="a", vmid=1), {"hostname": "x"}),
    ("an address that is none", answers.guest_addresses, [{"inet": "10.0.0/24"}]),
]


@pytest.mark.parametrize(("read", "data"), [row[1:] for row in NONSENSE], ids=[row[0] for row in NONSENSE])
def test_what_proxmox_would_not_say_is_malformed(read: Callable[[object], object], data: object) -> None:
    with pytest.raises(Malformed):
        read(data)


def test_the_options_of_a_firewall_are_texts() -> None:
    told = {"enable": 1, "dhcp": "0", "macfilter": True, "policy_in": "DROP"}
    assert answers.firewall_options(told) == {"enable": "1", "dhcp": "0", "macfilter": "1", "policy_in": "DROP"}


@pytest.mark.parametrize(
    ("told", "rule"),
    [
        (
            {
                "type": "in",
                "action": "ACCEPT",
                "enable": 1,
                "proto": "tcp",
                "dport": "22",
                "digest": "d",
                "comment": "x",
            },
            Rule(direction="in", protocol="tcp", ports="22"),
        ),
        (
            {"type": "out", "action": "ACCEPT", "enable": "1", "dest": "192.0.2.7", "ipversion": 4},
            Rule(direction="out", destination="192.0.2.7/32"),
        ),
        (
            {"type": "out", "action": "ACCEPT", "enable": 1, "dest": "+guest/lan"},
            Rule(direction="out", destination="+guest/lan"),
        ),
        (
            {"type": "in", "action": "ACCEPT", "macro": "SSH", "enable": 0},
            Rule(direction="in", other="macro=SSH,enable=0"),
        ),
        ({"type": "in", "action": "ACCEPT"}, Rule(direction="in", other="enable=0")),
    ],
    ids=["plain", "an address alone", "an IP set", "a macro that is off", "off unless it says otherwise"],
)
def test_a_rule_of_a_firewall_is_read(told: dict[str, object], rule: Rule) -> None:
    assert answers.firewall_rules([{**told, "pos": 0}]) == (rule,)


def test_rules_stand_by_their_positions() -> None:
    told = [{"type": kind, "action": "DROP", "enable": 1, "pos": pos} for kind, pos in (("out", 1), ("in", 0))]
    assert [rule.direction for rule in answers.firewall_rules(told)] == ["in", "out"]


@pytest.mark.parametrize(
    ("user", "token", "ends"),
    [
        ({}, {}, ()),
        ({"expire": 0}, {"expire": 0}, ()),
        ({"expire": 0}, {"expire": 1900000000}, (1_900_000_000.0,)),
        ({"expire": "1800000000"}, {}, (1_800_000_000.0,)),
        ({"expire": 1800000000}, {"expire": "1900000000"}, (1_800_000_000.0, 1_900_000_000.0)),
    ],
    ids=["none", "0 is none", "the token's", "the user's", "both"],
)
def test_a_token_ends_with_itself_or_with_its_user(
    user: dict[str, object], token: dict[str, object], ends: tuple[float, ...]
) -> None:
    listed = [
        {"userid": "root@pam", "expire": 1, "tokens": [{"tokenid": "t1", "expire": 1}]},
        {"userid": "op@pve", **user, "tokens": [{"tokenid": "t0", "expire": 1}, {"tokenid": "t1", **token}]},
    ]
    assert answers.token_expiry(listed, user="op@pve", token_name="t1") == ends


@pytest.mark.parametrize(
    "listed", [[], [{"userid": "op@pve"}], [{"userid": "op@pve", "tokens": []}], [{"userid": "root@pam", "expire": 1}]]
)
def test_a_token_that_is_not_listed_is_not_known(listed: list[dict[str, object]]) -> None:
    assert answers.token_expiry(listed, user="op@pve", token_name="t1") is None


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [1],
        [{"userid": "op@pve", "tokens": {"t1": 1}}],
        [{"userid": "op@pve", "tokens": [{"tokenid": "t1", "expire": "soon"}]}],
    ],
)
def test_a_list_of_users_that_is_none_is_malformed(data: object) -> None:
    with pytest.raises(Malformed):
        answers.token_expiry(data, user="op@pve", token_name="t1")

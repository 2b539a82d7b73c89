"""``winux check``: what is looked at, what each situation says, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from controller.proxmox.port import (
    ContainerConfig,
    Forbidden,
    NodeDown,
    NodeRow,
    ProxmoxError,
    ResourceRow,
    StorageRow,
    Transient,
    Unauthorized,
    Untrusted,
)
from controller.proxmox.preflight import Bridge, Check, Needs, Report, Verdict, run_checks

TOKEN = "winux@pve!ctl"
ARCHIVE = "local:vztmpl/winux.tar.zst"
NEEDS = Needs(
    pool="winux", storages=("disks",), archives=(ARCHIVE,), templates=(9000,), bridges=(Bridge(name="vmbr0"),)
)
EVERYTHING = frozenset(
    {
        "Datastore.AllocateSpace",
        "Datastore.Audit",
        "Pool.Audit",
        "SDN.Use",
        "VM.Allocate",
        "VM.Audit",
        "VM.Clone",
        "VM.Config.CPU",
        "VM.Config.Disk",
        "VM.Config.Memory",
        "VM.Config.Network",
        "VM.Config.Options",
        "VM.PowerMgmt",
    }
)
DISKS = StorageRow("disks", frozenset({"rootdir", "images"}), True)
TEMPLATE = ResourceRow(9000, "pve1", "lxc", "stopped", "golden", None, None, True, 2, 1024)


@dataclass
class Cluster:
    """A Proxmox VE whose parts a test takes away. Shows only what the rights allow, as the real one does."""

    release: str = "9.2"
    rights: frozenset[str] = EVERYTHING
    known_pools: tuple[str, ...] = ("winux",)
    online: Mapping[str, bool] = field(default_factory=lambda: {"pve1": True})
    disks: StorageRow = DISKS
    volumes: tuple[str, ...] = (ARCHIVE,)
    networks: tuple[str, ...] = ("vmbr0",)
    guests: tuple[ResourceRow, ...] = (TEMPLATE,)
    template_net: str | None = "name=eth0,bridge=vmbr0,ip=dhcp"
    errors: Mapping[str, ProxmoxError] = field(default_factory=dict)
    token_ends: float | None = None

    def _may(self, operation: str) -> None:
        if operation in self.errors:
            raise self.errors[operation]

    def version(self) -> str:
        self._may("version")
        return self.release

    def token_expiry(self) -> float | None:
        self._may("token_expiry")
        return self.token_ends

    def permissions(self, paths: Sequence[str] = ()) -> Mapping[str, frozenset[str]]:
        self._may("permissions")
        return dict.fromkeys(paths, self.rights)

    def pools(self) -> tuple[str, ...]:
        return self.known_pools if "Pool.Audit" in self.rights else ()

    def nodes(self) -> tuple[NodeRow, ...]:
        self._may("nodes")
        return tuple(NodeRow(name, online) for name, online in self.online.items())

    def resources(self) -> tuple[ResourceRow, ...]:
        return self.guests if "VM.Audit" in self.rights else ()

    def config(self, node: str, vmid: int) -> ContainerConfig:
        self._may("config")
        template_of = {"rootfs": "disks:basevol-9000-disk-0,size=10G"}
        return ContainerConfig(
            node, vmid, "digest", "", "golden", 2, 1024, 10, False, None, True, self.template_net, template_of
        )

    def storages(self, node: str) -> tuple[StorageRow, ...]:
        self._may("storages")
        return (self.disks,) if node in self.online and "Datastore.AllocateSpace" in self.rights else ()

    def archives(self, node: str, storage: str) -> tuple[str, ...]:
        self._may("archives")
        assert storage == "local"
        return self.volumes if node in self.online else ()

    def bridges(self, node: str) -> tuple[str, ...]:
        return self.networks if node in self.online and "SDN.Use" in self.rights else ()


def look(cluster: Cluster, *, nodes: Sequence[str] = ()) -> Report:
    return run_checks(cluster, NEEDS, token_id=TOKEN, nodes=nodes)  # type: ignore[arg-type]


def found(report: Report, name: str) -> Check:
    (check,) = [check for check in report.checks if check.name == name]
    return check


def test_a_cluster_that_has_everything_passes() -> None:
    report = look(Cluster())
    assert report.ok
    assert [check for check in report.checks if check.verdict is not Verdict.OK] == []
    assert [check.name for check in report.checks if not check.name.startswith("right ")] == [
        "connection",
        "certificate",
        "token",
        "end of the token",
        "version",
        "pool winux",
        "template 9000",
        "node pve1",
        "storage disks on pve1",
        f"archive {ARCHIVE} on pve1",
        "bridge vmbr0 on pve1",
    ]
    assert all(right.held for right in report.rights)


@pytest.mark.parametrize(
    ("error", "failed", "passed"),
    [
        (NodeDown("Could not read the version: no connection"), "connection", []),
        (Untrusted("Could not read the version: not trusted"), "certificate", ["connection"]),
        (Unauthorized("Proxmox refused to read the version"), "token", ["connection", "certificate"]),
        (Transient("https://pve gave no answer"), "connection", []),
    ],
)
def test_what_cannot_be_reached_is_not_asked_further(error: ProxmoxError, failed: str, passed: list[str]) -> None:
    report = look(Cluster(errors={"version": error}))
    assert not report.ok
    assert [check.name for check in report.checks] == [*passed, failed]
    check = found(report, failed)
    assert (check.verdict, check.sentence) == (Verdict.FAIL, str(error))
    assert check.todo


@pytest.mark.parametrize(
    ("release", "verdict"),
    [("9.2", "ok"), ("8.2", "ok"), ("10.0", "ok"), ("8.1", "fail"), ("7.4", "fail"), ("unstable", "ok")],
)
def test_old_versions_are_refused(release: str, verdict: str) -> None:
    assert found(look(Cluster(release=release)), "version").verdict == verdict


@pytest.mark.parametrize("privilege", sorted(EVERYTHING - {"VM.Audit", "Datastore.Audit"}))
def test_a_missing_right_fails_with_the_lines_that_grant_it(privilege: str) -> None:
    report = look(Cluster(rights=EVERYTHING - {privilege}))
    failed = [check for check in report.checks if check.verdict is Verdict.FAIL]
    assert failed
    assert all(check.name.startswith(f"right {privilege} on /") for check in failed)
    assert all("pveum acl modify /" in (check.todo or "") for check in failed)


def test_an_optional_right_that_is_missing_is_told_and_fails_nothing() -> None:
    class NoAudit(Cluster):
        def permissions(self, paths: Sequence[str] = ()) -> Mapping[str, frozenset[str]]:
            return {**dict.fromkeys(paths, EVERYTHING), "/vms": frozenset()}

    report = look(NoAudit())
    assert report.ok
    check = found(report, "right VM.Audit on /vms")
    assert check.sentence.endswith("; it is optional")
    assert "pveum acl modify /vms" in (check.todo or "")


def test_rights_that_cannot_be_read_are_unknown_and_the_rest_is_looked_at() -> None:
    report = look(Cluster(errors={"permissions": Forbidden("Proxmox refused to read the rights")}))
    assert report.ok
    assert report.rights == ()
    assert found(report, "rights").verdict is Verdict.UNKNOWN
    assert found(report, "bridge vmbr0 on pve1").verdict is Verdict.OK


FAILURES: dict[str, tuple[Cluster, str, str]] = {
    "no pool": (Cluster(known_pools=("other",)), "pool winux", "There is no pool winux"),
    "no node": (Cluster(online={"pve2": True}), "node pve1", "There is no node pve1; there are: pve2"),
    "offline": (Cluster(online={"pve1": False}), "node pve1", "Node pve1 is offline"),
    "no storage": (
        Cluster(disks=StorageRow("other", frozenset(), True)),
        "storage disks on pve1",
        "Node pve1 has no enabled storage disks; it has: other",
    ),
    "a storage for other things": (
        Cluster(disks=StorageRow("disks", frozenset({"iso"}), True)),
        "storage disks on pve1",
        "Storage disks on pve1 does not take containers (content rootdir)",
    ),
    "a storage that is away": (
        Cluster(disks=StorageRow("disks", frozenset({"rootdir"}), False)),
        "storage disks on pve1",
        "Storage disks on pve1 is not active",
    ),
    "no archive": (
        Cluster(volumes=("local:vztmpl/debian.tar.zst",)),
        f"archive {ARCHIVE} on pve1",
        f"Node pve1 has no archive {ARCHIVE}; it has: local:vztmpl/debian.tar.zst",
    ),
    "no bridge": (Cluster(networks=()), "bridge vmbr0 on pve1", "Node pve1 has no bridge vmbr0; it has: none"),
    "a template that is none": (
        Cluster(guests=(ResourceRow(9000, "pve1", "lxc", "stopped", "x", None, None, False, 1, 512),)),
        "template 9000",
        "Container 9000 on pve1 is no template",
    ),
    "a virtual machine": (
        Cluster(guests=(ResourceRow(9000, "pve1", "qemu", "stopped", "x", None, None, True, 1, 512),)),
        "template 9000",
        "9000 on pve1 is a virtual machine",
    ),
}


@pytest.mark.parametrize(("cluster", "name", "sentence"), FAILURES.values(), ids=FAILURES)
def test_what_is_missing_fails_with_what_is_there(cluster: Cluster, name: str, sentence: str) -> None:
    report = look(cluster, nodes=["pve1"])
    check = found(report, name)
    assert (check.verdict, check.sentence) == (Verdict.FAIL, sentence)
    assert check.todo
    assert not report.ok


UNSEEN: dict[str, tuple[Cluster, str]] = {
    "the pool without Pool.Audit": (Cluster(rights=EVERYTHING - {"Pool.Audit"}), "pool winux"),
    "the storage without rights": (Cluster(rights=EVERYTHING - {"Datastore.AllocateSpace"}), "storage disks on pve1"),
    "the bridge without rights": (Cluster(rights=EVERYTHING - {"SDN.Use"}), "bridge vmbr0 on pve1"),
    "the template without rights": (Cluster(rights=EVERYTHING - {"VM.Audit"}), "template 9000"),
    "archives that may not be listed": (
        Cluster(errors={"archives": Forbidden("Permission check failed")}),
        "archives in local on pve1",
    ),
    "nodes in an outage": (Cluster(errors={"nodes": Transient("later")}), "nodes"),
    "storages in an outage": (Cluster(errors={"storages": Transient("later")}), "storages on pve1"),
}


@pytest.mark.parametrize(("cluster", "name"), UNSEEN.values(), ids=UNSEEN)
def test_what_cannot_be_seen_is_unknown_not_missing(cluster: Cluster, name: str) -> None:
    assert found(look(cluster), name).verdict is Verdict.UNKNOWN


def test_what_the_template_uses_is_looked_at_too() -> None:
    report = look(Cluster(template_net="name=eth0,bridge=vmbr9,tag=7,ip=dhcp"))
    assert [right.path for right in report.rights if right.privilege == "SDN.Use"] == [
        "/sdn/zones/localnetwork/vmbr0",
        "/sdn/zones/localnetwork/vmbr9/7",
    ]
    assert found(report, "bridge vmbr9 on pve1").verdict is Verdict.FAIL


def test_a_template_that_cannot_be_read_is_no_failure() -> None:
    assert look(Cluster(errors={"config": Forbidden("Permission check failed")})).ok


def test_a_template_that_limits_connections_needs_the_firewall_of_the_datacenter() -> None:
    without, with_rules = (
        {check.name: check for check in run_checks(Cluster(), needs, token_id=TOKEN).checks}  # type: ignore[arg-type]
        for needs in (NEEDS, replace(NEEDS, firewall=True))
    )
    assert with_rules.keys() - without.keys() == {"firewall of the datacenter"}
    check = with_rules["firewall of the datacenter"]
    assert check.verdict is Verdict.UNKNOWN
    assert "pvesh set /cluster/firewall/options --enable 1" in (check.todo or "")


@pytest.mark.parametrize(
    ("ends", "sentence"),
    [(None, "The token does not expire"), (1_800_000_000.0, "The token expires at 2027-01-15T08:00:00Z")],
)
def test_the_end_of_the_token_is_told(ends: float | None, sentence: str) -> None:
    assert found(look(Cluster(token_ends=ends)), "end of the token").sentence == sentence


def test_an_end_that_may_not_be_read_is_no_failure_and_says_what_to_grant() -> None:
    report = look(Cluster(errors={"token_expiry": Forbidden("it needs Sys.Audit")}))
    check = found(report, "end of the token")
    assert (check.verdict, report.ok) == (Verdict.UNKNOWN, True)
    assert "pveum acl modify /access/groups/winux" in (check.todo or "")

"""What a create is refused for, in which order, and whose rights on what it asks for."""

from __future__ import annotations

from itertools import pairwise

import pytest

from controller.node.storage import Storage
from tests.unit.node.lab import Lab
from tests.unit.node.test_tickets import log_in, with_ticket

PASSES: dict[str, object] = {"pool": "winux"}
IN_ORDER: list[tuple[dict[str, object], tuple[int, str]]] = [
    ({"memory": 15}, (400, "Parameter verification failed.")),
    ({"unprivileged": 0}, (403, "Permission check failed (/, Sys.Modify)")),
    ({"ha-managed": 1}, (403, "Permission check failed (/, Sys.Console)")),
    ({"vmid": 9000}, (500, "CT 9000 already exists on node 'pve1'")),
    ({"ssh-public-keys": "no key"}, (500, "SSH public key validation error")),
    ({"pool": "nopool"}, (403, "Permission check failed (pool 'nopool' does not exist)")),
    ({"pool": None}, (403, "Permission check failed")),
    ({"hookscript": "local:snippets/x"}, (403, ("Permission check failed (changing the hookscript is only allowed for "
     "root@pam)"))),
    ({"ostemplate": "nostore:vztmpl/x"}, (500, "storage 'nostore' does not exist")),
    ({"storage": "nostore", "rootfs": None}, (500, "storage 'nostore' does not exist")),
]  # fmt: skip
"""Each refusal comes before all that stand below it."""


@pytest.mark.parametrize(("first", "second"), list(pairwise(IN_ORDER)), ids=lambda pair: next(iter(pair[0])))
def test_of_two_reasons_the_first_is_told(
    lab: Lab, first: tuple[dict[str, object], tuple[int, str]], second: tuple[dict[str, object], tuple[int, str]]
) -> None:
    both = lab.spec(**({"vmid": 100} | PASSES | second[0] | first[0]))
    assert lab.limited.post("/nodes/pve1/lxc", **both).refusal == first[1]


def test_without_quorum_nothing_else_is_looked_at(lab: Lab) -> None:
    lab.door.set_quorum(quorate=False)
    answer = lab.limited.post("/nodes/pve1/lxc", **lab.spec(9000, unprivileged=0))
    assert answer.refusal == (500, "cluster not ready - no quorum?")


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"ostemplate": "local:iso/x.iso"}, (500, ("unable to use volume local:iso/x.iso - content type needs to be "
         "'vztmpl'"))),
        ({"ostemplate": "local:x"}, (500, "unable to parse directory volume name 'x'")),
        ({"ostemplate": "/var/x.tar"}, (500, "Only root can pass arbitrary filesystem paths.")),
        ({"mp0": "local:1,mp=/srv", "rootfs": None}, (500, "mount points configured, but 'rootfs' not set - aborting")),
        ({"mp0": "nostore:1,mp=/srv"}, (500, "storage 'nostore' does not exist")),
        ({"rootfs": "elsewhere:1"}, (500, "storage 'elsewhere' is not available on node 'pve1'")),
        ({"storage": "elsewhere", "rootfs": None}, (500, "storage 'elsewhere' is not available on node 'pve1'")),
        ({"dev0": "/dev/kvm"}, (403, ("Permission check failed (configuring device passthrough is only allowed for "
         "root@pam)"))),
        ({"unprivileged": 0, "features": "nesting=1"}, (403, ("Permission check failed (changing feature flags for "
         "privileged container is only allowed for root@pam)"))),
    ],
)  # fmt: skip
def test_even_all_rights_are_not_enough(lab: Lab, more: dict[str, object], refusal: tuple[int, str]) -> None:
    lab.node.cluster.storages["elsewhere"] = Storage("elsewhere", "dir", ("rootdir",), nodes=frozenset({"pve9"}))
    assert lab.root.post("/nodes/pve1/lxc", **lab.spec(100, **more)).refusal == refusal
    assert lab.root.get("/cluster/nextid", vmid=100).status == 200


def test_a_storage_has_to_be_for_root_disks(lab: Lab) -> None:
    lab.node.cluster.storages["isos"] = Storage("isos", "dir", ("iso",))
    for more in ({"rootfs": "isos:1"}, {"rootfs": None, "storage": "isos"}):
        answer = lab.root.post("/nodes/pve1/lxc", **lab.spec(100, **more))
        assert answer.document["errors"] == {"storage": "storage 'isos' does not support container directories"}


@pytest.mark.parametrize(
    ("missing", "more", "refusal"),
    [
        ("VM.Allocate", {}, "Permission check failed"),
        ("VM.Config.CPU", {"cores": 1}, "(/vms/100, VM.Config.CPU)"),
        ("VM.Config.Memory", {"memory": 64}, "(/vms/100, VM.Config.Memory)"),
        ("VM.Config.Memory", {"swap": 0}, "(/vms/100, VM.Config.Memory)"),
        ("VM.Config.Disk", {"rootfs": "local:1"}, "(/vms/100, VM.Config.Disk)"),
        ("VM.Config.Disk", {"rootfs": None}, None),
        ("VM.Config.Network", {"hostname": "a"}, "(/vms/100, VM.Config.Network)"),
        ("VM.Config.Network", {"nameserver": "10.0.0.1"}, "(/vms/100, VM.Config.Network)"),
        ("VM.Config.Options", {"description": "a"}, "(/vms/100, VM.Config.Options)"),
        ("VM.Config.Options", {"env": "A=b"}, "(/vms/100, VM.Config.Options)"),
        ("VM.Config.Options", {"onboot": 1}, "(/vms/100, VM.Config.Options)"),
        ("VM.Config.Options", {"unprivileged": 1}, None),
        ("VM.PowerMgmt", {"start": 1}, None),
    ],
)
def test_what_an_option_needs_on_the_pool(lab: Lab, missing: str, more: dict[str, object], refusal: str | None) -> None:
    held = lab.node.cluster.access.roles["WinuxController"]
    lab.door.set_role("WinuxController", held - {missing})
    bare = {"memory": None, "swap": None, "cores": None, "rootfs": None, "pool": "winux"}
    answer = lab.limited.post("/nodes/pve1/lxc", **lab.spec(100, **(bare | more)))
    assert (answer.status, answer.reason[-len(refusal or "OK") :]) == (403 if refusal else 200, refusal or "OK")


def test_a_start_that_was_asked_for_needs_no_right_to_start(lab: Lab) -> None:
    held = lab.node.cluster.access.roles["WinuxController"]
    lab.door.set_role("WinuxController", held - {"VM.PowerMgmt"})
    lab.create(client=lab.limited, pool="winux", start=1)
    assert lab.current(100)["status"] == "running"
    assert lab.limited.post(lab.ct(100, "/status/stop")).status == 403


def test_a_vlan_needs_its_own_right_on_the_bridge(lab: Lab) -> None:
    lab.root.put("/access/acl", path="/sdn/zones/localnetwork/vmbr0", roles="WinuxNetwork", users="winux@pve", delete=1)
    lab.root.put("/access/acl", path="/sdn/zones/localnetwork/vmbr0/7", roles="WinuxNetwork", users="winux@pve")
    for net, refused in (
        ("tag=7", ""),
        ("tag=8", "/8"),
        ("trunks=7;9", "/9"),
        ("link_down=1", ""),
    ):
        given = lab.spec(100, pool="winux", net0=f"name=eth0,bridge=vmbr0,{net}")
        answer = lab.limited.post("/nodes/pve1/lxc", **given)
        if net == "tag=7":
            assert lab.wait(answer.data) == "OK"
            lab.done(lab.limited.delete(lab.ct(100)))
        else:
            path = f"/sdn/zones/localnetwork/vmbr0{refused}"
            assert answer.refusal == (403, f"Permission check failed ({path}, SDN.Use)")


def test_root_itself_may_what_no_token_may(lab: Lab) -> None:
    client = with_ticket(lab, log_in(lab))
    more = {
        "rootfs": "8",
        "storage": "local-zfs",
        "mp0": "local-zfs:2,mp=/data",
        "mp1": "/srv,mp=/srv",
        "features": "keyctl=1",
    }
    lab.wait(client.post("/nodes/pve1/lxc", **lab.spec(100, **more)).data)
    config = lab.config(100)
    assert config["rootfs"] == "local-zfs:subvol-100-disk-0,size=8G"
    assert config["mp0"] == "local-zfs:subvol-100-disk-1,mp=/data,size=2G"
    assert config["mp1"] == "/srv,mp=/srv"


# restores, of which there are only refusals: nobody makes backups here


def test_force_without_a_restore_overwrites_nothing(lab: Lab) -> None:
    lab.create()
    assert lab.root.post("/nodes/pve1/lxc", **lab.spec(100, force=1)).refusal == (
        500, "CT 100 already exists on node 'pve1'"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"start": 1}, (500, "can't overwrite running container")),
        ({"protection": 1}, (500, "unable to restore CT 100 - protection mode enabled")),
    ],
)
def test_what_a_restore_may_not_overwrite(lab: Lab, options: dict[str, object], refusal: tuple[int, str]) -> None:
    lab.create(**options)
    given = lab.spec(100, restore=1, force=1, ostemplate="local:backup/x.tar.zst")
    assert lab.root.post("/nodes/pve1/lxc", **given).refusal == refusal


def test_a_restore_that_fails_leaves_what_was_there(lab: Lab) -> None:
    lab.create(hostname="old")
    upid = lab.begin(100, restore=1, force=1, ostemplate="local:backup/x.tar.zst")
    assert upid.split(":")[5] == "vzrestore"
    assert lab.wait(upid) == "unable to restore CT 100 - volume 'local:backup/x.tar.zst' does not exist"
    assert (lab.config(100)["hostname"], "lock" in lab.config(100)) == ("old", False)

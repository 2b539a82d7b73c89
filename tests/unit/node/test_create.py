"""Creates: what is refused at once and in which order, what is seen meanwhile, what only the task finds out."""

from __future__ import annotations

import pytest

from tests.unit.node.lab import Lab


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"ssh-public-keys": "not a key"}, (500, "SSH public key validation error")),
        ({"rootfs": "nostore:1"}, (500, "storage 'nostore' does not exist")),
        ({"rootfs": "8"}, (500, "Only root can pass arbitrary filesystem paths.")),
        ({"ostemplate": "nostore:vztmpl/x.tar.gz"}, (500, "storage 'nostore' does not exist")),
        ({"pool": "nopool"}, (403, "Permission check failed (pool 'nopool' does not exist)")),
        ({"hookscript": "local:snippets/x"}, (403, ("Permission check failed (changing the hookscript is only allowed "
         "for root@pam)"))),
        ({"features": "nesting=1,keyctl=1"}, (403, ("Permission check failed (changing feature flags (except nesting) "
         "is only allowed for root@pam)"))),
        ({"mp0": "/srv,mp=/srv"}, (403, ("Permission check failed (mount point type bind is only allowed for "
         "root@pam)"))),
        ({"password": "abcd"}, (400, "Parameter verification failed.")),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_the_vmid_free(lab: Lab, more: dict[str, object], refusal: tuple[int, str]) -> None:
    assert lab.root.post("/nodes/pve1/lxc", **lab.spec(100, **more)).refusal == refusal
    assert lab.root.get("/cluster/nextid", vmid=100).data == "100"


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({}, (403, "Permission check failed")),
        ({"pool": "winux", "tags": "a"}, (403, "Permission check failed (/vms/100, VM.Config.Options)")),
        ({"pool": "winux", "unprivileged": 0}, (403, "Permission check failed (/, Sys.Modify)")),
        ({"pool": "winux", "rootfs": "nostore:1"}, (403, ("Permission check failed (/storage/nostore, "
         "Datastore.AllocateSpace)"))),
        ({"pool": "winux", "net0": "name=eth0,bridge=vmbr7"}, (403, ("Permission check failed "
         "(/sdn/zones/localnetwork/vmbr7, SDN.Use)"))),
        ({"pool": "winux", "memory": 15}, (400, "Parameter verification failed.")),
    ],
)  # fmt: skip
def test_rights_on_a_pool_go_so_far(lab: Lab, more: dict[str, object], refusal: tuple[int, str]) -> None:
    assert lab.limited.post("/nodes/pve1/lxc", **lab.spec(100, **more)).refusal == refusal


def test_rights_on_a_pool_are_enough_for_a_desktop(lab: Lab) -> None:
    lab.create(
        client=lab.limited,
        pool="winux",
        hostname="desk",
        description="mine",
        net0="name=eth0,bridge=vmbr0,ip=dhcp",
        features="nesting=1",
        protection=1,
        password="correct horse",
        start=1,
    )
    assert lab.limited.get(lab.ct(100, "/status/current")).data["status"] == "running"


@pytest.mark.parametrize("kind", ["CT", "VM"])
def test_a_taken_vmid_is_told_to_those_without_any_right_too(lab: Lab, kind: str) -> None:
    lab.door.add(100, {}, kind="lxc" if kind == "CT" else "qemu")
    answer = lab.limited.post("/nodes/pve1/lxc", **lab.spec(100, pool="winux"))
    assert answer.refusal == (500, f"{kind} 100 already exists on node 'pve1'")


def test_while_it_unpacks_the_config_is_a_lock_and_nothing_else(slow: Lab) -> None:
    upid = slow.begin(hostname="desk", description="mine", tags="a")
    assert set(slow.config(100)) == {"lock", "digest"}
    assert slow.row(100) == {
        "id": "lxc/100", "vmid": 100, "node": "pve1", "type": "lxc", "status": "unknown", "lock": "create"
    }  # fmt: skip
    current = slow.current(100)
    assert (current["name"], current["status"], current["maxmem"]) == ("CT100", "stopped", 512 << 20)
    assert slow.root.get("/cluster/nextid", vmid=100).document["errors"] == {"vmid": "VM 100 already exists"}
    assert slow.wait(upid) == "OK"
    assert "lock" not in slow.config(100)


def test_only_its_creators_task_list_tells_a_pool_token_of_its_own_create(slow: Lab) -> None:
    upid = slow.begin(client=slow.limited, pool="winux")
    forbidden = (403, "Permission check failed (/vms/100, VM.Audit)")
    assert slow.limited.get(slow.ct(100, "/config")).refusal == forbidden
    assert slow.row(100, slow.limited) is None
    rows = slow.limited.get("/nodes/pve1/tasks", source="active", vmid=100).data
    assert [row["upid"] for row in rows] == [upid]
    slow.wait(upid)
    assert slow.limited.get(slow.ct(100, "/config")).status == 200


def test_the_config_that_results(lab: Lab) -> None:
    lab.create(hostname="web", description="a", tags="b;a", net0="name=eth0,bridge=vmbr0", onboot=0, protection=1)
    config = lab.config(100)
    digest, net0 = config.pop("digest"), config.pop("net0")
    assert config == {
        "hostname": "web", "description": "a\n", "tags": "a;b", "onboot": 0, "protection": 1, "memory": 64, "swap": 0,
        "cores": 1, "rootfs": "local:100/vm-100-disk-0.raw,size=1G", "unprivileged": 1, "arch": "amd64",
        "ostype": "debian",
    }  # fmt: skip
    assert len(digest) == 40
    assert net0.startswith("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:")
    assert net0.endswith(",type=veth")


def test_what_was_left_out_has_defaults(lab: Lab) -> None:
    lab.create(memory=None, swap=None, cores=None, rootfs=None)
    config = lab.config(100)
    assert (config["hostname"], config["memory"], config["swap"]) == ("CT100", 512, 512)
    assert config["rootfs"] == "local:100/vm-100-disk-0.raw,size=4G"
    assert lab.current(100)["cpus"] == 16


def test_password_and_keys_are_kept_nowhere(lab: Lab) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test"
    upid = lab.begin(**{"password": "correct horse", "ssh-public-keys": key})
    told = str(lab.config(100)) + str(lab.log(upid)) + str(lab.door.stats()) + str(lab.door.containers())
    assert "correct horse" not in told
    assert "ssh-ed25519" not in told


def test_a_missing_archive_fails_the_task_and_frees_the_vmid(lab: Lab) -> None:
    missing = "local:vztmpl/missing.tar.zst"
    exit_status = lab.wait(lab.begin(ostemplate=missing))
    assert exit_status == f"unable to create CT 100 - volume '{missing}' does not exist"
    assert lab.root.get("/cluster/nextid", vmid=100).status == 200


def test_a_guest_with_systemd_and_without_nesting_gives_a_warning_which_is_success(lab: Lab) -> None:
    stock = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
    assert lab.wait(lab.begin(100, ostemplate=stock)) == "WARNINGS: 1"
    assert lab.wait(lab.begin(101, ostemplate=stock, features="nesting=1")) == "OK"


def test_a_create_ends_well_although_the_start_it_was_asked_for_failed(lab: Lab) -> None:
    assert lab.wait(lab.begin(net0="name=eth0,bridge=vmbr77", start=1)) == "OK"
    started = lab.root.get("/nodes/pve1/tasks", vmid=100, typefilter="vzstart").data
    assert [row["status"] for row in started] == ["bridge 'vmbr77' does not exist"]
    assert lab.current(100)["status"] == "stopped"


def test_stopping_the_task_undoes_the_create(slow: Lab) -> None:
    upid = slow.begin(client=slow.limited, pool="winux")
    assert slow.limited.delete(f"/nodes/pve1/tasks/{upid}").data is None
    assert slow.wait(upid) == "unable to create CT 100 - received interrupt"
    assert slow.root.get("/cluster/nextid", vmid=100).status == 200


def test_nothing_is_created_without_quorum(lab: Lab) -> None:
    lab.door.set_quorum(quorate=False)
    assert lab.root.post("/nodes/pve1/lxc", **lab.spec()).refusal == (500, "cluster not ready - no quorum?")
    lab.door.set_quorum(quorate=True)
    lab.create()


def test_nextid_fills_the_lowest_hole_and_reserves_nothing(lab: Lab) -> None:
    assert [lab.limited.get("/cluster/nextid").data for _ in range(3)] == ["100", "100", "100"]
    lab.create(100)
    lab.create(102)
    assert lab.limited.get("/cluster/nextid").data == "101"


def test_the_lock_is_gone_a_moment_before_the_task_ends(slow: Lab) -> None:
    upid = slow.begin(hostname="desk")
    while "lock" in slow.config(100):
        slow.clock.advance(0.005)
    assert [row["upid"] for row in slow.root.get("/nodes/pve1/tasks", source="active").data] == [upid]
    assert slow.config(100)["hostname"] == "desk"
    assert slow.wait(upid) == "OK"


def test_quorum_that_is_lost_meanwhile_leaves_a_lock(slow: Lab) -> None:
    upid = slow.begin(pool="winux")
    slow.door.set_quorum(quorate=False)
    ended = slow.wait(upid)
    assert ended.startswith("unable to create CT 100 - unable to open file '/etc/pve/nodes/pve1/lxc/100.conf.tmp.")
    assert ended.endswith("' - Permission denied")
    slow.door.set_quorum(quorate=True)
    assert set(slow.config(100)) == {"lock", "digest"}
    assert slow.root.delete(slow.ct(100)).refusal == (500, "CT is locked (create)")

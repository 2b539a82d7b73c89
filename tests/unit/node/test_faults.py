"""Every fault as the client sees it: what it gets, and what was done all the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from controller.node.dispatch import PROXY_SECONDS
from controller.node.faults import Fault, FaultKind
from controller.node.handover import is_protected
from controller.node.locks import LockKind
from controller.node.routes import ROUTES
from controller.node.storage import GIB
from tests.unit.node.lab import Lab

API = Path(__file__).parents[4] / "shared" / "pve-api-subset.json"
MKFS = "command 'mkfs.ext4 -O mmp -E 'root_owner=100000:100000' /var/lib/vz/images/100/vm-100-disk-0.raw'"
USERS = "cfs-lock 'file-user_cfg' error: got lock request timeout"


@dataclass(frozen=True)
class Shown:
    """What a client sees of a create that a fault hits."""

    fault: dict[str, object]
    answer: str
    after: float
    """Seconds until the answer."""
    task: str | None
    """How the task ended; None: there is none that the client knows of."""
    taken: bool
    """Whether the VMID is taken in the end."""


SHOWN = {
    FaultKind.ERROR: Shown({"text": "no worker"}, "500 no worker", 0, None, False),
    FaultKind.TIMEOUT_DONE: Shown({}, "no answer", 60, None, True),
    FaultKind.TIMEOUT_LOST: Shown({}, "no answer", 60, None, False),
    FaultKind.RESET: Shown({"done": True}, "cut", 0, None, True),
    FaultKind.SLOW: Shown({"seconds": 7}, "200 OK", 7, "OK", True),
    FaultKind.SLOW_TASK: Shown({"seconds": 20}, "200 OK", 0, "OK", True),
    FaultKind.TASK_ERROR: Shown({"text": "bad disk"}, "200 OK", 0, "unable to create CT 100 - bad disk", False),
    FaultKind.WORKER_KILLED: Shown({}, "200 OK", 0, "unexpected status", True),
    FaultKind.STORAGE_FULL: Shown({}, "200 OK", 0, f"unable to create CT 100 - {MKFS} failed: exit code 1", False),
    FaultKind.SLOW_LOCK: Shown(
        {"seconds": 20},
        "500 unable to create CT 100 - can't lock file '/run/lock/lxc/pve-config-100.lock' - got timeout",
        5,
        None,
        False,
    ),
}


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_of_fault_as_seen_by_who_creates_a_container(lab: Lab, kind: FaultKind) -> None:
    shown = SHOWN[kind]
    lab.door.add_fault(Fault(kind=kind, operation="create", count=1, **shown.fault))  # type: ignore[arg-type]
    task = None
    try:
        reply = lab.root.post("/nodes/pve1/lxc", **lab.spec())
        answer = f"{reply.status} {reply.reason}"
        assert (answer, lab.clock.monotonic()) == (shown.answer, shown.after)
        task = lab.wait(reply.data) if reply.status == 200 else None
    except requests.ReadTimeout:
        answer = "no answer"
    except requests.ConnectionError:
        answer = "cut"
    assert (answer, task, is_taken(lab)) == (shown.answer, shown.task, shown.taken)
    if task is None:
        assert lab.clock.monotonic() == shown.after


def test_no_kind_is_left_out() -> None:
    assert set(SHOWN) == set(FaultKind)


def is_taken(lab: Lab, vmid: int = 100) -> bool:
    return lab.root.get("/cluster/nextid", vmid=vmid).status == 400


def test_an_error_does_nothing(lab: Lab) -> None:
    lab.door.add_fault(Fault(kind=FaultKind.ERROR, operation="create", status=500, text="got no worker upid"))
    answer = lab.root.post("/nodes/pve1/lxc", **lab.spec())
    assert answer.refusal == (500, "got no worker upid")
    assert answer.document["message"] == "got no worker upid\n"
    assert not is_taken(lab)


def test_an_error_of_the_proxy_has_no_body(lab: Lab) -> None:
    lab.door.add_fault(Fault(kind=FaultKind.ERROR, operation="list", status=595, text="Connection refused"))
    answer = lab.root.get("/nodes/pve1/lxc")
    assert (answer.status, answer.reason, answer.text) == (595, "Connection refused", "")


@pytest.mark.parametrize(("kind", "done"), [(FaultKind.TIMEOUT_DONE, True), (FaultKind.TIMEOUT_LOST, False)])
def test_an_answer_that_never_comes(lab: Lab, kind: FaultKind, done: bool) -> None:
    lab.door.add_fault(Fault(kind=kind, operation="create", count=1))
    hasty = lab.client(lab.node.description.token, timeout=15)
    before = lab.clock.monotonic()
    with pytest.raises(requests.ReadTimeout):
        hasty.post("/nodes/pve1/lxc", **lab.spec())
    assert lab.clock.monotonic() - before == 15
    assert is_taken(lab) is done


@pytest.mark.parametrize("done", [True, False])
def test_a_connection_that_is_cut(lab: Lab, done: bool) -> None:
    lab.door.add_fault(Fault(kind=FaultKind.RESET, operation="create", done=done, count=1))
    with pytest.raises(requests.ConnectionError):
        lab.root.post("/nodes/pve1/lxc", **lab.spec())
    assert is_taken(lab) is done


def test_a_slow_call(lab: Lab) -> None:
    lab.door.add_fault(Fault(kind=FaultKind.SLOW, operation="version", seconds=7))
    assert lab.root.get("/version").status == 200
    assert lab.clock.monotonic() == 7


def test_after_thirty_seconds_the_proxy_gives_up_and_the_work_goes_on(lab: Lab) -> None:
    lab.door.add_fault(Fault(kind=FaultKind.SLOW, operation="create", seconds=45))
    answer = lab.root.post("/nodes/pve1/lxc", **lab.spec())
    assert (answer.status, answer.reason, answer.text) == (596, "Connection timed out", "")
    assert lab.clock.monotonic() == PROXY_SECONDS
    assert not is_taken(lab)
    lab.clock.advance(15)
    assert is_taken(lab)


def test_a_task_that_fails_cleans_up(lab: Lab) -> None:
    lab.door.add_fault(Fault(kind=FaultKind.TASK_ERROR, operation="create", text="No space left on device"))
    assert lab.wait(lab.begin()) == "unable to create CT 100 - No space left on device"
    assert not is_taken(lab)


def test_a_killed_create_leaves_a_lock_that_no_token_removes(lab: Lab) -> None:
    lab.door.add_fault(Fault(kind=FaultKind.WORKER_KILLED, operation="create"))
    assert lab.wait(lab.begin(client=lab.limited, pool="winux")) == "unexpected status"
    assert lab.config(100)["lock"] == "create"
    assert lab.root.delete(lab.ct(100), force=1, purge=1).refusal == (500, "CT is locked (create)")
    assert lab.limited.get(lab.ct(100, "/config")).status == 403
    lab.door.unlock(100)
    assert lab.done(lab.root.delete(lab.ct(100))) == "OK"


def test_a_killed_clone_leaves_both_locks(lab: Lab) -> None:
    lab.door.add_fault(Fault(kind=FaultKind.WORKER_KILLED, operation="clone"))
    assert lab.done(lab.root.post(lab.ct(9000, "/clone"), newid=101)) == "unexpected status"
    assert (lab.config(9000)["lock"], lab.config(101)["lock"]) == ("disk", "create")


def test_a_killed_destroy_leaves_a_lock_that_no_token_removes(lab: Lab) -> None:
    lab.create()
    lab.door.add_fault(Fault(kind=FaultKind.WORKER_KILLED, operation="delete", count=1))
    assert lab.done(lab.root.delete(lab.ct(100))) == "unexpected status"
    assert lab.config(100)["lock"] == "destroyed"
    assert lab.root.delete(lab.ct(100), force=1, purge=1).refusal == (500, "CT is locked (destroyed)")


def test_a_destroy_that_fails_leaves_the_container_as_it_was(lab: Lab) -> None:
    before = lab.config(lab.create())
    lab.door.add_fault(Fault(kind=FaultKind.TASK_ERROR, operation="delete", text="volume is busy", count=1))
    assert lab.done(lab.root.delete(lab.ct(100))) == "volume is busy"
    assert lab.config(100) == before


def test_a_killed_worker_frees_the_lock_of_the_config_file(lab: Lab) -> None:
    lab.create()
    lab.door.add_fault(Fault(kind=FaultKind.WORKER_KILLED, operation="start", count=1))
    assert lab.done(lab.root.post(lab.ct(100, "/status/start"))) == "unexpected status"
    lab.start(100)


def test_a_slow_task_holds_the_config_meanwhile(lab: Lab) -> None:
    lab.create()
    lab.door.add_fault(Fault(kind=FaultKind.SLOW_TASK, operation="start", seconds=20))
    upid = lab.root.post(lab.ct(100, "/status/start")).data
    timeout = "can't lock file '/run/lock/lxc/pve-config-100.lock' - got timeout"
    assert lab.root.put(lab.ct(100, "/config"), onboot=1).refusal == (500, timeout)
    assert lab.wait(upid) == "OK"


@pytest.mark.parametrize(
    ("rule", "hits"),
    [
        ({}, [True] * 4),
        ({"count": 2}, [True, True, False, False]),
        ({"skip": 3}, [False, False, False, True]),
        ({"method": "POST"}, [False] * 4),
        ({"path": "^/ver"}, [True] * 4),
        ({"path": "lxc"}, [False] * 4),
        ({"operation": "nodes"}, [False] * 4),
        ({"token": "winux@pve!controller"}, [False] * 4),
        ({"probability": 0.0}, [False] * 4),
    ],
)
def test_which_calls_a_rule_hits(lab: Lab, rule: dict[str, object], hits: list[bool]) -> None:
    lab.door.add_fault(Fault(kind=FaultKind.ERROR, **rule))  # type: ignore[arg-type]
    assert [lab.root.get("/version").status == 500 for _ in range(4)] == hits


def test_a_rule_may_have_its_time(lab: Lab) -> None:
    lab.door.add_fault(Fault(kind=FaultKind.ERROR, operation="version", after=10, lasting=5))
    seen = []
    for _ in range(4):
        seen.append(lab.root.get("/version").status)
        lab.clock.advance(5)
    assert seen == [200, 200, 500, 200]


def test_dice_fall_alike_for_one_seed() -> None:
    def history(seed: int) -> list[int]:
        lab = Lab(seed=seed)
        lab.door.add_fault(Fault(kind=FaultKind.ERROR, probability=0.5))
        return [lab.root.get("/version").status for _ in range(30)]

    assert history(1) == history(1)
    assert history(1) != history(2)
    assert {200, 500} == set(history(1))


def test_rules_are_removed_one_by_one_or_all(lab: Lab) -> None:
    first = lab.door.add_fault(Fault(kind=FaultKind.ERROR, operation="version", status=501, text="one"))
    lab.door.add_fault(Fault(kind=FaultKind.ERROR, operation="version", text="two"))
    assert lab.root.get("/version").reason == "one"
    lab.door.remove_faults(first)
    assert lab.root.get("/version").reason == "two"
    lab.door.remove_faults()
    assert lab.root.get("/version").status == 200


# a storage without room


def rows(lab: Lab) -> tuple[int, int]:
    """What is free on ``local``, as the node says it and as the cluster does."""
    (live,) = lab.root.get("/nodes/pve1/storage", storage="local").data
    told = next(row for row in lab.root.get("/cluster/resources", type="storage").data if row["storage"] == "local")
    return live["avail"], told["maxdisk"] - told["disk"]


def test_a_full_storage_shows_itself_fails_creates_and_recovers(lab: Lab) -> None:
    lab.door.fill_storage("local")
    assert rows(lab) == (0, 0)
    upid = lab.begin(pool="winux", net0="name=eth0,bridge=vmbr0")
    assert lab.wait(upid) == f"unable to create CT 100 - {MKFS} failed: exit code 1"
    assert "No space left on device" in lab.log(upid)[0]
    assert not is_taken(lab)
    lab.door.fill_storage("local", free=None)
    lab.create()


def test_what_does_not_fit_fails_while_it_is_unpacked(lab: Lab) -> None:
    lab.door.fill_storage("local", free=100 << 20)
    upid = lab.begin()
    status = lab.wait(upid)
    assert status.startswith("unable to create CT 100 - command 'lxc-usernsexec ")
    assert status.endswith("failed: exit code 2")
    assert "tar: ./usr/lib: Cannot write: No space left on device" in lab.log(upid)
    assert not is_taken(lab)


def test_a_storage_that_is_too_small_takes_a_few_and_a_destroy_makes_room(lab: Lab) -> None:
    lab.door.set_capacity("local", lab.node.cluster.used(lab.node.cluster.storages["local"], "pve1") + (700 << 20))
    endings = [lab.wait(lab.begin(vmid))[:6] for vmid in (100, 101, 102)]
    assert endings == ["OK", "OK", "unable"]
    assert lab.done(lab.root.delete(lab.ct(100))) == "OK"
    lab.create(102)


def test_other_nodes_have_their_own_local_storage_and_share_the_shared_one(three: Lab) -> None:
    three.door.fill_storage("local", node="pve1")
    three.door.fill_storage("shared", node="pve1", free=GIB)
    free = {
        (row["node"], row["storage"]): (row["maxdisk"] - row["disk"]) // GIB
        for row in three.root.get("/cluster/resources", type="storage").data
    }
    assert (free["pve1", "local"], free["pve2", "local"] > 900) == (0, True)
    assert (free["pve1", "shared"], free["pve2", "shared"]) == (1, 1)


def test_clones_on_a_full_storage_fail_and_leave_no_lock(lab: Lab) -> None:
    lab.door.fill_storage("local-zfs")
    linked = lab.done(lab.root.post(lab.ct(9000, "/clone"), newid=101))
    assert linked == "clone failed: zfs error: cannot create 'rpool/data/subvol-101-disk-0': out of space"
    lab.door.fill_storage("local-zfs", free=100 << 20)
    assert lab.done(lab.root.post(lab.ct(9000, "/clone"), newid=101)) == "OK"
    lab.door.fill_storage("local-zfs", free=100 << 20)
    full = lab.done(lab.root.post(lab.ct(9000, "/clone"), newid=102, full=1))
    assert (full[:29], full[-12:]) == ("clone failed: command 'rsync ", "exit code 11")
    assert "lock" not in lab.config(9000)
    assert not is_taken(lab, 102)


@pytest.mark.parametrize("by_rule", [True, False])
def test_a_disk_that_grows_on_a_full_storage_only_says_so_in_the_log(lab: Lab, by_rule: bool) -> None:
    lab.create()
    if by_rule:
        lab.door.add_fault(Fault(kind=FaultKind.STORAGE_FULL, operation="resize"))
    else:
        lab.door.fill_storage("local")
    upid = lab.root.put(lab.ct(100, "/resize"), disk="rootfs", size="+2G").data
    assert lab.wait(upid) == "OK"
    assert any(line.startswith("Failed to update the container's filesystem: ") for line in lab.log(upid))
    assert lab.config(100)["rootfs"].endswith("size=3G")


def test_what_makes_no_disk_does_not_notice_a_full_storage(lab: Lab) -> None:
    lab.create()
    lab.door.add_fault(Fault(kind=FaultKind.STORAGE_FULL))
    lab.start(100)


# locks that somebody else holds


@pytest.mark.parametrize(
    ("method", "tail", "operation"),
    [("PUT", "/config", "update"), ("POST", "/clone", "clone")],
)
def test_a_call_waits_ten_seconds_for_the_config(lab: Lab, method: str, tail: str, operation: str) -> None:
    lab.create()
    lab.door.add_fault(Fault(kind=FaultKind.SLOW_LOCK, operation=operation, seconds=60))
    data = {"onboot": 1} if method == "PUT" else {"newid": 101, "full": 1}
    refused = lab.root.call(method, lab.ct(100, tail), data=data)
    assert refused.refusal == (500, "can't lock file '/run/lock/lxc/pve-config-100.lock' - got timeout")
    assert lab.clock.monotonic() == 10


@pytest.mark.parametrize("tail", ["/status/stop", "/status/shutdown"])
def test_a_task_waits_ten_seconds_for_the_config(lab: Lab, tail: str) -> None:
    lab.create(start=1)
    lab.door.hold_config(100, seconds=60)
    upid = lab.root.post(lab.ct(100, tail)).data
    assert lab.wait(upid) == "can't lock file '/run/lock/lxc/pve-config-100.lock' - got timeout"


def test_a_lock_that_is_let_go_in_time_only_costs_time(lab: Lab) -> None:
    lab.create()
    lab.door.add_fault(Fault(kind=FaultKind.SLOW_LOCK, operation="update", seconds=8, count=1))
    assert lab.root.put(lab.ct(100, "/config"), onboot=1).status == 200
    assert lab.clock.monotonic() == 8


def test_a_destroy_that_cannot_change_the_rights_leaves_a_zombie_that_no_token_removes(lab: Lab) -> None:
    lab.create(pool="winux")
    lab.door.add_fault(Fault(kind=FaultKind.SLOW_LOCK, operation="delete", lock=LockKind.USERS, seconds=60, count=1))
    assert lab.done(lab.root.delete(lab.ct(100))) == f"access permissions cleanup for VM 100 failed: {USERS}"
    assert lab.root.delete(lab.ct(100), force=1, purge=1).refusal == (500, "CT is locked (destroyed)")
    assert lab.limited.get(lab.ct(100, "/config")).data["lock"] == "destroyed"
    assert (lab.row(100) or {})["lock"] == "destroyed"


def test_a_create_that_cannot_change_the_pool_leaves_a_whole_container_without_it(lab: Lab) -> None:
    lab.door.add_fault(Fault(kind=FaultKind.SLOW_LOCK, operation="create", lock=LockKind.USERS, seconds=60, count=1))
    upid = lab.begin(pool="winux", start=1)
    assert lab.wait(upid) == f"can't add VM 100 to pool 'winux': {USERS}"
    assert "lock" not in lab.config(100)
    assert lab.current(100)["status"] == "stopped"
    assert "pool" not in (lab.row(100) or {})


def test_a_clone_that_cannot_change_the_pool_cleans_up(lab: Lab) -> None:
    lab.door.hold_users(seconds=60)
    ended = lab.done(lab.root.post(lab.ct(9000, "/clone"), newid=101, pool="winux"))
    assert ended == f"clone failed: can't add VM 101 to pool 'winux': {USERS}"
    assert ("lock" in lab.config(9000), is_taken(lab, 101)) == (False, False)


@pytest.mark.parametrize(
    ("storage", "text"),
    [
        ("local", "can't lock file '/var/lock/pve-manager/pve-storage-local' - got timeout"),
        ("shared", "cfs-lock 'storage-shared' error: got lock request timeout"),
    ],
)
def test_a_held_storage_fails_creates_and_destroys(three: Lab, storage: str, text: str) -> None:
    before = three.config(three.create(rootfs=f"{storage}:1", start=1))
    three.door.hold_storage(storage, node="pve1", seconds=40)
    assert three.wait(three.begin(101, rootfs=f"{storage}:1")) == f"unable to create CT 101 - {text}"
    assert three.done(three.root.delete(three.ct(100), force=1)) == text
    assert (three.config(100), three.current(100)["status"]) == (before, "stopped")
    three.clock.advance(40)
    three.create(101, rootfs=f"{storage}:1")


def test_somebody_who_holds_a_lock_waits_his_turn_for_it(lab: Lab) -> None:
    lab.create()
    lab.door.hold_config(100, seconds=4)
    let_go = lab.door.hold_config(100)
    assert lab.root.put(lab.ct(100, "/config"), onboot=1).status == 500
    let_go()
    assert lab.root.put(lab.ct(100, "/config"), onboot=1).status == 200


# pvedaemon


@pytest.mark.skipif(not API.exists(), reason="the description of Proxmox's API is not there")
def test_the_calls_that_pvedaemon_answers_are_those_that_proxmox_marks_as_protected() -> None:
    endpoints = json.loads(API.read_text(encoding="utf-8"))["endpoints"]
    described = {
        (method, path): call["protected"]
        for path, methods in endpoints.items()
        for method, call in methods.items()
        if (method, path) in ROUTES
    }
    ours = {key: is_protected(ROUTES[key].name, key[0]) for key in described}
    assert len(described) > 50
    assert ours == described

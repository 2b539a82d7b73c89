"""The administrator behind the controller's back, and the counts of what a client did."""

from __future__ import annotations

import json

import pytest

from controller.node.faults import Fault, FaultKind
from controller.node.sidedoor_http import SideDoorHttp
from controller.node.wire import Request
from tests.unit.node.lab import Lab


def test_a_container_that_dies_is_stopped_and_its_desktop_silent(lab: Lab) -> None:
    lab.create(net0="name=eth0,bridge=vmbr0,ip=dhcp", start=1)
    assert lab.node.guest_answers("127.100.0.1", 3389)
    lab.door.stop(100)
    assert lab.current(100)["status"] == "stopped"
    assert not lab.node.guest_answers("127.100.0.1", 3389)


def test_a_container_destroyed_by_hand_is_gone(lab: Lab) -> None:
    lab.create(pool="winux", start=1)
    lab.door.destroy(100)
    assert lab.row(100) is None
    assert lab.root.get("/pools", poolid="winux").data[0]["members"] == []


def test_a_config_edited_by_hand_has_another_digest(lab: Lab) -> None:
    digest = lab.config(lab.create(onboot=1))["digest"]
    lab.door.set(100, {"cores": "8", "onboot": None})
    config = lab.config(100)
    assert (config["cores"], "onboot" in config) == (8, False)
    assert config["digest"] != digest


def test_desktops_fall_silent_one_by_one_or_all(lab: Lab) -> None:
    for vmid in (100, 101):
        lab.create(vmid, net0=f"name=eth0,bridge=vmbr0,ip=10.0.0.{vmid}/24", start=1)

    def answers() -> list[bool]:
        return [lab.node.guest_answers(f"10.0.0.{vmid}", 3389) for vmid in (100, 101)]

    assert answers() == [True, True]
    lab.door.silence_rdp(silent=True, vmid=100)
    assert answers() == [False, True]
    lab.door.silence_rdp(silent=True)
    assert answers() == [False, False]
    lab.door.silence_rdp(silent=False)
    assert answers() == [True, True]


def test_a_migrated_container_is_unknown_where_it_was(three: Lab) -> None:
    three.create(start=1)
    three.door.migrate(100, "pve2")
    gone = "Configuration file 'nodes/pve1/lxc/100.conf' does not exist"
    assert three.root.get(three.ct(100, "/config")).refusal == (500, gone)
    assert three.root.get("/nodes/pve2/lxc/100/status/current").data["status"] == "running"
    assert (three.row(100) or {})["node"] == "pve2"


def test_a_node_that_is_down_is_not_reached_and_its_last_status_lasts_five_minutes(three: Lab) -> None:
    three.door.add(200, {"hostname": "there"}, node="pve2", running=True)
    three.refresh()
    three.door.set_online("pve2", online=False)
    answer = three.root.get("/nodes/pve2/lxc")
    assert (answer.status, answer.reason, answer.text) == (595, "No route to host", "")
    assert (three.row(200) or {})["status"] == "running"
    nodes = {row["node"]: row["status"] for row in three.root.get("/nodes").data}
    assert nodes == {"pve1": "online", "pve2": "offline", "pve3": "online"}
    three.clock.advance(300)
    assert (three.row(200) or {})["status"] == "unknown"
    three.door.set_online("pve2", online=True)
    three.refresh()
    assert (three.row(200) or {})["status"] == "stopped"


def test_tasks_of_a_node_that_goes_down_are_killed() -> None:
    slow = Lab(profile="real", nodes=("pve1", "pve2"))
    upid = slow.root.post("/nodes/pve2/lxc", **slow.spec()).data
    slow.door.set_online("pve2", online=False)
    slow.door.set_online("pve2", online=True)
    assert slow.status(upid).data["exitstatus"] == "unexpected status"
    assert slow.root.get("/nodes/pve2/lxc/100/config").data["lock"] == "create"


def test_a_container_that_was_starting_when_its_node_went_down_does_not_run() -> None:
    slow = Lab(profile="real", nodes=("pve1", "pve2"))
    slow.door.add(200, {"hostname": "there"}, node="pve2")
    slow.root.post("/nodes/pve2/lxc/200/status/start")
    slow.door.set_online("pve2", online=False)
    slow.clock.advance(30)
    slow.door.set_online("pve2", online=True)
    assert slow.root.get("/nodes/pve2/lxc/200/status/current").data["status"] == "stopped"


def test_each_node_has_its_own_template_and_local_disks_do_not_travel(three: Lab) -> None:
    assert three.node.description.templates == (9000, 9001, 9002)
    assert three.done(three.root.post("/nodes/pve2/lxc/9001/clone", newid=101)) == "OK"
    refused = three.root.post(three.ct(9000, "/clone"), newid=102, target="pve2")
    text = "can't clone CT to node 'pve2' (CT uses local storage)"
    assert refused.refusal == (500, text)


def test_the_cluster_tells_quorum_and_nodes(three: Lab) -> None:
    three.door.set_quorum(quorate=False)
    head, *nodes = three.root.get("/cluster/status").data
    assert (head["type"], head["quorate"], head["nodes"]) == ("cluster", 0, 3)
    assert [(row["name"], row["local"]) for row in nodes] == [("pve1", 1), ("pve2", 0), ("pve3", 0)]


def test_what_a_client_did_is_counted(slow: Lab) -> None:
    upids = [slow.begin(vmid, client=slow.limited, pool="winux") for vmid in (100, 101, 102)]
    for upid in upids:
        slow.wait(upid)
    stats = slow.door.stats()
    assert stats["calls"]["create"] == 3  # type: ignore[index]
    assert stats["max_tasks"] == {"winux@pve!controller": 3}
    assert stats["max_guests"] == {"winux@pve!controller": 3}
    assert [row["operation"] for row in stats["writes"]] == ["create"] * 3  # type: ignore[attr-defined]
    slow.door.forget_stats()
    assert slow.door.stats()["calls"] == {}


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("GET", "/nodes/pve1/lxc", {}),
        ("GET", "/nodes/pve1/lxc/100/status/current", {}),
        ("POST", "/nodes/pve1/lxc/100/status/start", {}),
        ("PUT", "/nodes/pve1/lxc/100/config", {"onboot": 1}),
        ("PUT", "/pools", {"poolid": "winux", "comment": "x"}),
    ],
)
def test_without_pvedaemon_protected_calls_are_refused_by_the_proxy(
    lab: Lab, method: str, path: str, data: dict[str, object]
) -> None:
    lab.create()
    lab.door.set_service("pve1", "pvedaemon", running=False)
    refused = lab.root.call(method, path, data=data)
    assert (refused.status, refused.reason, refused.text) == (595, "Connection refused", "")
    lab.door.set_service("pve1", "pvedaemon", running=True)
    assert lab.root.call(method, path, data=data).status == 200


@pytest.mark.parametrize("path", ["/version", "/cluster/resources", "/cluster/nextid", "/nodes/pve1/lxc/100/config"])
def test_without_pvedaemon_the_proxy_still_answers_what_it_answers_itself(lab: Lab, path: str) -> None:
    lab.create()
    lab.door.set_service("pve1", "pvedaemon", running=False)
    assert lab.root.get(path).status == 200


def test_without_pvedaemon_tasks_go_on_and_other_nodes_answer() -> None:
    slow = Lab(profile="real", nodes=("pve1", "pve2"))
    slow.begin()
    slow.door.set_service("pve1", "pvedaemon", running=False)
    slow.clock.advance(10)
    assert [row["status"] for row in slow.root.get("/nodes/pve1/tasks").data] == ["OK"]
    assert slow.root.get("/nodes/pve2/lxc").status == 200


def test_without_pvestatd_what_is_told_stays_and_is_unknown_after_five_minutes(lab: Lab) -> None:
    lab.create(hostname="old")
    lab.refresh()
    lab.door.set_service("pve1", "pvestatd", running=False)
    lab.start(100)
    lab.create(101, hostname="new")
    lab.clock.advance(290)
    lab.node.settle()
    row, newborn = lab.row(100) or {}, lab.row(101) or {}
    assert (row["status"], row["name"], newborn["status"], "name" in newborn) == ("stopped", "old", "unknown", False)
    assert lab.current(100)["status"] == "running"
    lab.clock.advance(10)
    lab.node.settle()
    row = lab.row(100) or {}
    assert (row["status"], "name" in row) == ("unknown", False)
    others = [row for row in lab.root.get("/cluster/resources").data if row["type"] in ("node", "storage")]
    assert [(row["status"], "maxdisk" in row) for row in others] == [("unknown", False)] * len(others)
    lab.door.set_service("pve1", "pvestatd", running=True)
    lab.refresh()
    assert [(lab.row(vmid) or {})["status"] for vmid in (100, 101)] == ["running", "stopped"]


def test_tasks_that_were_pruned_are_not_known_any_more_and_those_that_run_are(lab: Lab) -> None:
    old = lab.begin()
    lab.wait(old)
    lab.door.add_fault(Fault(kind=FaultKind.SLOW_TASK, operation="start", seconds=60))
    running = lab.root.post(lab.ct(100, "/status/start")).data
    lab.door.prune_tasks()
    gone = lab.status(old)
    assert (gone.status, gone.document["errors"]) == (400, {"upid": "no such task"})
    assert lab.root.get("/nodes/pve1/tasks").data == []
    assert lab.log(old) == ["unable to open file - No such file or directory"]
    assert lab.wait(running) == "OK"


def test_all_workers_of_a_node_are_killed_at_once(three: Lab) -> None:
    three.door.add_fault(Fault(kind=FaultKind.SLOW_TASK, operation="create", seconds=60))
    upids = [three.begin(vmid) for vmid in (100, 101)]
    elsewhere = three.root.post("/nodes/pve2/lxc", **three.spec(102)).data
    three.door.kill_tasks(node="pve1")
    assert [three.wait(upid) for upid in upids] == ["unexpected status"] * 2
    assert three.wait(elsewhere) == "OK"


# over HTTP


def knock(
    lab: Lab, method: str, path: str, body: object = None, *, token: str | None = None
) -> tuple[int, str, object]:
    data = json.dumps(body).encode() if body is not None else b""
    headers = {"authorization": f"PVEAPIToken={token or lab.node.description.token}"}
    request = Request(method=method, path=path, headers=headers, body=data, content_length=len(data))
    reply = SideDoorHttp(lab.node.dispatcher).answer(request)
    return reply.status, reply.reason, json.loads(reply.body or b"{}").get("data")


def test_the_door_is_shut_to_all_but_full_rights(lab: Lab) -> None:
    status, reason, _ = knock(lab, "GET", "/winux/stats", token=lab.node.description.pool_token)
    assert (status, reason) == (403, "side door: only a token with all rights may use it")
    assert knock(lab, "GET", "/winux/stats", token="garbage")[0] == 401


@pytest.mark.parametrize(
    ("action", "running", "lock"),
    [
        ({"action": "stop"}, False, None),
        ({"action": "lock", "lock": "backup"}, True, "backup"),
        ({"action": "set", "options": {"cores": 3, "onboot": None}}, True, None),
        ({"action": "pool", "pool": "winux"}, True, None),
    ],
)
def test_actions_on_a_container(lab: Lab, action: dict[str, object], running: bool, lock: str | None) -> None:
    lab.create(start=1)
    assert knock(lab, "POST", "/winux/containers/100", action) == (200, "OK", None)
    _, _, containers = knock(lab, "GET", "/winux/containers")
    row = containers["100"]  # type: ignore[index]
    assert (row["running"], row["config"].get("lock")) == (running, lock)


def test_faults_come_and_go(lab: Lab) -> None:
    fault = {"kind": "error", "operation": "version", "status": 500, "text": "no"}
    assert knock(lab, "POST", "/winux/faults", fault) == (200, "OK", 1)
    assert lab.root.get("/version").reason == "no"
    assert knock(lab, "GET", "/winux/faults")[2][0]["operation"] == "version"  # type: ignore[index]
    assert knock(lab, "DELETE", "/winux/faults/1")[0] == 200
    assert lab.root.get("/version").status == 200


def test_quorum_nodes_users_roles_and_desktops(three: Lab) -> None:
    assert knock(three, "POST", "/winux/quorum", {"quorate": False})[0] == 200
    assert not three.node.cluster.quorate
    assert knock(three, "POST", "/winux/nodes/pve3", {"online": False})[0] == 200
    assert three.root.get("/nodes/pve3/lxc").status == 595
    assert knock(three, "POST", "/winux/nodes/pve2", {"pvedaemon": False, "pvestatd": False})[0] == 200
    assert three.root.get("/nodes/pve2/lxc").reason == "Connection refused"
    assert not three.node.cluster.nodes["pve2"].tells
    assert knock(three, "POST", "/winux/rdp", {"answer": False})[0] == 200
    assert knock(three, "POST", "/winux/roles/WinuxController", {"privileges": []})[0] == 200
    assert "/pool/winux" not in three.limited.get("/access/permissions").data
    assert knock(three, "POST", "/winux/users/winux@pve", {"enabled": False})[0] == 200
    assert three.limited.get("/version").status == 401


def test_storages_locks_and_tasks(lab: Lab) -> None:
    upid = lab.begin()
    assert knock(lab, "POST", "/winux/storages/local", {"free": 5 << 30, "total": 50 << 30})[0] == 200
    (row,) = lab.root.get("/nodes/pve1/storage", storage="local").data
    assert (row["total"], row["avail"]) == (50 << 30, 5 << 30)
    assert knock(lab, "POST", "/winux/storages/local", {"free": None})[0] == 200
    assert lab.root.get("/nodes/pve1/storage", storage="local").data[0]["avail"] > 40 << 30
    locks: list[dict[str, object]] = [{"lock": "config", "vmid": 100}, {"lock": "user.cfg"}, {"lock": "storage"}]
    for lock in locks:
        more = {"storage": "local"} if lock["lock"] == "storage" else {}
        assert knock(lab, "POST", "/winux/locks", lock | more | {"seconds": 60})[0] == 200
    assert lab.root.put(lab.ct(100, "/config"), onboot=1).reason.startswith("can't lock file '/run/lock/lxc/")
    assert lab.root.put("/pools", poolid="winux", comment="x").reason.startswith("update pools failed: cfs-lock ")
    assert "pve-storage-local" in lab.wait(lab.begin(101))
    assert knock(lab, "DELETE", "/winux/tasks/pve1")[0] == 200
    assert lab.status(upid).status == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("GET", "/winux/nothing", None, (404, "side door: there is no GET /winux/nothing")),
        ("POST", "/winux/containers/777", {"action": "stop"}, (404, "side door: there is no guest 777")),
        ("POST", "/winux/quorum", {}, (400, "side door: quorate: Field required")),
        ("POST", "/winux/containers/x", {"action": "stop"}, (404, "side door: 'x' is no number")),
        ("POST", "/winux/nodes/pve9", {"online": False}, (404, "side door: there is no node 'pve9'; there are: pve1")),
        ("POST", "/winux/tasks/x", {}, (404, "side door: there is no task x")),
        (
            "POST",
            "/winux/storages/x",
            {"free": 0},
            (404, "side door: there is no storage 'x'; there are: local, local-zfs"),
        ),
        ("POST", "/winux/locks", {"lock": "config", "seconds": 1}, (404, "side door: a lock 'config' needs a vmid")),
        (
            "POST",
            "/winux/locks",
            {"lock": "storage", "seconds": 1},
            (404, "side door: a lock 'storage' needs a storage"),
        ),
        (
            "POST",
            "/winux/faults",
            {"kind": "error", "path": "["},
            (
                400,
                "side door: path: Value error, that is no regular expression: unterminated character set at position 0",
            ),
        ),
        ("POST", "/winux/quorum", {"quorate": True, "x": 1}, (400, "side door: x: Extra inputs are not permitted")),
    ],
)
def test_a_knock_that_makes_no_sense_is_answered_in_a_sentence(
    lab: Lab, method: str, path: str, body: object, refusal: tuple[int, str]
) -> None:
    assert knock(lab, method, path, body)[:2] == refusal

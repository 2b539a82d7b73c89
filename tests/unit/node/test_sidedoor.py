"""The administrator behind the controller's back, and the counts of what a client did."""

from __future__ import annotations

import json

import pytest

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


def test_each_node_has_its_own_template_and_local_disks_do_not_travel(three: Lab) -> None:
    assert three.node.description.templates == (9000, 9001, 9002)
    assert three.done(three.root.post("/nodes/pve2/lxc/9001/clone", newid=101)) == "OK"
    refused = three.root.post(three.ct(9000, "/clone"), newid=102, target="pve2")
    text = "Can't clone container to another node, because storage 'local-zfs' is local"
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
    assert knock(three, "POST", "/winux/rdp", {"answer": False})[0] == 200
    assert knock(three, "POST", "/winux/roles/WinuxController", {"privileges": []})[0] == 200
    assert "/pool/winux" not in three.limited.get("/access/permissions").data
    assert knock(three, "POST", "/winux/users/winux@pve", {"enabled": False})[0] == 200
    assert three.limited.get("/version").status == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("GET", "/winux/nothing", None, (404, "side door: there is no GET /winux/nothing")),
        ("POST", "/winux/containers/777", {"action": "stop"}, (404, "side door: there is no guest 777")),
        ("POST", "/winux/quorum", {}, (400, "side door: quorate: Field required")),
        ("POST", "/winux/quorum", {"quorate": True, "x": 1}, (400, "side door: x: Extra inputs are not permitted")),
    ],
)
def test_a_knock_that_makes_no_sense_is_answered_in_a_sentence(
    lab: Lab, method: str, path: str, body: object, refusal: tuple[int, str]
) -> None:
    assert knock(lab, method, path, body)[:2] == refusal

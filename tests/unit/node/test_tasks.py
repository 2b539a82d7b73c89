"""Tasks: UPIDs, lists, statuses and logs."""

from __future__ import annotations

import pytest

from controller.node.tasks import KEPT
from tests.unit.node.lab import Lab

UNKNOWN = "UPID:pve1:00000001:00000001:00000001:vzcreate:100:root@pam:"


def test_a_upid_tells_node_numbers_type_id_and_the_whole_token(lab: Lab) -> None:
    parts = lab.begin().split(":")
    assert (parts[0], parts[1], parts[5:]) == ("UPID", "pve1", ["vzcreate", "100", "root@pam!winux", ""])
    assert [len(part) for part in parts[2:5]] == [8, 8, 8]
    assert int(parts[4], 16) == int(lab.clock.now())


def test_a_task_runs_and_then_is_stopped_with_an_exit_status(slow: Lab) -> None:
    upid = slow.begin()
    running = slow.status(upid).data
    assert (running["status"], running["user"], running["tokenid"]) == ("running", "root@pam", "winux")
    assert "exitstatus" not in running
    slow.wait(upid)
    stopped = slow.status(upid).data
    assert (stopped["status"], stopped["exitstatus"]) == ("stopped", "OK")


def test_the_active_list_shows_what_runs_and_only_that(slow: Lab) -> None:
    upid = slow.begin()
    row = slow.root.get("/nodes/pve1/tasks", source="active").data[0]
    assert (row["upid"], row["user"], row["status"], row["saved"]) == (upid, "root@pam!winux", "RUNNING", "0")
    assert not {"endtime", "tokenid"} & set(row)
    slow.wait(upid)
    assert slow.root.get("/nodes/pve1/tasks", source="active").data == []


def test_the_archive_shows_what_ended(lab: Lab) -> None:
    upid = lab.begin()
    answer = lab.root.get("/nodes/pve1/tasks", vmid=100)
    row = answer.data[0]
    assert (row["upid"], row["status"], row["user"], row["tokenid"]) == (upid, "OK", "root@pam", "winux")
    assert row["endtime"] >= row["starttime"]
    assert answer.document["total"] == 1


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({}, ["102", "101", "101", "100"]),
        ({"limit": 2}, ["102", "101"]),
        ({"start": 3}, ["100"]),
        ({"vmid": 101}, ["101", "101"]),
        ({"vmid": 101, "typefilter": "vzstart"}, ["101"]),
        ({"errors": 1}, ["102"]),
        ({"statusfilter": "ok,warning"}, ["101", "101", "100"]),
        ({"limit": 0}, []),
        ({"statusfilter": "unknown"}, []),
        ({"errors": 1, "statusfilter": "ok"}, ["102"]),
        ({"userfilter": "ROOT"}, ["102", "101", "101", "100"]),
        ({"userfilter": "winux"}, []),
        ({"userfilter": "nobody"}, []),
        ({"until": 1}, []),
        ({"source": "active"}, []),
    ],
)
def test_filters_of_the_list(lab: Lab, params: dict[str, object], ids: list[str]) -> None:
    lab.create(100)
    lab.create(101, start=1)
    lab.wait(lab.begin(102, ostemplate="local:vztmpl/missing.tar.zst"))
    assert [row["id"] for row in lab.root.get("/nodes/pve1/tasks", **params).data] == ids


def test_the_log_counts_its_lines_and_ends_with_the_outcome(lab: Lab) -> None:
    upid = lab.begin()
    rows = lab.root.get(f"/nodes/pve1/tasks/{upid}/log")
    assert [row["n"] for row in rows.data] == list(range(1, len(rows.data) + 1))
    assert rows.document["total"] == len(rows.data)
    assert rows.data[-1]["t"] == "TASK OK"
    failed = lab.begin(101, ostemplate="local:vztmpl/missing.tar.zst")
    assert lab.log(failed)[-1].startswith("TASK ERROR: unable to create CT 101 - ")


@pytest.mark.parametrize(("upid", "text"), [(UNKNOWN, "no such task"), ("garbage", "unable to parse worker upid")])
def test_a_status_of_no_task(lab: Lab, upid: str, text: str) -> None:
    assert lab.root.get(f"/nodes/pve1/tasks/{upid}/status").document["errors"] == {"upid": text}


def test_the_log_of_an_unknown_task_is_a_line_that_says_so(lab: Lab) -> None:
    rows = lab.root.get(f"/nodes/pve1/tasks/{UNKNOWN}/log").data
    assert rows == [{"n": 1, "t": "unable to open file - No such file or directory"}]


def test_the_cluster_shows_its_tasks_to_auditors_only(lab: Lab) -> None:
    upid = lab.begin(client=lab.limited, pool="winux")
    assert [row["upid"] for row in lab.root.get("/cluster/tasks").data] == [upid]
    assert lab.limited.get("/cluster/tasks").data == []


def test_old_tasks_are_forgotten(lab: Lab) -> None:
    lab.create()
    first = lab.begin(101)
    for _ in range(KEPT):
        lab.root.post(lab.ct(777, "/status/start"))
    assert lab.status(first).document["errors"] == {"upid": "no such task"}


def test_what_runs_has_an_unknown_outcome_and_is_no_success(slow: Lab) -> None:
    upid = slow.begin()
    for params, shown in (({"errors": 1}, 1), ({"statusfilter": "unknown"}, 1), ({"statusfilter": "error"}, 0)):
        assert len(slow.root.get("/nodes/pve1/tasks", source="active", **params).data) == shown, params
    assert slow.root.get("/nodes/pve1/tasks", source="active", userfilter="winux").data[0]["upid"] == upid


@pytest.mark.parametrize(("params", "count"), [({}, 50), ({"limit": 0}, 60), ({"limit": 3}, 3), ({"start": 55}, 5)])
def test_a_log_is_cut_at_fifty_lines_unless_all_are_asked_for(lab: Lab, params: dict[str, int], count: int) -> None:
    upid = lab.begin()
    lab.wait(upid)
    lab.node.cluster.tasks.all[upid].log = [f"line {n}" for n in range(1, 61)]
    answer = lab.root.get(f"/nodes/pve1/tasks/{upid}/log", **params)
    assert (len(answer.data), answer.document["total"]) == (count, 60)


def test_a_list_with_the_limit_zero_only_counts(lab: Lab) -> None:
    lab.create()
    answer = lab.root.get("/nodes/pve1/tasks", limit=0)
    assert (answer.data, answer.document["total"]) == ([], 1)


def test_the_cluster_tells_of_what_runs_and_of_the_last_twenty_five(slow: Lab) -> None:
    for _ in range(30):
        slow.root.post(slow.ct(777, "/status/start"))
    slow.clock.advance(1)
    running = slow.begin()
    rows = slow.root.get("/cluster/tasks").data
    assert (len(rows), rows[0]["upid"]) == (26, running)


def test_another_kind_of_upid_is_stopped_by_its_owner_only(slow: Lab) -> None:
    upid = slow.begin()
    refused = slow.limited.delete(f"/nodes/pve1/tasks/{upid}")
    assert refused.refusal == (403, "Permission check failed (/nodes/pve1, Sys.Modify)")
    assert slow.wait(upid) == "OK"

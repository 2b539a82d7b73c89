"""Every fault as the client sees it: what it gets, and what was done all the same."""

from __future__ import annotations

import pytest
import requests

from controller.node.dispatch import PROXY_SECONDS
from controller.node.faults import Fault, FaultKind
from tests.unit.node.lab import Lab


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

"""Scripts of faults: what every act looks like to the client, when it begins and ends, and how bad ones fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from controller.node.acts import ACTS
from controller.node.config import NodeConfig
from controller.node.faults import Fault, FaultKind
from controller.node.programme import Phase
from controller.node.script import ScriptError, load, parse, play
from controller.node.server import NodeServer
from controller.node.sidedoor_http import SideDoorHttp
from controller.node.steps import LastingStep
from controller.node.wire import Request
from tests.unit.node.lab import Lab

EXAMPLE = Path(__file__).parents[3] / "deploy" / "faults.yaml"
CONFIG_TIMEOUT = "can't lock file '/run/lock/lxc/pve-config-100.lock' - got timeout"
STORAGE_TIMEOUT = "clone failed: can't lock file '/var/lock/pve-manager/pve-storage-local-zfs' - got timeout"
USERS_TIMEOUT = "update pools failed: cfs-lock 'file-user_cfg' error: got lock request timeout"


class Stage(Lab):
    """Three nodes with alice, who runs; bob, who does not; carol, who is locked; and dave, who is starting for long."""

    def __init__(self) -> None:
        super().__init__(nodes=("pve1", "pve2", "pve3"))
        self.alice = self.begin(
            100, hostname="alice", pool="winux", net0="name=eth0,bridge=vmbr0,ip=10.0.0.1/24", start=1
        )
        for vmid, hostname in ((101, "bob"), (102, "carol"), (103, "dave")):
            self.create(vmid, hostname=hostname)
        self.door.lock(102, "backup")
        self.door.add_fault(Fault(kind=FaultKind.SLOW_TASK, operation="start", seconds=1000, count=1))
        self.dave = str(self.root.post(self.ct(103, "/status/start")).data)
        self.free = 200

    def play(self, *steps: dict[str, object]) -> None:
        play(parse(json.dumps({"steps": steps}), source="test", door=self.door), self.door)
        self.node.settle()

    def pass_to(self, second: float) -> None:
        self.clock.advance(second - self.clock.monotonic())
        self.node.settle()

    def make(self) -> str:
        """Create one more container; returns the refusal or how the task ended."""
        self.free += 1
        answer = self.root.post("/nodes/pve1/lxc", **self.spec(self.free))
        return self.wait(answer.data) if answer.status == 200 else answer.reason

    def clone(self) -> str:
        self.free += 1
        return self.done(self.root.post(self.ct(9000, "/clone"), newid=self.free))

    def members(self) -> list[int]:
        return [row["vmid"] for row in self.root.get("/pools", poolid="winux").data[0]["members"]]


@pytest.fixture
def stage() -> Stage:
    return Stage()


@dataclass(frozen=True)
class Seen:
    """``look`` sees ``before``, ``during`` and, where the act is taken back, ``before`` again."""

    look: Callable[[Stage], Any]
    before: Any
    during: Any
    words: dict[str, object] = field(default_factory=dict)


def touch(stage: Stage) -> str:
    return stage.root.put(stage.ct(100, "/config"), onboot=1).reason


SEEN = {
    "destroy": Seen(lambda s: s.root.get(s.ct(100, "/config")).status, 200, 500, {"guest": "alice"}),
    "stop": Seen(lambda s: s.current(100)["status"], "running", "stopped", {"guest": "alice"}),
    "start": Seen(lambda s: s.current(101)["status"], "stopped", "running", {"guest": 101}),
    "migrate": Seen(lambda s: (s.row(100) or {})["node"], "pve1", "pve3", {"guest": 100, "node": "pve3"}),
    "add": Seen(lambda s: s.root.get("/cluster/nextid", vmid=300).status, 200, 400, {"vmid": 300, "running": True}),
    "set": Seen(lambda s: s.config(100)["cores"], 1, 7, {"guest": "alice", "options": {"cores": 7, "onboot": None}}),
    "pool": Seen(lambda s: s.members(), [100], [], {"guest": "alice", "pool": None}),
    "lock": Seen(touch, "OK", "CT is locked (backup)", {"guest": "alice", "lock": "backup"}),
    "unlock": Seen(lambda s: s.config(102).get("lock"), "backup", None, {"guest": "carol"}),
    "hold-config": Seen(touch, "OK", CONFIG_TIMEOUT, {"guest": "alice"}),
    "hold-users": Seen(lambda s: s.root.put("/pools", poolid="winux", comment="x").reason, "OK", USERS_TIMEOUT),
    "hold-storage": Seen(lambda s: s.clone(), "OK", STORAGE_TIMEOUT, {"storage": "local-zfs", "node": "pve1"}),
    "fill-storage": Seen(
        lambda s: s.make().partition(" - ")[2][:18], "", "command 'mkfs.ext4", {"storage": "local", "node": "pve1"}
    ),
    "quorum": Seen(lambda s: s.make(), "OK", "cluster not ready - no quorum?", {"quorate": False}),
    "node": Seen(lambda s: s.root.get("/nodes/pve2/lxc").status, 200, 595, {"node": "pve2", "online": False}),
    "service": Seen(
        lambda s: s.root.get("/nodes/pve2/lxc").reason,
        "OK",
        "Connection refused",
        {"service": "pvedaemon", "node": "pve2", "running": False},
    ),
    "rdp": Seen(lambda s: s.node.guest_answers("10.0.0.1", 3389), True, False, {"answer": False, "guest": "alice"}),
    "user": Seen(lambda s: s.limited.get("/version").status, 200, 401, {"user": "winux@pve", "enabled": False}),
    "role": Seen(
        lambda s: "/pool/winux" in s.limited.get("/access/permissions").data,
        True,
        False,
        {"role": "WinuxController", "privileges": []},
    ),
    "kill-tasks": Seen(lambda s: s.status(s.dave).data.get("exitstatus"), None, "unexpected status"),
    "prune-tasks": Seen(lambda s: s.status(s.alice).status, 200, 400, {"node": "pve1"}),
}


@pytest.mark.parametrize("act", ACTS)
def test_every_act_is_seen_by_the_client_from_its_second_on_and_as_long_as_it_lasts(stage: Stage, act: str) -> None:
    seen = SEEN[act]
    lasts = issubclass(ACTS[act], LastingStep)
    stage.play({"at": "10s", "act": act, **seen.words, **({"for": "30s"} if lasts else {})})
    stage.pass_to(9)
    assert seen.look(stage) == seen.before
    stage.pass_to(10)
    assert seen.look(stage) == seen.during
    stage.pass_to(40)
    assert seen.look(stage) == (seen.before if lasts else seen.during)


def test_no_act_is_left_out() -> None:
    assert set(SEEN) == set(ACTS)


def test_a_fault_is_in_force_for_its_time(stage: Stage) -> None:
    stage.play({"at": "10s", "for": "30s", "fault": {"kind": "error", "operation": "version", "text": "no"}})
    seen = []
    for second in (9, 10, 39, 40):
        stage.pass_to(second)
        seen.append(stage.root.get("/version").reason)
    assert seen == ["OK", "no", "no", "OK"]


def test_without_a_time_it_begins_at_once_and_stays(stage: Stage) -> None:
    stage.play({"act": "quorum", "quorate": False})
    stage.pass_to(100_000)
    assert stage.make() == "cluster not ready - no quorum?"


def test_called_off_it_is_taken_back_and_what_waits_does_not_come(stage: Stage) -> None:
    stage.play({"act": "node", "node": "pve2", "online": False}, {"at": "10s", "act": "destroy", "guest": "alice"})
    stage.door.programme.call_off()
    stage.pass_to(20)
    assert stage.root.get("/nodes/pve2/lxc").status == 200
    assert stage.root.get(stage.ct(100, "/config")).status == 200
    assert [entry.phase for entry in stage.door.programme.entries] == [Phase.OVER, Phase.CALLED_OFF]


@pytest.mark.parametrize(
    ("step", "failure"),
    [
        ({"act": "stop", "guest": "nobody"}, "there is no guest with the hostname 'nobody'"),
        ({"act": "stop", "guest": 777}, "there is no guest 777"),
        (
            {"act": "user", "user": "x@pve", "enabled": False},
            "there is no user 'x@pve'; there are: root@pam, winux@pve",
        ),
        ({"act": "pool", "guest": 100, "pool": "none"}, "there is no pool 'none'; there are: winux"),
        ({"act": "add", "vmid": 100}, "VMID 100 is taken; destroy that guest first or choose another one"),
    ],
)
def test_a_step_that_finds_nothing_is_skipped_and_says_so(
    stage: Stage, step: dict[str, object], failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage.play(step, {"at": "1s", "act": "stop", "guest": "alice"})
    stage.pass_to(2)
    first, second = stage.door.programme.entries
    assert (first.phase, first.failure, second.phase) == (Phase.FAILED, failure, Phase.OVER)
    assert f"did not happen: {failure}" in caplog.text


def test_a_container_that_is_gone_by_then_needs_no_unlocking(stage: Stage) -> None:
    stage.play({"act": "lock", "guest": "alice", "lock": "backup", "for": "5s"}, {"act": "destroy", "guest": "alice"})
    stage.pass_to(6)
    assert [entry.phase for entry in stage.door.programme.entries] == [Phase.OVER, Phase.OVER]


# reading


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: a script is a mapping with the key 'steps'"),
        ("stps: []", "line 1: the key 'steps' is missing"),
        ("steps: []", "line 1: steps is []: write a list with something in it"),
        ("steps:\n- 3", "line 2: steps is 3: write a mapping here"),
        ("steps:\n- {at: 3s}", "line 2: a step has either 'fault' or 'act'"),
        ("steps:\n- {act: stop, fault: {}}", "line 2: a step has either 'fault' or 'act'"),
        ("steps:\n- act: stop\n  guest: 1\n  at: 30", "line 4: at is 30: write a duration such as 30s, 1m30s or 500ms"),
        (
            "steps:\n- act: stop\n  guest: 1\n  for: 3s",
            "line 4: the key 'for' is unknown here; choose one of: at, act, guest",
        ),
        ("steps:\n- act: stop\n", "line 2: the key 'guest' is missing"),
        ("steps:\n- act: stop\n  guest: [1]", "line 3: guest is [1]: write a VMID or a hostname"),
        (
            "steps:\n- act: fill-storage\n  free: lots\n  storage: local",
            "line 3: free is 'lots': write a number of bytes or a",
        ),
        (
            "steps:\n- act: node\n  node: pve7\n  online: false",
            "line 3: node is 'pve7': there is no such node; choose one of:",
        ),
        (
            "steps:\n- act: hold-storage\n  storage: x",
            "line 3: storage is 'x': there is no such storage; choose one of: lo",
        ),
        ("steps:\n- act: stpo", "line 2: there is no act 'stpo'; choose one of: destroy, stop"),
        ("steps:\n- fault: 3", "line 2: fault is 3: write a mapping here"),
        ("steps:\n- fault:\n    kind: eror", "line 3: kind is 'eror': choose one of: 'error', 'timeout-done'"),
        (
            "steps:\n- fault:\n    kind: error\n    color: red",
            "line 4: the key 'color' is unknown here; choose one of: kind",
        ),
        (
            "steps:\n- fault:\n    kind: error\n    operation: creat",
            "line 4: operation is 'creat': there is no such operation",
        ),
        ("steps:\n- fault:\n    kind: error\n    path: '['", "line 4: path is '[': that is no regular expression"),
        (
            "steps:\n- fault:\n    kind: error\n    probability: 2",
            "line 4: probability is 2: input should be less than",
        ),
        ("steps:\n- act: stop\n  act: start", "line 3: 'act' stands here twice"),
        ("steps:\n- &a {act: hold-users}\n- *a", "line 2: an alias is used; write the value out"),
        ("steps:\n- act: [", "line 2: this is not YAML"),
        ("steps:\n- at: 2024-13-45", "line 2: '2024-13-45' is no value"),
    ],
)
def test_a_bad_script_is_one_sentence_with_the_line(stage: Stage, text: str, sentence: str) -> None:
    with pytest.raises(ScriptError) as caught:
        parse(text, source="faults.yaml", door=stage.door)
    assert str(caught.value).startswith(f"faults.yaml, {sentence}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1m30s", 90), ("500ms", 0.5), ("1.5h", 5400)])
def test_durations(text: str, seconds: float) -> None:
    script = parse(f"steps: [{{at: {text}, act: hold-users}}]", source="test")
    assert script.steps[0][1].at == seconds


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"no\.yaml: the script of faults cannot be read: No such file or directory"):
        load(tmp_path / "no.yaml")


def test_the_example_plays_to_its_end(lab: Lab) -> None:
    lab.create(hostname="alice", start=1)
    play(load(EXAMPLE, lab.door), lab.door)
    lab.clock.advance(600)
    lab.node.settle()
    phases = {entry.phase for entry in lab.door.programme.entries}
    assert phases == {Phase.OVER, Phase.IN_FORCE}
    assert lab.root.get(lab.ct(100, "/config")).status == 500


# over HTTP


def knock(stage: Lab, method: str, body: str = "") -> tuple[int, str, Any]:
    data = body.encode()
    headers = {"authorization": f"PVEAPIToken={stage.node.description.token}"}
    request = Request(method=method, path="/winux/script", headers=headers, body=data, content_length=len(data))
    reply = SideDoorHttp(stage.node.dispatcher).answer(request)
    return reply.status, reply.reason, json.loads(reply.body)["data"]


def test_a_script_comes_through_the_side_door_tells_how_far_it_is_and_is_called_off(stage: Stage) -> None:
    text = "steps:\n- {act: quorum, quorate: false}\n- {at: 1h, act: destroy, guest: alice}\n"
    assert knock(stage, "POST", text) == (200, "OK", 2)
    assert stage.make() == "cluster not ready - no quorum?"
    status, _, rows = knock(stage, "GET")
    assert status == 200
    assert rows == [
        {
            "title": "the script, line 2: quorum quorate=False",
            "at": 0,
            "for": None,
            "phase": "in force",
            "failure": None,
        },
        {
            "title": "the script, line 3: destroy guest=alice",
            "at": 3600,
            "for": None,
            "phase": "waiting",
            "failure": None,
        },
    ]
    assert knock(stage, "DELETE")[0] == 200
    assert stage.make() == "OK"
    assert [row["phase"] for row in knock(stage, "GET")[2]] == ["over", "called off"]


def test_a_bad_script_is_refused_at_the_side_door(stage: Stage) -> None:
    assert knock(stage, "POST", "steps: [{act: stop}]")[:2] == (
        400,
        "side door: the script, line 1: the key 'guest' is missing",
    )


# at the start of a server


def configured(directory: Path, text: str) -> NodeConfig:
    script = directory / "faults.yaml"
    script.write_text(text, encoding="utf-8")
    return NodeConfig(profile="instant", directory=directory, faults=script, rdp=False)


def test_a_server_plays_the_script_that_it_is_started_with(tmp_path: Path) -> None:
    server = NodeServer(configured(tmp_path, "steps: [{fault: {kind: error, operation: version, text: gone}}]"))
    told = server.start()
    try:
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": f"PVEAPIToken={told.token}"}
            reply = session.get(f"{told.url}/api2/json/version", headers=headers, verify=str(told.ca), timeout=10)
    finally:
        server.stop()
    assert (reply.status_code, reply.reason) == (500, "gone")


def test_a_server_does_not_start_with_a_bad_script(tmp_path: Path) -> None:
    server = NodeServer(configured(tmp_path, "steps: [{act: node, node: pve2, online: false}]"))
    with pytest.raises(
        ScriptError, match=r"faults\.yaml, line 1: node is 'pve2': there is no such node; choose one of: "
    ):
        server.start()

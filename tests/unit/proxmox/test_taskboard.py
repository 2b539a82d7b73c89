"""What is told of tasks that ended: once for each, what it was, how it ended, and after how long that was seen."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from controller.core.view import TaskState
from controller.engine.clock import VirtualClock
from controller.proxmox.port import NodeDown, TaskRow
from controller.proxmox.taskboard import UNSEEN_POLLS, TaskBoard
from controller.telemetry.families import TASK_EXITS, TASK_TYPES

NODE, KEY = "pve1", "session/alice"


@dataclass
class Node:
    """Its tasks: those that run, and those that ended with how."""

    running: set[str] = field(default_factory=set)
    ended: dict[str, str] = field(default_factory=dict)
    down: bool = False

    def active_tasks(self, node: str) -> tuple[TaskRow, ...]:
        if self.down:
            raise NodeDown("no connection", node=node)
        return tuple(_row(upid, None) for upid in sorted(self.running))

    def find_tasks(self, node: str, *, vmid: int | None, since: float) -> tuple[TaskRow, ...]:
        assert (node, vmid) == (NODE, None)
        assert since > 0
        return tuple(_row(upid, status) for upid, status in self.ended.items())

    def task_status(self, upid: str) -> TaskRow | None:
        status = self.ended.get(upid)
        return None if status is None else _row(upid, status)


def _row(upid: str, exit_status: str | None) -> TaskRow:
    return TaskRow(upid=upid, node=NODE, kind=upid.split(":")[5], id="30001", started=1, exit_status=exit_status)


def upid(kind: str) -> str:
    return f"UPID:{NODE}:0000A1B2:0012D687:6B49D200:{kind}:30001:winux@pve!controller:"


class Told(list[tuple[str, str, float]]):
    """Kind, exit and seconds of each task that was told of."""

    def __call__(self, kind: str, exit_: str, seconds: float) -> None:
        self.append((kind, exit_, seconds))


@dataclass
class Lab:
    """A board over a node, and what it told."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    node: Node = field(default_factory=Node)
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        self.board = TaskBoard(self.node, ended=self.told, clock=self.clock)  # type: ignore[arg-type]


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.mark.parametrize(
    ("kind", "status", "exit_"),
    [
        ("vzcreate", "OK", "OK"),
        ("vzclone", "WARNINGS: 2", "warnings"),
        ("vzstart", "startup for container '30001' failed", "failed"),
        ("vzdestroy", "unexpected status", "failed"),
        ("resize", "OK", "OK"),
    ],
)
def test_a_task_that_ended_is_told_with_how_and_how_long(lab: Lab, kind: str, status: str, exit_: str) -> None:
    lab.board.watch(upid(kind), node=NODE, key=KEY)
    lab.node.running = {upid(kind)}
    lab.clock.advance(2)
    assert lab.board.poll(NODE) == []
    assert lab.told == []
    lab.node.running, lab.node.ended = set(), {upid(kind): status}
    lab.clock.advance(1.5)
    assert lab.board.poll(NODE) == [KEY]
    assert lab.told == [(kind, exit_, 3.5)]
    assert (kind in TASK_TYPES, exit_ in TASK_EXITS) == (True, True)


def test_it_is_told_once_however_often_the_node_is_asked(lab: Lab) -> None:
    lab.board.watch(upid("vzcreate"), node=NODE, key=KEY)
    lab.node.ended = {upid("vzcreate"): "OK"}
    lab.board.poll(NODE)
    lab.board.watch(upid("vzcreate"), node=NODE, key=KEY)
    lab.board.poll(NODE)
    lab.board.forget(upid("vzcreate"))
    lab.board.poll(NODE)
    assert len(lab.told) == 1


def test_a_task_that_no_list_knows_is_told_as_lost(lab: Lab) -> None:
    lab.board.watch(upid("vzstart"), node=NODE, key=KEY)
    for _ in range(UNSEEN_POLLS):
        lab.clock.advance(1)
        lab.board.poll(NODE)
    assert lab.told == [("vzstart", "lost", float(UNSEEN_POLLS))]
    outcome = lab.board.outcome(upid("vzstart"))
    assert outcome is not None
    assert outcome.state is TaskState.LOST


def test_a_node_that_does_not_answer_ends_nothing(lab: Lab) -> None:
    lab.board.watch(upid("vzcreate"), node=NODE, key=KEY)
    lab.node.down = True
    with pytest.raises(NodeDown):
        lab.board.poll(NODE)
    assert lab.told == []


def test_after_a_restart_the_time_counts_from_the_call(lab: Lab) -> None:
    lab.board.watch(upid("vzcreate"), node=NODE, key=KEY, begun_at=lab.clock.now() - 7)
    lab.node.ended = {upid("vzcreate"): "OK"}
    lab.clock.advance(1)
    lab.board.poll(NODE)
    assert lab.told == [("vzcreate", "OK", 8.0)]


def test_a_clock_that_was_set_back_since_makes_no_negative_time(lab: Lab) -> None:
    lab.board.watch(upid("vzcreate"), node=NODE, key=KEY, begun_at=lab.clock.now() + 7)
    lab.node.ended = {upid("vzcreate"): "OK"}
    lab.board.poll(NODE)
    assert lab.told == [("vzcreate", "OK", 0.0)]

"""Tasks: UPIDs, logs, exit statuses, what runs and what ran (PVE::RESTEnvironment, PVE::UPID).

What a task does is a process given by the call that starts it; the calls that list tasks are in ``calls.tasks``.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from controller.node.access import Identity
from controller.node.errors import Refusal, died
from controller.node.journal import Journal
from controller.node.schedule import Completion, Process, Schedule, Steps, until

T = TypeVar("T")
LOG = logging.getLogger(__name__)
KEPT = 1000
"""Finished tasks that a node remembers; the real index is cut at 50,000 bytes, some 500 to 1100 of them."""


class Fate(Enum):
    """What a fault does to a task."""

    FAIL = "fail"
    """It ends with an error, and cleans up as after any error."""
    KILL = "kill"
    """The worker is killed: nothing cleans up."""
    DELAY = "delay"
    """It takes longer, and holds its locks meanwhile."""
    FULL = "full"
    """Its storage has no room for the disk that it makes or grows; see ``room``. Others do not notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doom:
    """The fault that waits for a task at its work."""

    fate: Fate
    seconds: float = 0.0
    text: str = ""


class Task:
    """One task. It runs until ``exit_status`` is set."""

    __slots__ = (
        "doom",
        "ended",
        "exit_status",
        "kind",
        "log",
        "node",
        "owner",
        "pid",
        "process",
        "pstart",
        "started",
        "subject",
        "upid",
        "warnings",
    )

    def __init__(
        self, *, node: str, pid: int, pstart: int, started: int, kind: str, subject: str, owner: Identity
    ) -> None:
        self.node = node
        self.pid = pid
        self.pstart = pstart
        self.started = started
        self.kind = kind
        self.subject = subject
        self.owner = owner
        self.upid = f"UPID:{node}:{pid:08X}:{pstart:08X}:{started:08X}:{kind}:{subject}:{owner.authid}:"
        self.ended: int | None = None
        self.exit_status: str | None = None
        self.log: list[str] = []
        self.warnings = 0
        self.doom: Doom | None = None
        self.process: Process[None] | None = None

    @property
    def running(self) -> bool:
        return self.exit_status is None

    def say(self, line: str) -> None:
        self.log.append(line)

    def warn(self, line: str) -> None:
        self.warnings += 1
        self.log.append(f"WARN: {line}")


Body = Callable[[Task], Steps[None]]


class Tasks:
    """All tasks of a cluster, by UPID."""

    def __init__(self, schedule: Schedule, journal: Journal) -> None:
        self._schedule = schedule
        self._journal = journal
        self._pids = 0x1000
        self.all: dict[str, Task] = {}
        self.active: dict[str, dict[str, Task]] = {}
        """Node → UPID → a task that runs, oldest first."""
        self.archive: dict[str, deque[Task]] = {}
        """Node → tasks that ended, oldest first."""
        self.on_start: list[Callable[[Task], None]] = []
        self.on_end: list[Callable[[Task], None]] = []

    def start(
        self, body: Body, *, node: str, kind: str, subject: str, owner: Identity, doom: Doom | None = None
    ) -> Task:
        """Fork a worker. It takes its first step soon, not inside this call."""
        self._pids += 1
        task = Task(
            node=node,
            pid=self._pids,
            pstart=int(self._schedule.now() * 100) & 0xFFFFFFFF,
            started=int(self._schedule.wall()),
            kind=kind,
            subject=subject,
            owner=owner,
        )
        task.doom = doom
        self.all[task.upid] = task
        self.active.setdefault(node, {})[task.upid] = task
        self._journal.task(task.upid)
        for observer in self.on_start:
            observer(task)
        process = self._schedule.spawn(body(task))
        task.process = process
        process.outcome.then(lambda: self._conclude(task, process))
        return task

    def work(self, task: Task, operation: Callable[[], Completion[T]]) -> Steps[T]:
        """Do the heavy part of a task; here a fault catches up with it."""
        doom, task.doom = task.doom, None
        if doom is not None and doom.fate is not Fate.FULL:
            yield from self._schedule.pause(doom.seconds)
            if doom.fate is Fate.FAIL:
                raise died(doom.text)
            if doom.fate is Fate.KILL:
                self._schedule.soon(lambda: self.kill(task))
                yield Completion[None](self._schedule)
        return (yield from until(operation()))

    def restore(self, task: Task) -> None:
        """A task of an earlier run, which ended in one way or another."""
        self._pids = max(self._pids, task.pid)
        self.all[task.upid] = task
        self._archive(task)

    def _archive(self, task: Task) -> None:
        self._journal.task(task.upid)
        archive = self.archive.setdefault(task.node, deque())
        archive.append(task)
        if len(archive) > KEPT:
            oldest = archive.popleft().upid
            self.all.pop(oldest, None)
            self._journal.task(oldest)

    def prune(self, node: str) -> None:
        """Forget what ended on a node, as pveupdate does with logs that are older than the index."""
        for task in self.archive.pop(node, ()):
            self.all.pop(task.upid, None)
            self._journal.task(task.upid)

    def interrupt(self, task: Task) -> None:
        """SIGTERM: the worker fails where it stands and cleans up."""
        if task.process:
            task.process.throw(died("received interrupt"))

    def kill(self, task: Task) -> None:
        """SIGKILL or a reboot: no clean-up, no last line in the log."""
        if task.process and task.running:
            self._end(task, "unexpected status")
            task.process.kill(died("killed"))

    def _conclude(self, task: Task, process: Process[None]) -> None:
        if not task.running:
            return
        try:
            process.outcome.result()
        except Refusal as failure:
            for line in failure.log:
                task.say(line)
            task.say(f"TASK ERROR: {failure.reason}")
            self._end(task, failure.reason.replace("\n", " "))
        except Exception:
            LOG.exception("the worker of %s broke", task.upid)
            self._end(task, "internal error of the node, see its log")
        else:
            status = f"WARNINGS: {task.warnings}" if task.warnings else "OK"
            task.say(f"TASK {status}")
            self._end(task, status)

    def _end(self, task: Task, status: str) -> None:
        task.exit_status = status
        task.ended = int(self._schedule.wall())
        task.process = None if task.process is None or task.process.outcome.done else task.process
        self.active[task.node].pop(task.upid, None)
        self._archive(task)
        for observer in self.on_end:
            observer(task)

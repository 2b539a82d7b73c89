"""Counts of what clients did, for tests of a client's manners: calls, calls in flight, tasks at once, writes."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from controller.node.tasks import Task

WRITES_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Write:
    """A call that was not a GET. Parameters are left out: they may hold passwords."""

    at: float
    """Unix seconds of its arrival."""
    method: str
    path: str
    token: str
    operation: str


class _Level:
    """How many there are now, and how many there were at most, by name."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self.most: dict[str, int] = {}

    def up(self, name: str) -> None:
        self.now[name] += 1
        self.most[name] = max(self.most.get(name, 0), self.now[name])

    def down(self, name: str) -> None:
        self.now[name] -= 1

    def forget(self) -> None:
        self.most = {name: number for name, number in self.now.items() if number}


class Census:
    """Counters since the start or the last ``forget``."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.writes: deque[Write] = deque(maxlen=WRITES_KEPT)
        self._calls = _Level()
        self._write_calls = _Level()
        self._tasks = _Level()
        self._tasks_by_node = _Level()
        self._guests = _Level()
        self._tasks_of: Counter[tuple[str, str]] = Counter()

    def call_began(self, write: Write) -> None:
        self.calls[write.operation] += 1
        self._calls.up(write.token)
        if write.method != "GET":
            self._write_calls.up(write.token)
            self.writes.append(write)

    def call_ended(self, write: Write, status: int) -> None:
        self.statuses[f"{write.operation} {status}"] += 1
        self._calls.down(write.token)
        if write.method != "GET":
            self._write_calls.down(write.token)

    def task_began(self, task: Task) -> None:
        self._tasks.up(task.owner.authid)
        self._tasks_by_node.up(f"{task.owner.authid} {task.node}")
        guest = (task.owner.authid, task.subject)
        self._tasks_of[guest] += 1
        if self._tasks_of[guest] == 1:
            self._guests.up(task.owner.authid)

    def task_ended(self, task: Task) -> None:
        self._tasks.down(task.owner.authid)
        self._tasks_by_node.down(f"{task.owner.authid} {task.node}")
        guest = (task.owner.authid, task.subject)
        self._tasks_of[guest] -= 1
        if self._tasks_of[guest] == 0:
            del self._tasks_of[guest]
            self._guests.down(task.owner.authid)

    def forget(self) -> None:
        self.calls.clear()
        self.statuses.clear()
        self.writes.clear()
        for level in (self._calls, self._write_calls, self._tasks, self._tasks_by_node, self._guests):
            level.forget()

    def as_json(self) -> dict[str, object]:
        """Keys of the maps are operations, ``operation status``, tokens, or ``token node``.

        ``max_guests`` counts guests with a task at once: a create that is asked to start has two for a moment.
        """
        return {
            "calls": dict(self.calls),
            "statuses": dict(self.statuses),
            "max_calls_in_flight": self._calls.most,
            "max_writes_in_flight": self._write_calls.most,
            "max_tasks": self._tasks.most,
            "max_guests": self._guests.most,
            "max_tasks_by_node": self._tasks_by_node.most,
            "writes": [
                {"at": one.at, "method": one.method, "path": one.path, "token": one.token, "operation": one.operation}
                for one in self.writes
            ],
        }

"""Operations in flight: which of our tasks still run and how the others ended.

A node's *active list* tells all of it in one call of 2 ms, where asking for one task's status costs 36 ms (measured
on PVE 9.2); it holds the running tasks and the last 25 that ended. Nobody waits for a task here: a session's key is
put back into the queue when its task has ended.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from controller.core.view import TaskOutcome, TaskState
from controller.proxmox.port import Proxmox, TaskRow

UNSEEN_POLLS = 3
"""Polls of the active list without the task before its own status is asked for."""


@dataclass(slots=True)
class _Watched:
    node: str
    key: str
    unseen: int = 0
    outcome: TaskOutcome = TaskOutcome(TaskState.RUNNING)


class TaskBoard:
    """Safe to use from several threads; one of them polls."""

    def __init__(self, port: Proxmox) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}
        self._last: dict[str, tuple[TaskRow, ...]] = {}
        self.work = threading.Event()
        """Set while there is anything to poll."""

    def watch(self, upid: str, *, node: str, key: str) -> None:
        """Follow a task; ``key`` is reported by ``poll`` when it has ended."""
        with self._lock:
            self._watched.setdefault(upid, _Watched(node, key))
            self.work.set()

    def outcome(self, upid: str) -> TaskOutcome | None:
        """How it stands; None when nobody watches it."""
        with self._lock:
            watched = self._watched.get(upid)
            return watched.outcome if watched is not None else None

    def forget(self, upid: str) -> None:
        with self._lock:
            self._watched.pop(upid, None)

    def successor(self, node: str, *, vmid: int, kind: str, since: float) -> TaskRow | None:
        """A task of this kind on this VMID in the last list polled: the start that ``start=1`` forks, for example.

        It is forked before the create's task ends (pve-container, API2/LXC.pm), so the list that shows the end of
        the one shows the other as well.
        """
        with self._lock:
            rows = self._last.get(node, ())
        return next((r for r in rows if r.kind == kind and r.id == str(vmid) and r.started >= int(since)), None)

    def nodes(self) -> list[str]:
        """The nodes that have a task of ours running."""
        with self._lock:
            busy = {w.node for w in self._watched.values() if w.outcome.state is TaskState.RUNNING}
            if not busy:
                self.work.clear()
            return sorted(busy)

    def poll(self, node: str) -> list[str]:
        """Ask one node; returns the keys whose task has ended.

        Raises:
            ProxmoxError: the node did not tell; nothing is concluded from that.
        """
        rows = self._port.active_tasks(node)
        by_upid = {row.upid: row for row in rows}
        with self._lock:
            self._last[node] = rows
            mine = {
                upid: watched
                for upid, watched in self._watched.items()
                if watched.node == node and watched.outcome.state is TaskState.RUNNING
            }
        ended = []
        for upid, watched in mine.items():
            row = by_upid.get(upid)
            if row is None:
                watched.unseen += 1
                if watched.unseen < UNSEEN_POLLS:
                    continue
                row = self._port.task_status(upid)
                outcome = TaskOutcome(TaskState.LOST) if row is None else _outcome(row)
            else:
                outcome = _outcome(row)
            if outcome.state is not TaskState.RUNNING:
                with self._lock:
                    watched.outcome = outcome
                ended.append(watched.key)
        return ended


def _outcome(row: TaskRow) -> TaskOutcome:
    if row.running:
        return TaskOutcome(TaskState.RUNNING)
    return TaskOutcome(TaskState.OK if row.ok else TaskState.FAILED, row.exit_status or "")

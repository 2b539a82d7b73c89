"""Operations in flight: which of our tasks still run and how the others ended.

A node's *active list* tells in one call of 2 ms which tasks run, where asking for one task's status costs 36 ms
(measured on PVE 9.2). A task that ended leaves that list, so whenever one is missing the list of all tasks since then
is read, once for all that are missing. Nobody waits for a task here: a session's key is put back into the queue when
its task has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from controller.core.model import Timestamp
from controller.core.view import TaskOutcome, TaskState
from controller.engine.clock import Clock, SystemClock
from controller.proxmox.port import Proxmox, TaskRow
from controller.proxmox.upid import Upid

RUNNING = TaskOutcome(TaskState.RUNNING)
UNSEEN_POLLS = 3
"""Polls in which no list shows a task before its own status is asked for."""
WARNINGS = "WARNINGS: "
"""How the exit status of a task begins that succeeded and has something to say."""

Ended = Callable[[str, str, float], None]
"""Told of a task that ended: its kind, how (``OK``, ``warnings``, ``failed`` or ``lost``) and after how many seconds
from our call its end was seen."""


@dataclass(slots=True)
class _Watched:
    node: str
    key: str
    kind: str
    started: int
    since: float
    """When we asked for it, on the monotonic clock."""
    unseen: int = 0
    outcome: TaskOutcome = RUNNING


class TaskBoard:
    """Safe to use from several threads; one of them polls."""

    def __init__(
        self, port: Proxmox, *, ended: Ended = lambda _kind, _exit, _seconds: None, clock: Clock | None = None
    ) -> None:
        """``ended`` is called once for each task whose end was seen, from the thread that polls."""
        self._port = port
        self._ended = ended
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}
        self._last: dict[str, tuple[TaskRow, ...]] = {}
        self.work = threading.Event()
        """Set while there is anything to poll."""

    def watch(self, upid: str, *, node: str, key: str, begun_at: Timestamp | None = None) -> None:
        """Follow a task; ``key`` is reported by ``poll`` when it has ended. ``begun_at``: when it was asked for, if
        that was before a restart.
        """
        age = max(0.0, self._clock.now() - begun_at) if begun_at is not None else 0.0
        identity = Upid.parse(upid)
        since = self._clock.monotonic() - age
        with self._lock:
            self._watched.setdefault(upid, _Watched(node, key, identity.kind, identity.started, since))
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

        It is forked before the create's task ends (pve-container, API2/LXC.pm), so the lists that show the end of
        the one show the other as well.
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
        with self._lock:
            mine = {
                upid: watched
                for upid, watched in self._watched.items()
                if watched.node == node and watched.outcome.state is TaskState.RUNNING
            }
        rows = self._port.active_tasks(node)
        if missing := [watched.started for upid, watched in mine.items() if all(row.upid != upid for row in rows)]:
            rows += self._port.find_tasks(node, vmid=None, since=min(missing))
        by_upid = {row.upid: row for row in rows}
        with self._lock:
            self._last[node] = rows
        ended = []
        for upid, watched in mine.items():
            outcome = self._outcome_of(upid, watched, by_upid.get(upid))
            if outcome.state is not TaskState.RUNNING:
                with self._lock:
                    watched.outcome = outcome
                ended.append(watched.key)
                self._ended(watched.kind, _exit(outcome), self._clock.monotonic() - watched.since)
        return ended

    def _outcome_of(self, upid: str, watched: _Watched, row: TaskRow | None) -> TaskOutcome:
        if row is not None:
            watched.unseen = 0
            return _outcome(row)
        watched.unseen += 1
        if watched.unseen < UNSEEN_POLLS:
            return RUNNING
        row = self._port.task_status(upid)
        return TaskOutcome(TaskState.LOST) if row is None else _outcome(row)


def _outcome(row: TaskRow) -> TaskOutcome:
    if row.running:
        return RUNNING
    return TaskOutcome(TaskState.OK if row.ok else TaskState.FAILED, row.exit_status or "")


def _exit(outcome: TaskOutcome) -> str:
    if outcome.state is TaskState.OK:
        return "warnings" if outcome.exit_status.startswith(WARNINGS) else "OK"
    return "lost" if outcome.state is TaskState.LOST else "failed"

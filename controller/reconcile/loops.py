"""What the threads do, one round at a time: observe, poll tasks, work on keys. A simulation calls the rounds itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import structlog

from controller.core.model import DesiredSnapshot
from controller.engine.workqueue import WorkQueue
from controller.proxmox.port import ProxmoxError
from controller.reconcile.picture import Picture
from controller.reconcile.reconciler import Reconciler, Result
from controller.reconcile.tools import Tools, key_of

_LOG = structlog.get_logger(__name__)
_PREFIX = key_of("")
RESCAN = "rescan"
"""The key that asks for one more scan, when the grace of a missing manifest is over."""
IDLE = 1.0
"""Seconds until an idle thread gives a sign of life."""


class Loops:
    """The rounds, on one queue. ``beat`` tells the supervisor that the calling thread lives."""

    def __init__(
        self,
        tools: Tools,
        picture: Picture,
        reconciler: Reconciler,
        queue: WorkQueue,
        *,
        rescan: Callable[[], None],
        beat: Callable[[], None] = lambda: None,
        worked: Callable[[Result | None, float], None] = lambda _result, _seconds: None,
        tick: float = 2.0,
        task_poll: float = 0.15,
    ) -> None:
        self._tools = tools
        self._picture = picture
        self._reconciler = reconciler
        self._queue = queue
        self._rescan = rescan
        self._beat = beat
        self._worked = worked
        self._missed = threading.Event()
        """News were taken in, and whom they concern got lost, as when the ledger could not be written."""
        self.tick = tick
        self.task_poll = task_poll

    def enqueue(self, sessions: Iterable[str]) -> None:
        """By name: who is first in line for a slot is then no accident, and a history can be played again."""
        for session in sorted(sessions):
            self._queue.add(key_of(session))

    def _enqueue_concerned(self, take_in: Callable[[], Iterable[str]]) -> None:
        """Those whom news concern, or everybody after a round that broke off: its news do not come again."""
        missed = self._missed.is_set()
        self._missed.clear()
        try:
            concerned = take_in()
        except BaseException:
            self._missed.set()
            raise
        self.enqueue(self._picture.all_sessions() if missed else concerned)

    # -- rounds ------------------------------------------------------------------------------------------------

    def scanned(self, snapshot: DesiredSnapshot) -> None:
        """A scan ended. Missing manifests are looked for once more when their grace is over."""
        self._enqueue_concerned(lambda: self._picture.scanned(snapshot))
        now, grace = self._tools.clock.now(), self._tools.policy.grace
        ends = [
            m.confirmed_at(grace) for m in self._picture.missing().values() if not m.confirmed(now=now, grace=grace)
        ]
        if ends:
            self._queue.add_after(RESCAN, max(0.0, min(ends) - now) + 0.01)

    def observe_once(self) -> None:
        self._tools.ledger.try_again()
        self._enqueue_concerned(lambda: self._picture.observed(self._tools.inventory.observe()))
        self._tools.slots.sweep()
        self._tools.clone_turns.sweep()

    def poll_tasks_once(self) -> None:
        for node in self._tools.board.nodes():
            try:
                ended = self._tools.board.poll(node)
            except ProxmoxError as error:
                _LOG.warning("tasks.not-polled", node=node, error=str(error))
                continue
            for key in ended:
                self._queue.add(key)

    def work_once(self, key: str) -> Result | None:
        """One pass over a key that was taken from the queue; None where it was no session's."""
        began = self._tools.clock.monotonic()
        result: Result | None = None
        try:
            if key == RESCAN:
                self._rescan()
                self._queue.forget(key)
                return None
            result = self._reconciler.reconcile(key.removeprefix(_PREFIX))
            if result.failed:
                self._queue.retry(key)
            else:
                self._queue.forget(key)
                if result.again_in is not None:
                    self._queue.add_after(key, result.again_in)
            return result
        except Exception:
            # A mistake of ours in one session must not take the others with it; it is counted and tried again.
            _LOG.exception("reconcile.panic", key=key)
            self._queue.retry(key)
            return None
        finally:
            self._queue.done(key)
            if key != RESCAN:
                self._worked(result, self._tools.clock.monotonic() - began)

    # -- threads -----------------------------------------------------------------------------------------------

    def observe(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._beat()
            self.observe_once()
            self._tools.clock.wait(stop, self.tick)

    def poll_tasks(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._beat()
            if self._tools.clock.wait(self._tools.board.work, IDLE):
                self.poll_tasks_once()
                self._tools.clock.wait(stop, self.task_poll)

    def work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._beat()
            key = self._queue.get(IDLE)
            if key is not None:
                self.work_once(key)

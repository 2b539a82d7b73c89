"""What the threads do, one round at a time: observe, poll tasks, work on keys. A simulation calls the rounds itself."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

import structlog

from controller.core.model import DesiredSnapshot
from controller.engine.workqueue import WorkQueue
from controller.proxmox.port import ProxmoxError
from controller.reconcile.correlation import during_pass
from controller.reconcile.picture import Picture
from controller.reconcile.reconciler import Reconciler, Result
from controller.reconcile.tools import Tools, key_of

_LOG = structlog.get_logger("winux.reconcile")
_PROXMOX = structlog.get_logger("winux.proxmox")
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
        around: Callable[[str], AbstractContextManager[None]] = lambda _session: nullcontext(),
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
        self._around = around
        self._passes = itertools.count(1)
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
                _PROXMOX.warning("tasks.not-polled", node=node, error=str(error))
                continue
            for key in ended:
                self._queue.add(key)

    def work_once(self, key: str) -> Result | None:
        """One pass over a key that was taken from the queue; None where it was no session's."""
        if key == RESCAN:
            return self._work(key, self._rescan)
        session, began = key.removeprefix(_PREFIX), self._tools.clock.monotonic()
        result: Result | None = None
        with during_pass(session, next(self._passes)):
            try:
                result = self._work(key, lambda: self._pass(session))
                return result
            finally:
                seconds = self._tools.clock.monotonic() - began
                self._worked(result, seconds)
                _LOG.debug("reconcile.passed", outcome=result.outcome if result else "panic", seconds=round(seconds, 3))

    def _pass(self, session: str) -> Result:
        with self._around(session):
            return self._reconciler.reconcile(session)

    def _work(self, key: str, work: Callable[[], Result | None]) -> Result | None:
        """Do it, and give the key back to the queue with when it is due again; None after a mistake of ours."""
        try:
            result = work()
            if result is not None and result.failed:
                self._queue.retry(key)
            else:
                self._queue.forget(key)
                if result is not None and result.again_in is not None:
                    self._queue.add_after(key, result.again_in)
            return result
        except Exception:
            # It must not take the others with it; it is counted and tried again.
            _LOG.exception("reconcile.panic", key=key)
            self._queue.retry(key)
            return None
        finally:
            self._queue.done(key)

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

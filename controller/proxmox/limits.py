"""Decorators of the port: at most so many calls at once (``Limited``), and one report a call (``Instrumented``).

``Instrumented(Limited(adapter))`` counts the wait for a place into the seconds of a call,
``Limited(Instrumented(adapter))`` does not. What becomes of the reports is the telemetry's business.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from controller.engine.clock import Clock
from controller.proxmox.around import Around
from controller.proxmox.port import Proxmox, ProxmoxError

CLUSTER = ""
"""Stands for the node of calls that belong to none, in the counts of ``Limited``."""
_SIGN_OF_LIFE = 1.0


class Limited(Around):
    """At most ``per_node`` calls in flight to each node and ``cluster`` that belong to none; others wait their turn.

    While only one node was ever called, calls that belong to none are its too: with a single node ``per_node`` is the
    most in all. Three or four are Proxmox's optimum: a node has three API workers, and each call may hold a lock
    (measured).
    """

    def __init__(
        self, port: Proxmox, per_node: int = 4, *, cluster: int = 4, waits: Callable[[], None] = lambda: None
    ) -> None:
        """``waits`` is called every second by a thread that waits for its turn."""
        super().__init__(port)
        self._waits = waits
        _check_limit(min(per_node, cluster))
        self._per_node = per_node
        self._cluster = cluster
        self._changed = threading.Condition()
        self._nodes: set[str] = set()
        """Those that were ever called."""
        self._in_flight: Counter[str] = Counter()
        self._most: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()

    @property
    def per_node(self) -> int:
        return self._per_node

    def set_limit(self, per_node: int) -> None:
        """Change the limit of every node at once; calls on their way go on, even above it."""
        _check_limit(per_node)
        with self._changed:
            self._per_node = per_node
            self._changed.notify_all()

    @property
    def in_flight(self) -> Mapping[str, int]:
        """Calls on their way by node, now."""
        with self._changed:
            return dict(self._in_flight)

    @property
    def waiting(self) -> Mapping[str, int]:
        """Calls that wait for a place by node, now."""
        with self._changed:
            return dict(self._waiting)

    @property
    def most_in_flight(self) -> Mapping[str, int]:
        """The most calls at once by node, ever."""
        with self._changed:
            return dict(self._most)

    def around(self, operation: str, node: str | None, vmid: int | None = None) -> AbstractContextManager[object]:
        del operation, vmid
        return self._place(node or CLUSTER)

    @contextmanager
    def _place(self, node: str) -> Iterator[None]:
        with self._changed:
            if node != CLUSTER:
                self._nodes.add(node)
            elif len(self._nodes) == 1:
                (node,) = self._nodes
            self._waiting[node] += 1
            try:
                while not self._changed.wait_for(lambda: self._in_flight[node] < self._limit(node), _SIGN_OF_LIFE):
                    self._waits()
            finally:
                self._waiting[node] -= 1
            self._in_flight[node] += 1
            self._most[node] = max(self._most[node], self._in_flight[node])
        try:
            yield
        finally:
            with self._changed:
                self._in_flight[node] -= 1
                self._changed.notify_all()

    def _limit(self, node: str) -> int:
        return self._cluster if node == CLUSTER else self._per_node


def _check_limit(calls: int) -> None:
    if calls < 1:
        raise ValueError(f"at least one call has to be allowed at once, not {calls}")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that ended."""

    operation: str
    """The method of the port."""
    node: str | None
    outcome: str
    """``ok``, the ``reason`` of the error, or ``Bug`` for an exception that the port should never raise."""
    seconds: float
    vmid: int | None = None


class Instrumented(Around):
    """Reports every call when it ended, from the thread that made it."""

    def __init__(self, port: Proxmox, on_call: Callable[[Call], None], *, clock: Clock) -> None:
        super().__init__(port)
        self._on_call = on_call
        self._clock = clock

    def around(self, operation: str, node: str | None, vmid: int | None = None) -> AbstractContextManager[object]:
        return self._timed(operation, node, vmid)

    @contextmanager
    def _timed(self, operation: str, node: str | None, vmid: int | None) -> Iterator[None]:
        began, outcome = self._clock.monotonic(), "Bug"
        try:
            yield
            outcome = "ok"
        except ProxmoxError as error:
            outcome = error.reason
            raise
        finally:
            self._on_call(Call(operation, node, outcome, self._clock.monotonic() - began, vmid))

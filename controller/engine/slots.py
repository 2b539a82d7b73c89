"""How many operations may be in flight on a node at once, and who is next.

Knows keys and nodes, not what an operation is. The limit of a node adapts: it is halved when operations get in each
other's way there and grows again by one after a run of successes (additive increase, multiplicative decrease).
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from controller.engine.clock import Clock


@dataclass(slots=True)
class _Node:
    limit: int
    successes: int = 0
    """Since the limit last changed or operations last got in each other's way."""
    held: set[str] = field(default_factory=set)
    offered: dict[str, float] = field(default_factory=dict)
    """Slots handed over to a key that waited and has not come for it yet, with the moment of the hand-over."""
    waiting: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    """The valid entry of each waiting key in ``queue``."""
    queue: list[tuple[int, int, str]] = field(default_factory=list)
    """A heap of (minus priority, order of arrival, key); entries that are not in ``waiting`` are outdated."""

    @property
    def in_use(self) -> int:
        return len(self.held) + len(self.offered)


class Slots:
    """Slots per node, handed over in order of priority and arrival.

    A freed slot belongs at once to the key that is next: it counts as in use, ``on_free(key)`` is called, and no other
    key can take it. The key comes for it with ``try_acquire``. A key that has changed its mind says ``cancel``; one
    that does not come within ``lapse`` seconds loses its turn, which ``sweep`` (once a tick) and every call for that
    node find out. ``on_free`` is called without the lock held, and must not block.
    """

    def __init__(
        self, limit_per_node: int, on_free: Callable[[str], None], *, clock: Clock, lapse: float = 60.0
    ) -> None:
        _check_limit(limit_per_node)
        self._configured = limit_per_node
        self._on_free = on_free
        self._clock = clock
        self._lapse = lapse
        self._lock = threading.Lock()
        self._nodes: dict[str, _Node] = {}
        self._arrivals = 0

    def try_acquire(self, node: str, key: str, *, priority: int = 0) -> bool:
        """Whether the key holds a slot on the node now; else it waits there for its turn, higher ``priority`` first.

        Asking again changes nothing but a raised priority. A key waits on one node at a time: asking elsewhere gives
        up its place, or the slot it did not come for.
        """
        with self._lock:
            called = [k for name in tuple(self._nodes) if name != node for k in self._withdraw(name, key)]
            state = self._node(node)
            # Its own slot first: a key that comes late but before anybody noticed is still in time.
            if not self._take_offer(state, key) and key not in state.held:
                self._enqueue(state, key, priority)
                called += [k for k in self._expire(node) + self._fill(state) if k != key]
                self._take_offer(state, key)
            acquired = key in state.held
        self._call(called)
        return acquired

    def adopt(self, node: str, key: str) -> None:
        """Count an operation that runs already, such as one from before a restart, even above the limit."""
        with self._lock:
            state = self._node(node)
            state.waiting.pop(key, None)
            state.offered.pop(key, None)
            state.held.add(key)

    def release(self, node: str, key: str) -> None:
        """The key's operation on the node ended, or never began. Harmless for a key that holds nothing."""
        with self._lock:
            state = self._node(node)
            state.held.discard(key)
            state.offered.pop(key, None)
            called = self._expire(node) + self._fill(state)
        self._call(called)

    def cancel(self, key: str) -> None:
        """The key no longer waits anywhere, nor comes for a slot handed over to it. A slot it took, it keeps."""
        with self._lock:
            called = [k for name in self._nodes for k in self._withdraw(name, key)]
        self._call(called)

    def lock_wait(self, node: str) -> None:
        """Operations got in each other's way on the node: halve its limit, to 1 at least."""
        with self._lock:
            state = self._node(node)
            state.limit = max(1, state.limit // 2)
            state.successes = 0

    def success(self, node: str) -> None:
        """An operation on the node succeeded; twice as many in a row as the limit raise it by one."""
        with self._lock:
            state = self._node(node)
            state.successes += 1
            if state.limit < self._configured and state.successes >= 2 * state.limit:
                state.limit += 1
                state.successes = 0
            called = self._fill(state)
        self._call(called)

    def set_limit(self, limit_per_node: int) -> None:
        """Change the configured limit. Nodes below the old one grow as before; what is in flight stays so."""
        _check_limit(limit_per_node)
        with self._lock:
            called: list[str] = []
            for state in self._nodes.values():
                at_the_top = state.limit == self._configured
                state.limit = limit_per_node if at_the_top else min(state.limit, limit_per_node)
                called += self._fill(state)
            self._configured = limit_per_node
        self._call(called)

    def sweep(self) -> None:
        """Take back the slots that nobody came for in time. Call it once a tick."""
        with self._lock:
            called = [k for name in self._nodes for k in self._expire(name)]
        self._call(called)

    def holders(self, node: str) -> frozenset[str]:
        """Keys that hold a slot or were handed one."""
        with self._lock:
            state = self._node(node)
            return frozenset(state.held) | frozenset(state.offered)

    def in_use(self, node: str) -> int:
        with self._lock:
            return self._node(node).in_use

    def in_use_by_node(self) -> dict[str, int]:
        """For metrics: every node that was ever asked for."""
        with self._lock:
            return {name: state.in_use for name, state in self._nodes.items()}

    def waiting(self, node: str) -> int:
        """How many keys wait for their turn."""
        with self._lock:
            return len(self._node(node).waiting)

    def limit(self, node: str) -> int:
        """The node's limit as it is adapted now."""
        with self._lock:
            return self._node(node).limit

    def _node(self, name: str) -> _Node:
        state = self._nodes.get(name)
        if state is None:
            state = self._nodes[name] = _Node(limit=self._configured)
        return state

    def _enqueue(self, state: _Node, key: str, priority: int) -> None:
        known = state.waiting.get(key)
        if known is not None and known[0] <= -priority:
            return
        self._arrivals += 1
        entry = (-priority, self._arrivals if known is None else known[1], key)
        state.waiting[key] = entry
        heapq.heappush(state.queue, entry)

    def _fill(self, state: _Node) -> list[str]:
        """Hand free slots over to those who are next; returns them, to be called once the lock is free."""
        called = []
        while state.queue and state.in_use < state.limit:
            entry = heapq.heappop(state.queue)
            key = entry[2]
            if state.waiting.get(key) == entry:
                del state.waiting[key]
                state.offered[key] = self._clock.monotonic()
                called.append(key)
        return called

    def _expire(self, node: str) -> list[str]:
        state = self._node(node)
        limit = self._clock.monotonic() - self._lapse
        late = [key for key, since in state.offered.items() if since <= limit]
        for key in late:
            del state.offered[key]
        return self._fill(state) if late else []

    @staticmethod
    def _take_offer(state: _Node, key: str) -> bool:
        if state.offered.pop(key, None) is None:
            return False
        state.held.add(key)
        return True

    def _withdraw(self, node: str, key: str) -> list[str]:
        state = self._node(node)
        state.waiting.pop(key, None)
        return [] if state.offered.pop(key, None) is None else self._fill(state)

    def _call(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._on_free(key)


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise ValueError(f"at least one operation per node must be allowed, got {limit}")

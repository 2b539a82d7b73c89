"""Keys that wait for a moment: a heap that keeps the earliest moment of each key.

Not thread-safe: its owner holds a lock. Times are of the monotonic clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

_SLACK = 64
"""Outdated entries that are not worth a clean-up."""


class DelayHeap:
    """An earlier moment replaces a later one of the same key; a later one is ignored. All steps are O(log n)."""

    def __init__(self) -> None:
        self._when: dict[str, float] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._when)

    def __contains__(self, key: str) -> bool:
        return key in self._when

    def add(self, key: str, when: float) -> None:
        known = self._when.get(key)
        if known is not None and known <= when:
            return
        self._when[key] = when
        self._sequence += 1
        # The entry of the later moment stays in the heap and is skipped when it surfaces.
        heapq.heappush(self._heap, (when, self._sequence, key))
        if len(self._heap) > 2 * len(self._when) + _SLACK:
            self._rebuild()

    def clear(self) -> None:
        self._when.clear()
        self._heap.clear()

    def next_due(self) -> float | None:
        """The earliest moment, None when nothing waits."""
        while self._heap and self._outdated(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> Iterator[tuple[str, float]]:
        """Take out every key whose moment came, earliest first (of equals: first added), with that moment."""
        while (due := self.next_due()) is not None and due <= now:
            when, _, key = heapq.heappop(self._heap)
            del self._when[key]
            yield key, when

    def _outdated(self, entry: tuple[float, int, str]) -> bool:
        when, _, key = entry
        return self._when.get(key) != when

    def _rebuild(self) -> None:
        self._heap = [entry for entry in self._heap if not self._outdated(entry)]
        heapq.heapify(self._heap)

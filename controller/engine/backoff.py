"""How long to wait before trying again: base·2ⁿ with jitter, capped, counted per key.

Not thread-safe: its owner holds a lock.
"""

from __future__ import annotations

from random import Random

_MAX_DOUBLINGS = 60
"""2⁶⁰ seconds are past every cap, and float arithmetic is still exact in range."""


class Backoff:
    """Failures per key and the delays that follow from them.

    The jitter shortens: a delay lies between ``(1 - jitter)`` of its nominal value and the nominal value, so that keys
    that failed together do not come back together and the cap is never passed.
    """

    def __init__(self, *, base: float = 1.0, cap: float = 300.0, jitter: float = 0.25, random: Random) -> None:
        if not 0 < base <= cap:
            raise ValueError(f"the base must be above 0 and at most the cap, got base {base} and cap {cap}")
        if not 0 <= jitter < 1:
            raise ValueError(f"the jitter is a fraction from 0 to below 1, got {jitter}")
        self._base = base
        self._cap = cap
        self._jitter = jitter
        self._random = random
        self._failures: dict[str, int] = {}

    def failed(self, key: str) -> float:
        """Count a failure; returns the seconds to wait."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        nominal = min(self._cap, self._base * 2.0 ** min(count, _MAX_DOUBLINGS))
        return nominal * (1 - self._jitter * self._random.random())

    def forget(self, key: str) -> None:
        """The key succeeded, or is gone: its next failure is the first."""
        self._failures.pop(key, None)

    def failures(self, key: str) -> int:
        """Failures in a row."""
        return self._failures.get(key, 0)

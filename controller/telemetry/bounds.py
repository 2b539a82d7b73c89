"""Keeps labels bounded: which values a label may take, whatever the site or Proxmox comes up with."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection, Iterator, Mapping

from controller.telemetry.families import MOST_NAMES, OTHER, Family, Named, Values
from controller.telemetry.snapshot import Labels


class Names:
    """Remembers the first names that it hears, so many; any later one is ``Other``. For ever: counters never go."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def hold(self, name: str) -> str:
        if name in self._known:
            return name
        with self._lock:
            if len(self._known) >= self._most:
                return OTHER
            self._known.add(name)
            return name


class Bounds:
    """The bounds of all labels of one registry. Safe to use from several threads."""

    def __init__(self, *, most: int = MOST_NAMES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._names: dict[Named, Names] = {}

    def hold(self, family: Family, labels: Labels) -> Labels:
        """The label values to use for these: unforeseen ones are ``Other``."""
        return tuple(self._hold(values, label) for values, label in zip(family.labels.values(), labels, strict=True))

    def foreseen(self, family: Family, names: Mapping[Named, Collection[str]]) -> Iterator[Labels]:
        """All combinations of label values that can be told before anything was counted.

        ``names``: what the site has now. A label that is not bounded has none.
        """
        return itertools.product(*(self._foreseen(values, names) for values in family.labels.values()))

    def _foreseen(self, values: Values, names: Mapping[Named, Collection[str]]) -> Collection[str]:
        if not isinstance(values, Named):
            return values
        if not values.bounded:
            return ()
        return dict.fromkeys(self._hold(values, name) for name in (*values.foreseen, *names.get(values, ())))

    def _hold(self, values: Values, value: str) -> str:
        if not isinstance(values, Named):
            return value if value in values else OTHER
        if not values.bounded:
            return value
        with self._lock:
            known = self._names.setdefault(values, Names(self._most))
        return known.hold(value)

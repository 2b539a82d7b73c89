"""How many streams there may be at once: each is a connection that stays."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

from controller.web.limits import address_key
from controller.web.people import Person
from controller.web.refusals import Refused

AGAIN_IN = 10.0
"""Seconds after which a place may be free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MostStreams:
    total: int = 400
    per_address: int = 100
    """A class may sit behind one address."""


class Places:
    """Safe to use from several threads."""

    def __init__(self, most: MostStreams) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def __len__(self) -> int:
        with self._lock:
            return self._taken.total()

    def take(self, person: Person) -> Place:
        """Raises ``Refused``."""
        key = address_key(person.client)
        with self._lock:
            if self._taken.total() >= self._most.total:
                raise Refused(503, "Full", "too many people are looking: ask again later", retry_after=AGAIN_IN)
            if self._taken[key] >= self._most.per_address:
                raise Refused(
                    429,
                    "TooManyStreams",
                    f"{self._most.per_address} streams go to your address already: ask for the session itself instead",
                    retry_after=AGAIN_IN,
                )
            self._taken[key] += 1
        return Place(self, key)

    def give_back(self, key: str) -> None:
        with self._lock:
            self._taken[key] -= 1
            if self._taken[key] <= 0:
                del self._taken[key]


class Place:
    """Given back once, however often that is asked for."""

    def __init__(self, places: Places, key: str) -> None:
        self._places = places
        self._key: str | None = key

    def give_back(self) -> None:
        key, self._key = self._key, None
        if key is not None:
            self._places.give_back(key)

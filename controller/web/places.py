"""Room that was promised to launches and that the controller does not show yet: quotas are exact because of it.

A place is taken before a manifest is written, and given back when that fails, or when a snapshot that was begun after
it was written shows all there is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from controller.web.desktops import Marks
from controller.web.progress import OVER, Step, step_of
from controller.web.quotas import Claim, Quotas, check
from controller.web.refusals import Refused
from controller.web.roster import Roster, Snapshot


@dataclass(slots=True, kw_only=True, eq=False)
class Place:
    name: str
    claim: Claim
    idempotency: str | None
    settled: threading.Event = field(default_factory=threading.Event)
    """The manifest was written, or will not be."""
    written_by: int | None = None
    """Snapshots with a higher number show it, or show that it is gone."""


class Places:
    """Safe to use from several threads."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._lock = threading.Lock()
        self._places: dict[str, Place] = {}

    def take(self, name: str, claim: Claim, quotas: Quotas, *, idempotency: str | None) -> Place | None:
        """A place, or None where the same launch is under way or was carried out before: see ``twin``.

        Raises:
            Refused: there is no room, or somebody is just launching a session of that name.
        """
        with self._lock:
            snapshot = self._roster.snapshot()
            if idempotency is not None and self._twin(idempotency, snapshot) is not None:
                return None
            if name in self._pending(snapshot):
                raise Refused(409, "Exists", f"there is a session {name} already: choose another name")
            check(quotas, self._claims(snapshot), claim)
            place = self._places[name] = Place(name=name, claim=claim, idempotency=idempotency)
            return place

    def written(self, place: Place) -> None:
        with self._lock:
            place.written_by = self._roster.begun
        place.settled.set()

    def give_back(self, place: Place) -> None:
        with self._lock:
            self._places.pop(place.name, None)
        place.settled.set()

    def twin(self, idempotency: str) -> Place | str | None:
        """The launch under way with the same idempotency key, or the name of the session that came of it."""
        with self._lock:
            return self._twin(idempotency, self._roster.snapshot())

    def unseen(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Sessions whose manifest was written and that the snapshot may not show yet."""
        with self._lock:
            pending = self._pending(snapshot)
            return tuple(name for name, place in pending.items() if place.written_by is not None)

    def _twin(self, idempotency: str, snapshot: Snapshot) -> Place | str | None:
        for place in self._pending(snapshot).values():
            if place.idempotency == idempotency:
                return place
        return next((name for name, marks in snapshot.marks.items() if marks.idempotency == idempotency), None)

    def _pending(self, snapshot: Snapshot) -> dict[str, Place]:
        """Those that the snapshot may not show; what it must show is forgotten."""
        self._places = {
            name: place
            for name, place in self._places.items()
            if place.written_by is None or place.written_by >= snapshot.number
        }
        return self._places

    def _claims(self, snapshot: Snapshot) -> Iterator[Claim]:
        pending = self._pending(snapshot)
        for place in pending.values():
            yield place.claim
        for name, view in snapshot.views.items():
            marks, step = snapshot.marks[name], step_of(view)
            if marks.made_here and name not in pending and step not in OVER:
                yield _claim(view.template, view.owner, marks, leaving=step is Step.ENDING)


def _claim(template: str | None, owner: str | None, marks: Marks, *, leaving: bool) -> Claim:
    return Claim(template=template or "", owner=owner, ticket=marks.ticket, address=marks.client, leaving=leaving)

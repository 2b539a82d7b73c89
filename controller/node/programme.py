"""What is to happen to a node and when: entries on its schedule, each with how it is taken back.

It knows nothing of what the entries do: those of a script of faults come from ``script``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from controller.node.schedule import Schedule

LOG = logging.getLogger(__name__)
Undo: TypeAlias = Callable[[], None]


class Phase(StrEnum):
    WAITING = "waiting"
    IN_FORCE = "in force"
    OVER = "over"
    FAILED = "failed"
    CALLED_OFF = "called off"


@dataclass(slots=True, kw_only=True)
class Entry:
    """One thing that happens. ``begin`` returns how to take it back, None where that cannot be; it may raise
    ``LookupError`` for what is not there at that time.
    """

    title: str
    at: float
    """Seconds from when it was added."""
    lasting: float | None
    """Seconds; None: until it is called off."""
    begin: Callable[[], Undo | None]
    phase: Phase = Phase.WAITING
    failure: str | None = None
    undo: Undo | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "at": self.at,
            "for": self.lasting,
            "phase": self.phase.value,
            "failure": self.failure,
        }


class Programme:
    """All entries, in the order in which they were added."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._schedule.at(self._schedule.now() + entry.at, lambda: self._begin(entry))

    def call_off(self) -> None:
        """What waits does not come, what is in force is taken back."""
        for entry in reversed(self.entries):
            if entry.phase is Phase.IN_FORCE:
                self._end(entry)
            elif entry.phase is Phase.WAITING:
                entry.phase = Phase.CALLED_OFF

    def _begin(self, entry: Entry) -> None:
        if entry.phase is not Phase.WAITING:
            return
        try:
            entry.undo = entry.begin()
        except LookupError as error:
            entry.phase, entry.failure = Phase.FAILED, str(error.args[0] if error.args else error)
            LOG.warning("%s did not happen: %s", entry.title, entry.failure)
            return
        LOG.info("%s", entry.title)
        if entry.undo is None:
            entry.phase = Phase.OVER
            return
        entry.phase = Phase.IN_FORCE
        if entry.lasting is not None:
            self._schedule.at(self._schedule.now() + entry.lasting, lambda: self._end(entry))

    def _end(self, entry: Entry) -> None:
        """A container that is gone meanwhile needs nothing taken back."""
        if entry.phase is not Phase.IN_FORCE or entry.undo is None:
            return
        entry.phase = Phase.OVER
        try:
            entry.undo()
        except LookupError as error:
            entry.failure = str(error.args[0] if error.args else error)
        LOG.info("%s: over", entry.title)

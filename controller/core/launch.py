"""How a session came to its desktop and how long each part of that took. Pure: every time is one that was recorded."""

from __future__ import annotations

from typing import Literal

from controller.core.incarnation import Incarnation
from controller.core.model import CloneSource, SessionSpec, Timestamp

Launch = Literal["archive", "clone"]


def launch_of(spec: SessionSpec) -> Launch:
    """What its container is made from."""
    return "clone" if isinstance(spec.source, CloneSource) else "archive"


def wanted_since(life: Incarnation) -> Timestamp:
    """When somebody began to wait for the desktop: at the acceptance, or at a later ``startAt``."""
    return max(life.accepted_at, life.spec.start_at or 0.0)


def ready_after(life: Incarnation) -> float | None:
    """Seconds that somebody waited for the desktop; None while it is not ready."""
    return None if life.ready_at is None else _between(wanted_since(life), life.ready_at)


def ready_parts(life: Incarnation) -> dict[str, float]:
    """Seconds of each part of that wait that is over, by its name; together they are ``ready_after``.

    ``waiting`` until the container is asked for, ``making`` it until it is asked to start, ``starting`` it until the
    desktop answers. Of several containers the last one counts; the time for those before it is part of the waiting.
    """
    placement = life.placement
    marks: list[tuple[str, Timestamp | None, Timestamp | None]] = [
        ("waiting", wanted_since(life), placement.intended_at if placement is not None else None),
        ("making", placement.intended_at if placement is not None else None, life.started_at),
        ("starting", life.started_at, life.ready_at),
    ]
    return {part: _between(begin, end) for part, begin, end in marks if begin is not None and end is not None}


def _between(begin: Timestamp, end: Timestamp) -> float:
    """Never negative: the clock may have been set back between the two."""
    return max(0.0, end - begin)

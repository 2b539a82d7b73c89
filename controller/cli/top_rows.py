"""Which sessions ``winux top`` shows and in what order. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from controller.admin.models import SessionView
from controller.core.model import Phase


class Order(StrEnum):
    URGENT = "problems first"
    TIME_LEFT = "time left"
    NEWEST = "newest first"
    NAME = "name"
    OWNER = "owner"

    @property
    def following(self) -> Order:
        every = list(Order)
        return every[(every.index(self) + 1) % len(every)]


_PHASES = frozenset(phase.lower() for phase in Phase)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NEVER = float("inf")


def troubled(view: SessionView) -> bool:
    """Whether somebody may have to do something about it."""
    return view.failing or view.phase == "Failed" or bool(view.problems)


def _urgency(view: SessionView) -> int:
    """Problems, what is held, what moves, what is there, what waits for its hour, what is over."""
    if troubled(view):
        return 0
    if view.phase == "Held":
        return 1
    if view.phase == "Pending" and view.reason == "Scheduled":
        return 4
    return {"Ready": 3, "Expired": 5}.get(view.phase, 2)


def _left(view: SessionView) -> float:
    return view.seconds_left if view.seconds_left is not None else _NEVER


def _key(view: SessionView, order: Order) -> tuple[object, ...]:
    match order:
        case Order.URGENT:
            return _urgency(view), _left(view), view.name
        case Order.TIME_LEFT:
            return _left(view), view.name
        case Order.NEWEST:
            return -(view.accepted_at or _LONG_AGO).timestamp(), view.name
        case Order.NAME:
            return (view.name,)
        case Order.OWNER:
            return view.owner is None, view.owner or "", view.name


def _matches(view: SessionView, words: Iterable[str]) -> bool:
    told = (view.name, view.phase, view.reason, view.owner, view.template, view.node, view.address, view.message)
    text = "\n".join([*(part for part in told if part), *([str(view.vmid)] if view.vmid is not None else [])]).lower()
    return all(word == view.phase.lower() if word in _PHASES else word in text for word in words)


def arranged(views: Iterable[SessionView], *, order: Order, text: str) -> list[SessionView]:
    """Those that have every word of ``text`` in what a row may show, in whatever case; sorted.

    A word that names a phase is taken for that: nobody who types "ready" looks for what never became so.
    """
    words = text.lower().split()
    return sorted((view for view in views if _matches(view, words)), key=lambda view: _key(view, order))

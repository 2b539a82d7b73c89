"""Where events are sent on to: what a sink is, how it says that it took nothing, and what an event looks like there."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from typing import Protocol

from controller.admin.views import event_view
from controller.ledger.events import Event, EventType
from controller.telemetry import redact

OWN_REASONS = frozenset({"EventsNotDelivered", "EventsDelivered", "EventsDropped"})
"""Told about the sinks themselves, and never sent on: a sink that fails now and then would go on for ever."""


class NotTaken(Exception):
    """A sink did not take events; ``str()`` says why, as what follows a colon."""

    def __init__(self, why: str, *, pause: float | None = None, refused: bool = False, too_much: bool = False) -> None:
        """``pause``: seconds for which it asks to be left alone. ``refused``: it will not change its mind by itself.

        ``too_much``: fewer events at once may be taken.
        """
        super().__init__(why)
        self.pause = pause
        self.refused = refused
        self.too_much = too_much


class Sink(Protocol):
    """Sinks that are equal lead to the same place in the same way. Used by one thread."""

    @property
    def name(self) -> str:
        """``file`` or ``webhook``: under this name the ledger keeps how far it got."""
        ...

    @property
    def place(self) -> str:
        """For people, without a secret: ``the file /var/log/winux/events.jsonl``."""
        ...

    @property
    def types(self) -> Collection[EventType]:
        """What it wants."""
        ...

    def send(self, events: Sequence[Event], stop: threading.Event) -> None:
        """Returns when they are taken; gives up within half a minute, and soon when ``stop`` is set.

        Raises:
            NotTaken: not all of them; they come again.
        """
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


def fields_of(event: Event) -> dict[str, object]:
    """As ``winux events -o json`` shows it, without any secret that is known."""
    return redact.clean_fields(event_view(event).model_dump(mode="json", by_alias=True))

"""A session as it changes, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Nothing is held while nothing happens but a connection: the desk is asked once a second in a thread of its own few, and
what it knows it asks the controller for once for everybody. Clients begin anew when a stream ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from anyio import CapacityLimiter, to_thread
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from controller.engine.clock import Clock
from controller.web.desk import Desk
from controller.web.people import Person
from controller.web.refusals import Refused
from controller.web.v1 import showing
from controller.web.v1.etags import etag_of
from controller.web.v1.models import Event, Session
from controller.web.v1.streams import Place
from controller.web.v1.visible import look

THREADS = 4
"""That all streams share: whoever waits for an order does not wait for them."""
MOST_EVENTS = 100
_PREAMBLE = ": a session as it changes\nretry: 2000\n\n"
_HEARTBEAT = ": still here\n\n"

MESSAGE_SCHEMA: Mapping[str, object] = {
    "title": "Message",
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["session", "event", "gone"]},
        "data": {"type": "string", "contentMediaType": "application/json", "description": "A Session or an Event."},
        "id": {"type": "string", "description": "Of an Event."},
    },
}
"""Of one message of a stream."""

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds."""

    look: float = 1.0
    """Between two looks at the session."""
    events: float = 5.0
    """Between two looks at its events while nothing else changes."""
    heartbeat: float = 15.0
    """After which something is said though nothing happened: proxies close what is silent."""
    lasts: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is looked at, and for whom."""

    desk: Desk
    person: Person
    mode: str
    name: str
    after: int
    """The id of the last event that the client has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    session: Session | None
    """None: it is gone."""
    tag: str = ""
    events: tuple[Event, ...] = ()


class Streamer:
    """Makes streams; one for a server."""

    def __init__(self, *, clock: Clock, pace: Pace | None = None, pause: Pause = asyncio.sleep) -> None:
        self._clock = clock
        self._pace = pace or Pace()
        self._pause = pause
        self._threads = CapacityLimiter(THREADS)

    async def follow(self, watched: Watched) -> AsyncIterator[str]:
        """Texts of the stream, until its time is over or the session is gone."""
        pace, now = self._pace, self._clock.monotonic
        began = spoke = now()
        asked_for_events = float("-inf")
        tag, after = "", watched.after
        yield _PREAMBLE
        while now() - began < pace.lasts:
            with_events = now() - asked_for_events >= pace.events
            sight = await self._look(watched, tag, after=after, with_events=with_events)
            if sight is not None:
                if sight.session is None:
                    yield f'event: gone\ndata: {{"name":"{watched.name}"}}\n\n'
                    return
                if with_events or sight.tag != tag:
                    asked_for_events = now()
                said = [_message("event", event, number=event.id) for event in sight.events]
                if sight.tag != tag:
                    said.insert(0, _message("session", sight.session))
                if said:
                    spoke = now()
                    yield "".join(said)
                tag = sight.tag
                after = max([after, *(event.id for event in sight.events)])
            if now() - spoke >= pace.heartbeat:
                spoke = now()
                yield _HEARTBEAT
            await self._pause(pace.look)

    async def _look(self, watched: Watched, tag: str, *, after: int, with_events: bool) -> _Sight | None:
        """None: the controller cannot answer just now."""

        def looking() -> _Sight | None:
            try:
                return self._sight(watched, tag, after=after, with_events=with_events)
            except Refused as refused:
                return _Sight(session=None) if refused.status in {403, 404} else None

        return await to_thread.run_sync(looking, limiter=self._threads)

    def _sight(self, watched: Watched, tag: str, *, after: int, with_events: bool) -> _Sight:
        desk, person, name = watched.desk, watched.person, watched.name
        desktop = look(desk, person, watched.mode, name)
        shown = showing.session(desktop, desk.rules, now=self._clock.now())
        found = etag_of(shown)
        if not desktop.may_control or not (with_events or found != tag):
            return _Sight(session=shown, tag=found)
        events = desk.events(person, name, after=after, limit=MOST_EVENTS)
        return _Sight(session=shown, tag=found, events=tuple(showing.event(event) for event in events))


class EventStream(StreamingResponse):
    """Gives its place back however it ends, also where nobody listens any more when it begins."""

    media_type = "text/event-stream"

    def __init__(self, texts: AsyncIterator[str], place: Place) -> None:
        # nginx would keep what is said until its buffer is full
        headers = {"cache-control": "no-store", "x-accel-buffering": "no", "vary": "Cookie, Authorization"}
        super().__init__(texts, headers=headers)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._place.give_back()


def _message(kind: str, shown: BaseModel, *, number: int | None = None) -> str:
    """One message; JSON has no line breaks of its own."""
    identity = f"id: {number}\n" if number is not None else ""
    return f"{identity}event: {kind}\ndata: {shown.model_dump_json(by_alias=True)}\n\n"

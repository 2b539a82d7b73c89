"""The HTTP API below ``/api/v1``: sessions, what is offered, how everything stands. The page uses nothing else.

All rules are the desk's; here is how they are asked and told: JSON, problem details, entity tags, pages, streams.
"""

from __future__ import annotations

from fastapi import APIRouter

from controller.engine.clock import Clock
from controller.web.asking import Part
from controller.web.v1.description import add_description
from controller.web.v1.house import house_routes
from controller.web.v1.problems import answer, operation_id
from controller.web.v1.sessions import session_routes
from controller.web.v1.stream import Streamer
from controller.web.v1.streams import MostStreams, Places

PREFIX = "/api/v1"


def part(*, clock: Clock, streams: MostStreams | None = None, streamer: Streamer | None = None) -> Part:
    """``streams``: how many there may be at once. ``streamer``: None for one at the usual pace."""
    router = APIRouter(prefix=PREFIX, generate_unique_id_function=operation_id)
    router.include_router(house_routes())
    router.include_router(
        session_routes(clock=clock, streamer=streamer or Streamer(clock=clock), places=Places(streams or MostStreams()))
    )
    add_description(router)
    return Part(prefix=PREFIX, router=router, answer=answer)

"""The routes of the old API. What is permitted is the desk's business; here its answers get their old form."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from controller.core.model import Phase
from controller.engine.clock import Clock
from controller.web.asking import Part, TheDesk, TheOptions, Who, hand_over
from controller.web.desk import Desk
from controller.web.desktops import Desktop
from controller.web.people import Person, may_see_all
from controller.web.progress import OVER, Step
from controller.web.refusals import Refused
from controller.web.seed.launches import Launches
from controller.web.seed.lookout import Lookout
from controller.web.seed.models import (
    NAME_PATTERN,
    Cleaned,
    Ended,
    Failure,
    Found,
    Health,
    Index,
    Launched,
    LaunchOrder,
    Listed,
    NotMade,
    Status,
)
from controller.web.seed.orders import launch_order
from controller.web.seed.sessions import instant, session_of, shown

PREFIX = "/api/winux"
OLD_PAGE = ("/winux", "/winux/", "/winux/index.html")
"""Where the old page lay."""
MOST_CLEANED = 100
"""Sessions that one call clears away at most."""
ENDPOINTS = {
    "health": f"GET {PREFIX}/health",
    "sessions": f"GET {PREFIX}/sessions",
    "create_session": f"POST {PREFIX}/sessions",
    "get_session": f"GET {PREFIX}/sessions/<session_id>",
    "delete_session": f"DELETE {PREFIX}/sessions/<session_id>",
    "cleanup": f"POST {PREFIX}/cleanup",
}
_SENTENCES = {
    400: "Something in the request cannot be used",
    401: "A login is needed, or the proof of one is wrong",
    403: "It is somebody else's, or a page of another site asked",
    404: "There is no such session",
    408: "The body took too long",
    409: "There is a session of that name already, or it does not stand so that this could be done",
    413: "The body is too long",
    421: "The request is meant for another site",
    429: "Too many of this person, or too often: see Retry-After",
    503: "All desktops are taken, or the controller cannot answer: see Retry-After",
}
_ANYWHERE = (400, 401, 403, 421, 503)
SessionId = Annotated[str, Path(json_schema_extra={"pattern": NAME_PATTERN})]
_ORDER = {"anyOf": [LaunchOrder.model_json_schema(), {"type": "null"}]}
_BODY = {"required": False, "content": {"application/json": {"schema": _ORDER}}}


def seed_part(*, clock: Clock, lookout: Lookout | None = None) -> Part:
    """The old API, and the way from where the old page lay to the new one."""
    routes = APIRouter(tags=["winux"])
    _add_launch(routes, Launches(clock=clock, lookout=Lookout() if lookout is None else lookout))
    _add_sessions(routes, clock)
    _add_house(routes, clock)
    _add_old_page(routes)
    return Part(prefix=PREFIX, router=routes, answer=answer)


def answer(_request: Request, refused: Refused) -> JSONResponse:
    """A refusal in the old form."""
    # What is wrong with an order was always 400 here.
    status = 400 if refused.status == 422 else refused.status
    return _json(Failure(error=refused.detail, message=refused.detail), status, headers=refused.headers)


def _add_launch(routes: APIRouter, launches: Launches) -> None:
    outcomes: dict[int | str, dict[str, Any]] = {
        202: {"model": Launched, "description": "It is being made, and takes longer than is waited for here"},
        409: {"model": NotMade | Failure, "description": "There is one of that name, or it was ended meanwhile"},
        500: {"model": NotMade | Failure, "description": "The desktop could not be made"},
    }

    @routes.post(
        f"{PREFIX}/sessions",
        status_code=201,
        response_model=Launched,
        responses=_refusals(408, 413, 429) | outcomes,
        openapi_extra={"requestBody": _BODY},
    )
    async def launch(request: Request, person: Who, desk: TheDesk, options: TheOptions) -> Response:
        """Answers once it is ready, and after a bounded time in any case."""
        order = launch_order(await request.body())
        told = await launches.launch(desk, person, order, within=options.wait)
        response = _json(told.body, told.status)
        hand_over(request, response, told.ticket)
        return response


def _add_sessions(routes: APIRouter, clock: Clock) -> None:
    @routes.get(f"{PREFIX}/sessions", response_model=Listed, responses=_refusals())
    def sessions(person: Who, desk: TheDesk) -> Response:
        """Your own that are not over; operators see everybody's."""
        there = [one for one in _all(desk, person) if one.progress.step is not Step.ENDED]
        return _json(Listed(sessions=tuple(session_of(one, now=clock.now()) for one in there)))

    # As a path, so that what cannot be a name is told so.
    one = f"{PREFIX}/sessions/{{session_id:path}}"

    @routes.get(one, response_model=Found, responses=_refusals(404))
    def session(session_id: SessionId, person: Who, desk: TheDesk) -> Response:
        """With what to log in by, for whoever launched it."""
        return _json(Found(session=shown(desk, person, desk.look(person, session_id), now=clock.now())))

    @routes.delete(one, response_model=Ended, responses=_refusals(404, 408, 409, 413))
    def end(session_id: SessionId, person: Who, desk: TheDesk) -> Response:
        """It is listed as ending until its container was seen to be gone."""
        session = session_of(desk.end(person, session_id), now=clock.now())
        said = "has ended" if session.status in {Status.ENDED, Status.FAILED} else "is ending"
        return _json(Ended(session=session, message=f"session {session.session_id} {said}"))


def _add_house(routes: APIRouter, clock: Clock) -> None:
    @routes.post(f"{PREFIX}/cleanup", response_model=Cleaned, responses=_refusals(408, 413))
    def cleanup(person: Who, desk: TheDesk) -> Response:
        """Clears away what is left of your sessions that are over. None is ended by it: they end by themselves."""
        over = [one.view.name for one in _all(desk, person) if one.made_here and one.progress.step in OVER]
        cleaned = tuple(name for name in over[:MOST_CLEANED] if _cleared(desk, person, name))
        return _json(Cleaned(cleaned_sessions=cleaned, message=_cleaned(len(cleaned))))

    unhealthy: dict[int | str, dict[str, Any]] = {
        503: {"model": Health | Failure, "description": "The controller cannot answer"}
    }

    @routes.get(f"{PREFIX}/health", response_model=Health, responses=_refusals() | unhealthy)
    def health(person: Who, desk: TheDesk) -> Response:
        try:
            phases = desk.status(person).phases
        except Refused as refused:
            return _json(_health(clock, refused.detail, active=None), 503, headers=refused.headers)
        active = sum(count for phase, count in phases.items() if phase not in {Phase.EXPIRED, Phase.FAILED})
        return _json(_health(clock, "the controller answers", active=active))

    async def index() -> Response:
        said = "temporary Linux desktops, by the old routes: new clients use /api/v1"
        return _json(Index(message=said, endpoints=ENDPOINTS, timestamp=instant(clock.now())))

    routes.add_api_route(PREFIX, index, methods=["GET"], response_model=Index, responses=_refusals())
    routes.add_api_route(f"{PREFIX}/", index, methods=["GET"], include_in_schema=False)


def _add_old_page(routes: APIRouter) -> None:
    async def moved(request: Request) -> Response:
        # Relative: the whole may be served below any path.
        here = "./" if request.url.path.endswith("/winux") else "../"
        return Response(status_code=308, headers={"location": here, "cache-control": "no-store"})

    for path in OLD_PAGE:
        routes.add_api_route(path, moved, methods=["GET", "HEAD"], include_in_schema=False)


def _all(desk: Desk, person: Person) -> tuple[Desktop, ...]:
    return desk.list(person, everybody=may_see_all(person))


def _cleared(desk: Desk, person: Person, name: str) -> bool:
    try:
        desk.end(person, name)
    except Refused as refused:
        if refused.status >= 500:
            raise
        return False  # somebody else cleared it away
    return True


def _cleaned(count: int) -> str:
    if count == 0:
        return "nothing of yours was left to clear away: sessions end by themselves when their time is up"
    return (
        f"cleared away {count} session{'' if count == 1 else 's'} of yours that {'was' if count == 1 else 'were'} over"
    )


def _health(clock: Clock, message: str, *, active: int | None) -> Health:
    return Health(
        success=active is not None,
        status="unhealthy" if active is None else "healthy",
        message=message,
        timestamp=instant(clock.now()),
        active_sessions=active,
    )


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    every = sorted({*_ANYWHERE, *statuses})
    return {status: {"model": Failure, "description": _SENTENCES[status]} for status in every}


def _json(model: BaseModel, status: int = 200, *, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(model.model_dump(mode="json"), status, headers={"cache-control": "no-store", **(headers or {})})

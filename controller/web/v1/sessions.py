"""The routes of ``/api/v1/sessions``: launch, list, look, follow, extend, end, log in."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Body, Header, Path, Query, Request, Response

from controller.admin.rdpfile import rdp_text
from controller.api.quantities import format_duration
from controller.engine.clock import Clock
from controller.web.asking import TheDesk, TheOptions, Who, hand_over
from controller.web.desktops import Desktop
from controller.web.refusals import Refused
from controller.web.v1 import etags, showing
from controller.web.v1.models import (
    NAME_PATTERN,
    Credential,
    EventItems,
    Extend,
    Launch,
    LaunchedSession,
    Session,
    SessionPage,
)
from controller.web.v1.paging import MOST, USUAL, page_of
from controller.web.v1.problems import Route, refusals
from controller.web.v1.stream import MESSAGE_SCHEMA, MOST_EVENTS, EventStream, Streamer, Watched
from controller.web.v1.streams import Places
from controller.web.v1.visible import hidden, look

RDP = "application/x-rdp"
_LAST_ID = 2**63 - 1


class Scope(StrEnum):
    """Whose sessions: one's own, or everybody's, which operators may see."""

    MINE = "mine"
    ALL = "all"


Name = Annotated[
    str,
    Path(
        description="The session's name.",
        json_schema_extra={"pattern": NAME_PATTERN, "maxLength": 63, "examples": ["amber-otter-42"]},
    ),
]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern="^[!-~]{16,200}$",
        description="At least 16 characters of chance, such as a UUID. Sent again with the same body, it gives the "
        "same session instead of another one; with another body it is refused with 422.",
    ),
]
IfMatch = Annotated[str, Header(alias="If-Match", description="Do it only in the state that this tag stands for.")]
LastId = Annotated[
    str, Header(alias="Last-Event-ID", max_length=40, description="The id of the last event that is known.")
]
_CREATED = {
    "headers": {
        **etags.TAGGED["headers"],
        "Location": {"description": "The session, relative to this address.", "schema": {"type": "string"}},
        "Set-Cookie": {"description": "The ticket, for browsers.", "schema": {"type": "string"}},
    }
}


def session_routes(*, clock: Clock, streamer: Streamer, places: Places) -> APIRouter:
    """Below the prefix of the API."""
    router = APIRouter(prefix="/sessions", tags=["sessions"], route_class=Route)
    _add_launch(router, clock)
    _add_questions(router, clock)
    _add_stream(router, streamer, places)
    _add_orders(router, clock)
    _add_login(router)
    return router


def _add_launch(router: APIRouter, clock: Clock) -> None:
    @router.post(
        "",
        summary="Launch a desktop",
        status_code=201,
        response_model=LaunchedSession,
        response_description="It is being made. A cookie keeps the ticket.",
        responses={
            201: _CREATED,
            200: {
                **_CREATED,
                "model": LaunchedSession,
                "description": "The same launch was carried out before: this is its session.",
            },
            **refusals(409, order=True),
        },
    )
    def launch(
        request: Request,
        *,
        person: Who,
        desk: TheDesk,
        order: Annotated[Launch | None, Body()] = None,
        key: Key = "",
    ) -> Response:
        """Returns at once; the session's `phase` and `progress` say how far it is. All fields may be left out."""
        wish = order or Launch()
        made = desk.launch(
            person,
            template=wish.template,
            seconds=wish.duration_minutes * 60.0 if wish.duration_minutes is not None else None,
            name=wish.name,
            language=wish.language,
            idempotency=key or None,
            captcha=wish.captcha,
        )
        if made.repeated:
            _require_same(made.session, wish)
        shown = showing.session(made.session, desk.rules, now=clock.now())
        answer = Response(
            showing.launched(shown, made.ticket).model_dump_json(by_alias=True),
            status_code=200 if made.repeated else 201,
            media_type="application/json",
            headers={
                **etags.SECRET,
                "etag": etags.etag_of(shown),
                "location": f"sessions/{shown.name}",  # relative: a proxy may serve this below another path
            },
        )
        hand_over(request, answer, made.ticket)
        return answer


def _add_questions(router: APIRouter, clock: Clock) -> None:
    @router.get(
        "",
        summary="List sessions",
        response_model=SessionPage,
        responses={**etags.DESCRIBED, **refusals()},
    )
    def sessions(
        request: Request,
        *,
        person: Who,
        desk: TheDesk,
        scope: Scope = Scope.MINE,
        limit: Annotated[int, Query(ge=1, le=MOST, description="Items at most.")] = USUAL,
        token: Annotated[
            str, Query(alias="continue", max_length=400, description="Of the page before: where to go on.")
        ] = "",
        _known: etags.IfNoneMatch = "",
    ) -> Response:
        """In the order of their names. There are no passwords in it."""
        page = page_of(desk.list(person, everybody=scope is Scope.ALL), limit=limit, token=token)
        now = clock.now()
        items = tuple(showing.session(desktop, desk.rules, now=now) for desktop in page.items)
        return etags.answer(request, SessionPage(items=items, continue_=page.token))

    @router.get(
        "/{name}",
        summary="Look at a session",
        response_model=Session,
        responses={**etags.DESCRIBED, **refusals(404)},
    )
    def session(
        request: Request,
        *,
        name: Name,
        person: Who,
        desk: TheDesk,
        options: TheOptions,
        _known: etags.IfNoneMatch = "",
    ) -> Response:
        """Its entity tag changes when something happens, not with the time that passes."""
        desktop = look(desk, person, options.mode, name)
        return etags.answer(request, showing.session(desktop, desk.rules, now=clock.now()))

    @router.get(
        "/{name}/events",
        summary="What happened to a session",
        response_model=EventItems,
        responses={**etags.DESCRIBED, **refusals(404)},
    )
    def session_events(
        request: Request,
        *,
        name: Name,
        person: Who,
        desk: TheDesk,
        options: TheOptions,
        after: Annotated[int, Query(ge=0, le=_LAST_ID, description="Only events with a higher id.")] = 0,
        limit: Annotated[int, Query(ge=1, le=500, description="The newest so many.")] = MOST_EVENTS,
        _known: etags.IfNoneMatch = "",
    ) -> Response:
        """For who may extend and end it."""
        with hidden(person, options.mode, name):
            found = desk.events(person, name, after=after, limit=limit)
        return etags.answer(request, EventItems(items=tuple(showing.event(event) for event in found)))


def _add_stream(router: APIRouter, streamer: Streamer, places: Places) -> None:
    @router.get(
        "/{name}/stream",
        summary="Follow a session",
        status_code=200,
        response_class=EventStream,
        response_description="`event: session` with a Session at once and whenever it changes, `event: event` with an "
        "Event, `event: gone` when there is nothing more to see. Comments now and then.",
        responses={200: {"content": {EventStream.media_type: {"schema": MESSAGE_SCHEMA}}}, **refusals(404)},
    )
    async def stream(
        *,
        name: Name,
        person: Who,
        desk: TheDesk,
        options: TheOptions,
        last: LastId = "",
    ) -> Response:
        """Server-sent events. A stream ends after five minutes: EventSource begins another one by itself."""
        await to_thread.run_sync(look, desk, person, options.mode, name)
        place = places.take(person)
        after = min(int(last), _LAST_ID) if last.isascii() and last.isdecimal() else 0
        watched = Watched(desk=desk, person=person, mode=options.mode, name=name, after=after)
        return EventStream(streamer.follow(watched), place)


def _add_orders(router: APIRouter, clock: Clock) -> None:
    @router.post(
        "/{name}/extend",
        summary="Give a session more time",
        response_model=Session,
        responses={200: etags.TAGGED, **refusals(404, 409, 412, order=True)},
    )
    def extend(
        request: Request,
        *,
        name: Name,
        order: Extend,
        person: Who,
        desk: TheDesk,
        options: TheOptions,
        _state: IfMatch = "",
    ) -> Response:
        """By `extendableSeconds` at most. For who launched it, and for operators."""
        with hidden(person, options.mode, name):
            _require_state(request, desk, look(desk, person, options.mode, name), clock)
            desktop = desk.extend(person, name, order.minutes * 60.0)
        return etags.answer(request, showing.session(desktop, desk.rules, now=clock.now()))

    @router.delete(
        "/{name}",
        summary="End a session",
        status_code=202,
        response_model=Session,
        response_description="It is ending; what was on it is lost.",
        responses={202: etags.TAGGED, **refusals(404, 409, 412, order=True)},
    )
    def end(
        request: Request, *, name: Name, person: Who, desk: TheDesk, options: TheOptions, _state: IfMatch = ""
    ) -> Response:
        """For who launched it, and for operators."""
        with hidden(person, options.mode, name):
            _require_state(request, desk, look(desk, person, options.mode, name), clock)
            desktop = desk.end(person, name)
        return etags.answer(request, showing.session(desktop, desk.rules, now=clock.now()), status=202)


def _add_login(router: APIRouter) -> None:
    @router.get(
        "/{name}/credential",
        summary="By what to log in",
        response_model=Credential,
        responses=refusals(404, 409),
    )
    def credential(*, name: Name, person: Who, desk: TheDesk, options: TheOptions) -> Response:
        """For who launched it, and for administrators. 409 as long as there is nothing to log in to."""
        with hidden(person, options.mode, name):
            found = showing.credential(desk.credential(person, name))
        return Response(found.model_dump_json(by_alias=True), media_type="application/json", headers=etags.SECRET)

    @router.get(
        "/{name}/rdp",
        summary="A file for Remote Desktop clients",
        response_class=Response,
        responses={
            200: {"content": {RDP: {"schema": {"type": "string", "format": "binary"}}}, "description": "NAME.rdp"},
            **refusals(404, 409),
        },
    )
    def rdp(*, name: Name, person: Who, desk: TheDesk, options: TheOptions) -> Response:
        """There is no password in it. For who may see the credential."""
        with hidden(person, options.mode, name):
            text = rdp_text(desk.credential(person, name))
        attachment = f'attachment; filename="{name}.rdp"'
        return Response(text, media_type=RDP, headers={**etags.SECRET, "content-disposition": attachment})


def _require_same(desktop: Desktop, wish: Launch) -> None:
    """An idempotency key stands for one body: what it asks for has to be what was made then."""
    view = desktop.view
    differs = (
        (wish.template is not None and view.template is not None and wish.template != view.template)
        or (
            wish.duration_minutes is not None
            and view.ttl is not None
            and format_duration(wish.duration_minutes * 60.0) != view.ttl
        )
        or (wish.language is not None and desktop.language is not None and wish.language != desktop.language)
    )
    if differs:
        raise Refused(
            422, "IdempotencyKeyReused", f"this idempotency key belongs to the launch of {view.name}: use a new one"
        )


def _require_state(request: Request, desk: TheDesk, desktop: Desktop, clock: Clock) -> None:
    etags.require(request, showing.session(desktop, desk.rules, now=clock.now()))

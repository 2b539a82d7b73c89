"""The routes of ``/api/v1`` that are not about one session: who asks, what is offered, how everything stands."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from controller.admin.models import TemplateView
from controller.api.quantities import parse_duration
from controller.core.model import Phase
from controller.web.asking import Options, TheDesk, TheOptions, Who
from controller.web.desk import Desk
from controller.web.people import Person, may_launch, may_see_all
from controller.web.progress import OVER
from controller.web.v1 import etags, showing
from controller.web.v1.models import (
    Capacity,
    Captcha,
    Defaults,
    EventItems,
    Me,
    Notice,
    PoolItems,
    SystemStatus,
    TemplateItems,
)
from controller.web.v1.problems import Route, refusals

EXTEND_MINUTES = 15.0
"""By how much the page extends at one press."""
WARN_BEFORE = 300.0
"""Seconds before the end; the desktop itself says it then, too."""
_LOGINS = frozenset({"token", "oidc"})
"""Modes with a page for logging in. A proxy has its own."""
_LAST_ID = 2**63 - 1


def house_routes() -> APIRouter:
    """Below the prefix of the API."""
    router = APIRouter(route_class=Route)
    _add_people(router)
    _add_offers(router)
    _add_watch(router)
    return router


def _add_people(router: APIRouter) -> None:
    @router.get(
        "/me", tags=["people"], summary="Who asks", response_model=Me, responses={**etags.DESCRIBED, **refusals()}
    )
    def me(
        request: Request, *, person: Who, desk: TheDesk, options: TheOptions, _known: etags.IfNoneMatch = ""
    ) -> Response:
        """What a page has to know before it shows its button."""
        return etags.answer(request, _me(person, desk, options))


def _add_offers(router: APIRouter) -> None:
    @router.get(
        "/templates",
        tags=["offers"],
        summary="Which desktops are offered",
        response_model=TemplateItems,
        responses={**etags.DESCRIBED, **refusals()},
    )
    def templates(request: Request, *, person: Who, desk: TheDesk, _known: etags.IfNoneMatch = "") -> Response:
        """The usual one first; operators see all there are."""
        items = tuple(showing.template(view, desk.rules) for view in desk.templates(person))
        return etags.answer(request, TemplateItems(items=items))

    @router.get(
        "/pools",
        tags=["offers"],
        summary="Desktops that wait",
        response_model=PoolItems,
        responses={**etags.DESCRIBED, **refusals()},
    )
    def pools(request: Request, *, _person: Who, _known: etags.IfNoneMatch = "") -> Response:
        """Desktops that are made ahead. This release makes each when it is asked for: there are none."""
        return etags.answer(request, PoolItems(items=()))


def _add_watch(router: APIRouter) -> None:
    @router.get(
        "/status",
        tags=["operation"],
        summary="How the controller is doing",
        response_model=SystemStatus,
        responses={**etags.DESCRIBED, **refusals()},
    )
    def status(request: Request, *, person: Who, desk: TheDesk, _known: etags.IfNoneMatch = "") -> Response:
        """For who is no operator only what helps to wait."""
        return etags.answer(request, _status(person, desk))

    @router.get(
        "/events",
        tags=["operation"],
        summary="What happened, to all sessions",
        response_model=EventItems,
        responses={**etags.DESCRIBED, **refusals()},
    )
    def events(
        request: Request,
        *,
        person: Who,
        desk: TheDesk,
        after: Annotated[int, Query(ge=0, le=_LAST_ID, description="Only events with a higher id.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000, description="The newest so many.")] = 100,
        _known: etags.IfNoneMatch = "",
    ) -> Response:
        """For operators."""
        found = desk.events(person, None, after=after, limit=limit)
        return etags.answer(request, EventItems(items=tuple(showing.event(event) for event in found)))


def _me(person: Person, desk: Desk, options: Options) -> Me:
    logs_in = options.mode in _LOGINS
    return Me(
        mode=options.mode,
        role=person.role,
        name=person.name,
        may_launch=may_launch(person),
        login_url="login" if logs_in and person.name is None else None,
        logout_url="logout" if logs_in and person.name is not None else None,
        defaults=_defaults(desk, person),
        warn_before_seconds=WARN_BEFORE,
        captcha=_captcha(person, options),
    )


def _captcha(person: Person, options: Options) -> Captcha | None:
    if options.captcha_site_key is None or person.name is not None:
        return None
    return Captcha(site_key=options.captcha_site_key)


def _defaults(desk: Desk, person: Person) -> Defaults:
    usual = desk.rules.usual_template
    found = next((view for view in desk.templates(person) if view.name == usual), None)
    most = showing.longest(found, desk.rules) if found is not None else desk.rules.max_duration
    return Defaults(
        template=usual,
        duration_minutes=_minutes(min(most, _usual_seconds(found, most))),
        max_duration_minutes=_minutes(most),
        extend_minutes=EXTEND_MINUTES,
    )


def _usual_seconds(view: TemplateView | None, most: float) -> float:
    return parse_duration(view.ttl) if view is not None and view.ttl is not None else most


def _minutes(seconds: float) -> float:
    return round(seconds / 60.0, 3)


def _status(person: Person, desk: Desk) -> SystemStatus:
    found, operator = desk.status(person), may_see_all(person)
    return SystemStatus(
        version=found.version,
        controller=found.controller,
        ready=found.scanned_at is not None and found.observed_at is not None,
        notices=tuple(Notice(reason=notice.reason, sentence=notice.sentence) for notice in found.notices),
        phases={phase: found.phases.get(phase, 0) for phase in Phase},
        capacity=_capacity(person, desk) if operator else None,
        queue=found.queue if operator else None,
    )


def _capacity(person: Person, desk: Desk) -> Capacity:
    total = desk.rules.quotas.total
    used = sum(one.made_here and one.progress.step not in OVER for one in desk.list(person, everybody=True))
    return Capacity(used=used, free=max(0, total - used) if total is not None else None)

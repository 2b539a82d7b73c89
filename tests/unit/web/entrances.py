"""An application that says who it takes somebody for, with the routes of a mode."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient
from starlette.types import ASGIApp

from controller.engine.clock import VirtualClock
from controller.web.app import make_app
from controller.web.asking import Identify, Options, Part, Who
from controller.web.desk import Desk
from controller.web.hops import Network
from controller.web.limits import Rate
from controller.web.refusals import Refused
from controller.web.rules import Rules
from tests.unit.web.oldworld import Pretended

PROXY, STRANGER = "192.0.2.1", "203.0.113.9"
PUBLIC = "https://desktops.example.org"


def _me() -> Part:
    router = APIRouter()

    @router.get("/me")
    def me(person: Who) -> dict[str, str | None]:
        return {"name": person.name, "role": person.role, "client": person.client, "ticket": person.ticket}

    def answer(_request: Request, refused: Refused) -> Response:
        return PlainTextResponse(refused.title, status_code=refused.status, headers=refused.headers)

    return Part(prefix="/me", router=router, answer=answer)


def entered(identity: Identify, *, parts: Sequence[Part] = (), trusted: Sequence[Network] = ()) -> ASGIApp:
    """The real application, with one route of its own."""
    clock = VirtualClock()
    rules = Rules(rate=Rate(times=1_000, per=1.0))
    desk = Desk(Pretended(clock), rules=rules, clock=clock, random=Random(1))
    return make_app(desk, identity, parts=[_me(), *parts], options=Options, trusted=trusted)


def browser(app: ASGIApp, *, url: str = PUBLIC, peer: str = STRANGER) -> TestClient:
    """One that keeps cookies and follows nothing by itself."""
    return TestClient(app, base_url=url, client=(peer, 50_000), follow_redirects=False)

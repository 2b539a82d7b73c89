"""The parts put together: whose form a refusal has, and what bugs and malformed requests come to."""

from __future__ import annotations

from random import Random
from typing import cast

import pytest
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from fastapi.testclient import TestClient
from pydantic import BaseModel

from controller.engine.clock import VirtualClock
from controller.web.app import OPENAPI, make_app
from controller.web.asking import Options, Part, TheDesk, TheOptions, Who, hand_over
from controller.web.backend import Backend
from controller.web.desk import Desk
from controller.web.hops import client_of
from controller.web.identity.open import OpenIdentity
from controller.web.limits import Rate
from controller.web.refusals import Refused
from controller.web.rules import Rules


class Order(BaseModel):
    number: int


def part(prefix: str) -> Part:
    router = APIRouter()

    @router.get(f"{prefix}/me")
    def me(person: Who, desk: TheDesk, options: TheOptions) -> dict[str, object]:
        return {"role": person.role, "client": person.client, "ticket": person.ticket, "mode": options.mode,
                "usual": desk.rules.usual_template}  # fmt: skip

    @router.post(f"{prefix}/orders")
    def order(order: Order) -> int:
        return order.number

    @router.get(f"{prefix}/refused")
    def refusing() -> None:
        raise Refused(429, "TooOften", "wait", retry_after=7.2)

    @router.get(f"{prefix}/bug")
    def bug() -> None:
        raise RuntimeError("a secret")

    @router.get(f"{prefix}/ticket")
    def ticket(request: Request, response: Response) -> str:
        hand_over(request, response, "wxt_x")
        return client_of(request)

    def answer(_request: Request, refused: Refused) -> Response:
        body = {"form": prefix, "title": refused.title, "detail": refused.detail}
        return JSONResponse(body, status_code=refused.status, headers=refused.headers)

    return Part(prefix=prefix, router=router, answer=answer)


@pytest.fixture
def web() -> TestClient:
    clock, rules = VirtualClock(), Rules(rate=Rate(times=1, per=1.0))
    desk = Desk(cast("Backend", None), rules=rules, clock=clock, random=Random(1))
    app = make_app(
        desk, OpenIdentity(), parts=[part("/api/a"), part("/api/a/b"), part("")], options=lambda: Options(wait=1.0)
    )
    return TestClient(app, base_url="https://desktops.example.org", raise_server_exceptions=False)


def test_routes_get_person_desk_and_options(web: TestClient) -> None:
    said = web.get("/api/a/me", headers={"authorization": "Bearer wxt_" + "a" * 43}).json()
    assert said == {
        "role": "user",
        "client": "testclient",
        "ticket": "wxt_" + "a" * 43,
        "mode": "open",
        "usual": "default",
    }


@pytest.mark.parametrize(
    ("path", "form"),
    [("/api/a/refused", "/api/a"), ("/api/a/b/refused", "/api/a/b"), ("/refused", ""), ("/api/ab/none", "")],
)
def test_a_refusal_has_the_form_of_the_part_that_it_concerns(web: TestClient, path: str, form: str) -> None:
    assert web.get(path).json()["form"] == form


def test_a_refusal_says_when_to_come_again(web: TestClient) -> None:
    answer = web.get("/api/a/refused")
    assert (answer.status_code, answer.headers["retry-after"], answer.headers["cache-control"]) == (
        429,
        "7",
        "no-store",
    )


WRONG = [
    ("GET", "/api/a/none", None, 404, "NoSuchPath"),
    ("GET", "/api/a/../../etc/passwd", None, 404, "NoSuchPath"),
    ("PUT", "/api/a/orders", b"", 405, "MethodNotAllowed"),
    ("POST", "/api/a/orders", b"{", 400, "Malformed"),
    ("POST", "/api/a/orders", b"\xff\xfe", 400, "Malformed"),
    ("POST", "/api/a/orders", b"[]", 422, "Invalid"),
    ("POST", "/api/a/orders", b"", 422, "Invalid"),
    ("POST", "/api/a/orders", b'{"number": "<b>x</b>"}', 422, "Invalid"),
    ("POST", "/api/a/orders", b'{"number": ' + b"[" * 5000 + b"}", 400, "Malformed"),
    ("POST", "/api/a/orders", b'{"number": "' + b"x" * 70_000 + b'"}', 413, "TooLarge"),
]


@pytest.mark.parametrize(
    ("request_", "status", "title"),
    [((method, path, body), status, title) for method, path, body, status, title in WRONG],
    ids=[f"{method} {path} {str(body)[:12]}" for method, path, body, *_ in WRONG],
)
def test_what_cannot_be_used_is_refused_without_repeating_it(
    web: TestClient, request_: tuple[str, str, bytes | None], status: int, title: str
) -> None:
    method, path, body = request_
    answer = web.request(method, path, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert "<b>" not in answer.text
    assert (status != 405) or answer.headers["allow"] == "POST"


def test_a_bug_is_500_and_tells_nothing(web: TestClient) -> None:
    answer = web.get("/api/a/bug")
    assert (answer.status_code, answer.json()["title"]) == (500, "Failed")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff", "the headers are there too"


def test_the_cookie_is_for_this_site_alone_and_for_no_script(web: TestClient) -> None:
    cookie = web.get("/api/a/ticket").headers["set-cookie"]
    for word in ("HttpOnly", "SameSite=strict", "Secure", "Path=/"):
        assert word in cookie


def test_the_description_has_no_form_of_refusals_that_nobody_sends(web: TestClient) -> None:
    described = web.get(OPENAPI).json()
    assert "/api/a/orders" in described["paths"]
    assert "HTTPValidationError" not in str(described)

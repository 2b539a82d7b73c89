"""What stands before every route, around an application of three routes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient
from starlette.types import Message

from controller.web.answers import Answers
from controller.web.asking import Options, Part
from controller.web.guard import MARGIN, MOST_BODY, Guard
from controller.web.headers import ALWAYS
from controller.web.refusals import Refused


def _answer(_request: Request, refused: Refused) -> Response:
    return PlainTextResponse(refused.title, status_code=refused.status, headers=refused.headers)


def _app() -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.get("/")
    def page() -> Response:
        return Response("page", headers={"content-security-policy": "default-src 'self'", "cache-control": "no-cache"})

    @app.post("/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    @app.get("/never")
    async def never() -> None:
        await asyncio.Event().wait()

    @app.get("/bug")
    def bug() -> None:
        raise RuntimeError("a bug")

    return app


def guarded(options: Options | None = None) -> Guard:
    part = Part(prefix="", router=APIRouter(), answer=_answer)
    return Guard(_app(), answers=Answers([part]), options=lambda: options or Options())


@pytest.fixture
def http() -> Iterator[TestClient]:
    with TestClient(guarded(), raise_server_exceptions=False) as client:
        yield client


def test_every_answer_binds_the_browser(http: TestClient) -> None:
    answers = [
        http.post("/size", content=b"x"),
        http.get("/nowhere"),
        http.get("/bug"),
        http.post("/size", headers={"origin": "http://evil.example"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 500, 403]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in ALWAYS} == dict(ALWAYS)
        assert "strict-transport-security" not in answer.headers


def test_an_answer_that_says_it_itself_is_believed(http: TestClient) -> None:
    headers = http.get("/").headers
    assert headers["content-security-policy"] == "default-src 'self'"
    assert headers["cache-control"] == "no-cache"
    assert headers["x-frame-options"] == "DENY"


def test_over_https_the_browser_stays_with_it() -> None:
    with TestClient(guarded(), base_url="https://testserver") as client:
        assert client.get("/").headers["strict-transport-security"] == "max-age=31536000"


def test_no_other_site_may_read_an_answer(http: TestClient) -> None:
    asked = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    for answer in (http.options("/size", headers=asked), http.get("/", headers={"origin": "http://evil.example"})):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_body_may_be_so_large_and_no_larger(http: TestClient) -> None:
    assert http.post("/size", content=b"x" * MOST_BODY).text == str(MOST_BODY)
    large = http.post("/size", content=b"x" * (MOST_BODY + 1))
    assert (large.status_code, large.text) == (413, "TooLarge")


def test_a_body_in_chunks_is_no_way_around(http: TestClient) -> None:
    fits, large = [b"x" * 1024] * (MOST_BODY // 1024), [b"x" * 1024] * (MOST_BODY // 1024 + 1)
    assert http.post("/size", content=iter(fits)).text == str(MOST_BODY)
    assert http.post("/size", content=iter(large)).status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "99999999999999999999", "٣"])
def test_a_length_that_is_no_number_is_too_large(length: str) -> None:
    sent = _asked(
        [(b"host", b"here"), (b"content-length", length.encode())],
        [{"type": "http.request", "body": b"", "more_body": False}],
    )
    assert sent[0]["status"] == 413


def test_a_body_ends_in_one_way_only() -> None:
    both = [(b"host", b"here"), (b"content-length", b"4"), (b"transfer-encoding", b"chunked")]
    assert _asked(both, [])[0]["status"] == 400


def test_half_an_order_is_none() -> None:
    half: list[Message] = [
        {"type": "http.request", "body": b"half", "more_body": True},
        {"type": "http.disconnect"},
    ]
    assert _asked([(b"host", b"here"), (b"content-length", b"8")], half) == []


def test_what_takes_too_long_is_answered_for() -> None:
    with TestClient(guarded(Options(wait=-MARGIN + 0.05))) as client:
        late = client.get("/never")
    assert (late.status_code, late.text) == (503, "TooLate")
    assert late.headers["retry-after"]


def test_a_request_for_another_site_is_refused() -> None:
    with TestClient(guarded(Options(public_url="https://desktops.example.org")), base_url="https://evil") as client:
        assert client.get("/").status_code == 421
    with TestClient(
        guarded(Options(public_url="https://desktops.example.org")), base_url="https://desktops.example.org"
    ) as client:
        assert client.get("/").status_code == 200


def _asked(headers: list[tuple[bytes, bytes]], messages: list[Message]) -> list[Message]:
    """What is sent for ``POST /size``, message by message, as no client would send it."""
    sent: list[Message] = []
    left = iter(messages)

    async def receive() -> Message:
        return next(left)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/size",
        "raw_path": b"/size",
        "query_string": b"",
        "headers": headers,
        "scheme": "http",
        "server": ("here", 80),
        "client": ("192.0.2.1", 1),
        "http_version": "1.1",
    }
    asyncio.run(guarded()(scope, receive, send))
    return sent

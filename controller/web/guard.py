"""What stands before every route: headers that bind the browser, no orders from other sites' pages, no requests for
other sites, no large bodies, no answer that takes for ever.

How often people may launch is the desk's business; how long a connection may take to say what it wants is the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.web import headers as binding
from controller.web.answers import Answers
from controller.web.asking import Options, is_secure
from controller.web.origins import SAFE, foreign, misdirected
from controller.web.refusals import Refused

MOST_BODY = 64 * 1024
"""Bytes. Orders are a few words."""
MARGIN = 20.0
"""Seconds beyond the longest wait that anybody asks for, until an answer has to have begun."""


class Guard:
    """Middleware, around the application and what the framework does about its bugs."""

    def __init__(self, app: ASGIApp, *, answers: Answers, options: Callable[[], Options]) -> None:
        self._app = app
        self._answers = answers
        self._options = options
        self._late: set[asyncio.Task[None]] = set()
        """Calls that were answered for because they took too long, and go on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, options = Request(scope), self._options()
        bound = _bound(send, secure=is_secure(request))
        try:
            self._admit(request, options)
            # A question has no body: what it sends is not read.
            body = b"" if request.method in SAFE else await _whole(receive, request.headers)
        except Refused as refused:
            await self._answers.say(request, refused)(scope, receive, bound)
            return
        if body is not None:
            await self._in_time(scope, _again(body, receive), bound, within=options.wait + MARGIN)

    @staticmethod
    def _admit(request: Request, options: Options) -> None:
        headers, public = request.headers, options.public_url
        refused = misdirected(headers, public_url=public) or foreign(request.method, headers, public_url=public)
        if refused is not None:
            raise refused

    async def _in_time(self, scope: Scope, receive: Receive, send: Send, *, within: float) -> None:
        """An answer that has begun may take its time; one that has not is given up."""
        begun, given_up = asyncio.Event(), False

        async def sending(message: Message) -> None:
            if not given_up:
                begun.set()
                await send(message)

        call: asyncio.Task[None] = asyncio.create_task(self._app(scope, receive, sending))  # type: ignore[arg-type]
        waiting = asyncio.create_task(begun.wait())
        try:
            await asyncio.wait({call, waiting}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if begun.is_set() or call.done():
                await call
                return
            given_up = True
            # A thread of its own may work on it still, and nobody can stop that.
            self._late.add(call)
            call.add_done_callback(self._late.discard)
            call.cancel()
            late = Refused(503, "TooLate", "this takes too long: try again later", retry_after=within)
            await self._answers.say(Request(scope), late)(scope, receive, send)
        except asyncio.CancelledError:
            call.cancel()
            raise
        finally:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting


async def _whole(receive: Receive, headers: Headers) -> bytes | None:
    """The body; None where its sender went away. What was not read of a large one is the server's to throw away."""
    announced = headers.get("content-length", "0")
    if "transfer-encoding" in headers and "content-length" in headers:
        # A proxy may see another end of it than we do, and another request behind that (RFC 9112, 6.1).
        raise Refused(400, "Malformed", "a body has a length or comes in chunks, not both")
    too_large = Refused(413, "TooLarge", f"a request has {MOST_BODY // 1024} KiB at most")
    if not announced.isdecimal() or len(announced) > 12 or int(announced) > MOST_BODY:
        raise too_large
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None  # half an order is none
        body += message.get("body", b"")
        if len(body) > MOST_BODY:
            raise too_large
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, then whatever comes."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _bound(send: Send, *, secure: bool) -> Send:
    """Sends answers with the headers that bind browsers."""

    async def bound(message: Message) -> None:
        if message["type"] == "http.response.start":
            binding.bind(MutableHeaders(scope=message), secure=secure)
        await send(message)

    return bound

"""The HTTPS front of the node: sockets on one side, the dispatcher on the other, nothing of the API in between.

Connections behave as pveproxy's do: every status from 400 on closes one, and so do 100 requests and 5 idle seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from weakref import WeakKeyDictionary

from aiohttp import web

from controller.node.dispatch import Dispatcher
from controller.node.errors import Refusal
from controller.node.schedule import Completion
from controller.node.sidedoor_http import PREFIX, SideDoorHttp
from controller.node.upload import carries_file, receive
from controller.node.wire import BODY_LIMIT, Ending, Reply, Request, failure

REQUESTS_PER_CONNECTION = 100
IDLE_SECONDS = 5
_HEADERS = {"Server": "pve-api-daemon/3.0", "Cache-Control": "max-age=0", "Pragma": "no-cache"}


class Front:
    """Serves requests in one asyncio loop and turns the schedule there."""

    def __init__(self, dispatcher: Dispatcher, *, save: Callable[[], None] = lambda: None) -> None:
        self._dispatcher = dispatcher
        self._save = save
        self._side_door = SideDoorHttp(dispatcher)
        self._served: WeakKeyDictionary[asyncio.BaseTransport, int] = WeakKeyDictionary()
        self._alarm: asyncio.TimerHandle | None = None
        self._stopped = asyncio.Event()
        self.server = web.Server(self._serve, keepalive_timeout=IDLE_SECONDS, access_log=None)

    def stop(self) -> None:
        """Cut those that wait for an answer that never comes, and let the time stand."""
        self._stopped.set()
        if self._alarm:
            self._alarm.cancel()

    def turn(self) -> None:
        """Run what is due, save what changed before anybody hears of it, and set the alarm for what comes next."""
        schedule = self._dispatcher.schedule
        schedule.settle()
        self._save()
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        due = schedule.next_due()
        if due is not None and not self._stopped.is_set():
            delay = max(0.0, due - schedule.now())
            self._alarm = asyncio.get_running_loop().call_later(delay, self.turn)

    async def _serve(self, incoming: web.BaseRequest) -> web.StreamResponse:
        length = incoming.content_length or 0
        file = carries_file(incoming)
        body = await incoming.read() if 0 < length <= BODY_LIMIT and not file else b""
        request = Request(
            method=incoming.method,
            path=incoming.rel_url.raw_path,
            query=incoming.rel_url.raw_query_string,
            headers={name.lower(): value for name, value in incoming.headers.items()},
            body=body,
            content_length=length,
        )
        if file and self._dispatcher.knows(request):
            try:
                request = replace(request, upload=await receive(incoming))
            except Refusal as refusal:
                return await self._send(incoming, failure(refusal))
        if request.path.startswith(PREFIX):
            reply = self._side_door.answer(request)
        else:
            reply = await self._wait(self._dispatcher.submit(request))
        self.turn()
        return await self._send(incoming, reply)

    async def _wait(self, outcome: Completion[Reply]) -> Reply:
        self.turn()
        if not outcome.done:
            arrived = asyncio.Event()
            outcome.then(arrived.set)
            self.turn()
            await arrived.wait()
        return outcome.result()

    async def _send(self, incoming: web.BaseRequest, reply: Reply) -> web.StreamResponse:
        transport = incoming.transport
        if reply.ending is Ending.SILENCE:
            await self._stopped.wait()
        if reply.ending is not Ending.ANSWER:
            if isinstance(transport, asyncio.Transport):
                transport.abort()
            return web.Response(status=500)
        headers = _HEADERS | ({"Content-Type": reply.content_type} if reply.body else {})
        response = web.Response(status=reply.status, reason=reply.reason, body=reply.body, headers=headers)
        if transport is not None:
            self._served[transport] = self._served.get(transport, 0) + 1
        if reply.status >= 400 or transport is None or self._served[transport] >= REQUESTS_PER_CONNECTION:
            response.force_close()
        return response

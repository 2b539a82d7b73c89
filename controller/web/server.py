"""The web's HTTP server: a listener for strangers, who may be slow on purpose, and many.

What is served is ``app``'s business. A request has to be there within seconds, head and body; a connection that asks
for nothing more is closed; and nobody has all connections.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from controller.telemetry.httpserver import HttpServer
from controller.web.hops import Network, is_trusted
from controller.web.limits import address_key

KEEP_ALIVE = 15
"""Seconds for which a connection may stay open without a request."""
REQUEST_WITHIN = 10.0
"""Seconds for a whole request: from its first byte, or from the connection, to the end of its body."""
MOST_HEAD = 32 * 1024
"""Bytes of a request's head."""
SOCKET_MODE = 0o660
"""Of a unix socket: the proxy in front is in its group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """How many there may be at once."""

    total: int = 512
    per_address: int = 128
    """Of one that is no trusted proxy."""


class WebServer(HttpServer):
    """Serves ``app`` between ``start`` and ``stop``, in a thread of its own."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        listen: str,
        trusted: Sequence[Network] = (),
        connections: Connections | None = None,
        request_within: float = REQUEST_WITHIN,
    ) -> None:
        super().__init__(app, name="the web page", listen=listen, mode=SOCKET_MODE)  # type: ignore[arg-type]  # any will do
        door = _Door(trusted=tuple(trusted), most=connections or Connections(), request_within=request_within)

        def protocol(*args: Any, **kwargs: Any) -> _Bounded:  # as uvicorn calls it
            return _Bounded(*args, door=door, **kwargs)

        self._config = uvicorn.Config(
            app,
            http=protocol,  # type: ignore[arg-type]  # a class is what it says, a callable is what it needs
            log_config=None,
            access_log=False,
            ws="none",
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=2,
            h11_max_incomplete_event_size=MOST_HEAD,
        )


@dataclass(slots=True)
class _Door:
    """Who is in. Only used by the server's own thread."""

    trusted: tuple[Network, ...]
    most: Connections
    request_within: float
    inside: Counter[str] = field(default_factory=Counter)

    def enter(self, peer: str | None) -> str | None:
        """Under which key they count from now on; None where there is no room for them."""
        key = "proxy" if is_trusted(peer, self.trusted) else address_key(peer or "")
        if self.inside.total() >= self.most.total:
            return None
        if key != "proxy" and self.inside[key] >= self.most.per_address:
            return None
        self.inside[key] += 1
        return key

    def leave(self, key: str) -> None:
        self.inside[key] -= 1
        if self.inside[key] <= 0:
            del self.inside[key]


class _Bounded(H11Protocol):
    """One connection."""

    def __init__(self, *args: Any, door: _Door, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._door = door
        self._key: str | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent's
        super().connection_made(transport)
        self._key = self._door.enter(self.client[0] if self.client else None)
        if self._key is None:
            self._refuse(b"503 Service Unavailable", b"there are too many connections: try again in a few seconds\n")
        else:
            self._expect()

    def data_received(self, data: bytes) -> None:
        if self._key is None:
            return
        super().data_received(data)
        if self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            self._expect()
        else:
            self._relax()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY or self._begun():
            self._expect()  # it was answered before its end, or a part of the next one lies there
        else:
            self._relax()

    def connection_lost(self, exc: Exception | None) -> None:
        self._relax()
        if self._key is not None:
            self._door.leave(self._key)
            self._key = None
        super().connection_lost(exc)

    def _begun(self) -> bool:
        """Whether a part of the next request is there."""
        return self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])

    def _expect(self) -> None:
        """The deadline stays where it was set: a byte now and then gains nothing."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._door.request_within, self._late)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        answered = self.cycle is not None and self.cycle.response_started
        if self._begun() or (self.conn.their_state is h11.SEND_BODY and not answered):
            self._refuse(b"408 Request Timeout", b"the request was not there in time\n")
        else:
            self.transport.close()

    def _refuse(self, status: bytes, sentence: bytes) -> None:
        head = b"HTTP/1.1 %s\r\ncontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, len(sentence)) + sentence)
        self.transport.close()

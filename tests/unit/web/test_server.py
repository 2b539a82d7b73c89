"""The server before strangers: slow ones, many, and those who stay. Real sockets on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from controller.web.server import MOST_HEAD, Connections, WebServer

PATIENCE = 30.0
SHORTLY = 0.3
"""Seconds for a request, instead of ten, where slow ones are cut."""
A_WHILE = 1.0
"""The same where the client has to have said something by then, however busy the machine is."""
HEAD = b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n"


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/hello")
    def hello(request: Request) -> str:
        return request.client.host if request.client else "a socket"

    @app.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> Iterator[bytes]:  # type: ignore[misc]
            import asyncio  # noqa: PLC0415

            while True:
                yield b"tick\n"
                await asyncio.sleep(0.05)

        return StreamingResponse(parts())  # type: ignore[arg-type]

    return app


@contextmanager
def serving(
    *,
    listen: str = "127.0.0.1:0",
    trusted: str | None = None,
    connections: Connections | None = None,
    within: float = PATIENCE,
) -> Iterator[WebServer]:
    """``within``: seconds for a request."""
    server = WebServer(
        application(),
        listen=listen,
        trusted=(ip_network(trusted),) if trusted else (),
        connections=connections,
        request_within=within,
    )
    server.start()
    try:
        yield server
    finally:
        assert server.stop(), "it ends in time, whoever is connected"


def connect(server: WebServer) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    connection.settimeout(PATIENCE)
    return connection


def until_closed(connection: socket.socket) -> bytes:
    """All that comes until the other end closes."""
    said = b""
    try:
        while part := connection.recv(65536):
            said += part
    except ConnectionResetError:
        pass
    return said


def answer(connection: socket.socket, request: bytes = HEAD) -> bytes:
    """To a request of ``/hello``."""
    connection.sendall(request)
    said = b""
    while not said.endswith(b'"') and (part := connection.recv(65536)):
        said += part
    return said


SLOW = {
    "nothing at all": (b"", b""),
    "half a head": (b"GET /hello HTTP/1.1\r\nhost: a\r\n", b"408"),
    "blank lines": (b"\r\n", b""),
    "half a body": (b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc", b"408"),
    "half a chunk": (b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", b"408"),
    "half of a second head": (HEAD + b"GET /hello HT", b"408"),
}


@pytest.mark.parametrize(("sent", "said"), SLOW.values(), ids=SLOW)
def test_a_request_that_does_not_come_to_its_end_is_cut(sent: bytes, said: bytes) -> None:
    with serving(within=A_WHILE if said else SHORTLY) as server, connect(server) as connection:
        connection.sendall(sent)
        assert said in until_closed(connection)


@pytest.mark.parametrize("drip", [b"x: y\r\n", b"z"], ids=["a header at a time", "a byte at a time"])
def test_dripping_gains_nothing(drip: bytes) -> None:
    with serving(within=SHORTLY) as server, connect(server) as connection:
        connection.sendall(b"GET /hello HTTP/1.1\r\n")
        stop = threading.Event()

        def dripping() -> None:
            while not stop.wait(0.05):
                try:
                    connection.sendall(drip)
                except OSError:
                    return

        thread = threading.Thread(target=dripping)
        thread.start()
        try:
            until_closed(connection)
        finally:
            stop.set()
            thread.join(PATIENCE)


def test_a_whole_request_is_answered_and_the_connection_stays() -> None:
    with serving(within=SHORTLY) as server, connect(server) as connection:
        for _ in range(3):
            assert b"200 OK" in answer(connection)
            threading.Event().wait(SHORTLY * 1.5)  # longer than a request may take: nobody has begun one


def test_an_answer_may_take_longer_than_a_request() -> None:
    with serving(within=SHORTLY) as server, connect(server) as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nhost: a\r\n\r\n")
        said = b""
        while said.count(b"tick") < 15:
            part = connection.recv(65536)
            assert part, "it was cut"
            said += part


def test_a_head_that_is_too_large_is_refused() -> None:
    with serving() as server, connect(server) as connection:
        connection.sendall(b"GET /hello HTTP/1.1\r\nx: " + b"a" * (MOST_HEAD + 1024))
        assert b"400" in until_closed(connection)


def test_one_address_has_so_many_connections_and_no_more() -> None:
    with serving(connections=Connections(total=10, per_address=3)) as server, ExitStack() as stack:
        held = [stack.enter_context(connect(server)) for _ in range(3)]
        assert all(b"200 OK" in answer(one) for one in held)
        one_more = stack.enter_context(connect(server))
        assert b"503 Service Unavailable" in until_closed(one_more)
        held[0].close()
        _until_let_in(server, stack)


def test_all_together_have_so_many_and_a_trusted_proxy_may_have_all_of_them() -> None:
    most = Connections(total=5, per_address=1)
    with serving(trusted="127.0.0.0/8", connections=most) as server, ExitStack() as stack:
        held = [stack.enter_context(connect(server)) for _ in range(5)]
        assert all(b"200 OK" in answer(one) for one in held)
        assert b"503" in until_closed(stack.enter_context(connect(server)))


def test_who_is_slow_keeps_nobody_out_for_long() -> None:
    most = Connections(total=5, per_address=5)
    with serving(connections=most, within=SHORTLY) as server, ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(connect(server)).sendall(b"GET / HTTP/1.1\r\n")
        _until_let_in(server, stack)


def test_it_ends_while_somebody_listens_to_a_stream() -> None:
    with serving() as server, connect(server) as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nhost: a\r\n\r\n")
        assert b"200 OK" in connection.recv(65536)


def test_a_proxy_may_come_by_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with serving(listen=f"unix:{path}"), socket.socket(socket.AF_UNIX) as connection:
        assert path.stat().st_mode & 0o777 == 0o660
        connection.connect(str(path))
        assert b"200 OK" in answer(connection)


def test_nothing_says_what_it_is_made_of() -> None:
    with serving() as server, connect(server) as connection:
        assert b"server:" not in answer(connection).lower()


def _until_let_in(server: WebServer, stack: ExitStack) -> None:
    deadline = time.monotonic() + PATIENCE
    while b"200 OK" not in _try(server, stack):
        assert time.monotonic() < deadline, "nobody is let in any more"


def _try(server: WebServer, stack: ExitStack) -> bytes:
    connection = stack.enter_context(connect(server))
    try:
        return answer(connection)
    except OSError:
        return b""

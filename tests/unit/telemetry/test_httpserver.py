"""A server that has begun when start() returns, says in one sentence why it cannot, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request

from controller.telemetry.httpserver import CannotListen, HttpServer
from controller.telemetry.listen import TcpAddress


def make_app() -> FastAPI:
    app = FastAPI()

    @app.get("/who")
    def who() -> str:
        return threading.current_thread().name

    return app


def ask(server: HttpServer) -> int:
    if server.url.startswith("unix:"):
        transport = httpx.HTTPTransport(uds=server.url.removeprefix("unix:"))
        with httpx.Client(transport=transport, base_url="http://winux", trust_env=False, timeout=60) as client:
            return client.get("/who").status_code
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        return client.get("/who").status_code


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s") / "a.sock"


def server_on(listen: Path | str, *, mode: int = 0o600) -> HttpServer:
    return HttpServer(make_app(), name="admin", listen=str(listen), mode=mode)


def test_connections_are_known_as_tcp_so_that_asyncio_sends_answers_at_once() -> None:
    """Otherwise Nagle's algorithm holds back each answer's body until its head is acknowledged: 40 ms."""

    class Shown(HttpServer):
        protocol = -1

        def _bind_tcp(self, address: TcpAddress) -> socket.socket:
            listener = super()._bind_tcp(address)
            self.protocol = listener.proto
            return listener

    server = Shown(make_app(), name="admin", listen="127.0.0.1:0")
    server.start()
    server.stop()
    assert server.protocol == socket.IPPROTO_TCP


def test_it_serves_as_soon_as_start_returns_on_a_port_that_the_system_chose() -> None:
    server = server_on("127.0.0.1:0")
    server.start()
    assert server.port > 0
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert ask(server) == 200
    assert server.stop()


def test_after_stop_the_port_is_free_again() -> None:
    first = server_on("127.0.0.1:0")
    first.start()
    port = first.port
    assert first.stop()
    second = server_on(f"127.0.0.1:{port}")
    second.start()
    assert ask(second) == 200
    assert second.stop()


def test_an_address_in_use_is_one_sentence() -> None:
    first = server_on("127.0.0.1:0")
    first.start()
    with pytest.raises(CannotListen) as caught:
        server_on(f"127.0.0.1:{first.port}").start()
    assert str(caught.value) == (
        f"admin cannot listen on 127.0.0.1:{first.port}: the address is in use; "
        "stop the process that has it or choose another address"
    )
    first.stop()


def test_an_address_of_another_machine_is_one_sentence() -> None:
    with pytest.raises(CannotListen, match=r"cannot listen on 192\.0\.2\.1:0: this machine does not have that address"):
        server_on("192.0.2.1:0").start()


@pytest.mark.parametrize("mode", [0o600, 0o660])
def test_a_unix_socket_has_the_permissions_asked_for_and_goes_with_its_server(path: Path, mode: int) -> None:
    server = server_on(path, mode=mode)
    server.start()
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert ask(server) == 200
    assert server.stop()
    assert not path.exists()


def test_the_socket_of_a_killed_process_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.exists()
    server = server_on(path)
    server.start()
    assert ask(server) == 200
    server.stop()


def test_the_socket_of_a_living_process_is_left_alone(path: Path) -> None:
    living = server_on(path)
    living.start()
    with pytest.raises(CannotListen) as caught:
        server_on(path).start()
    assert str(caught.value) == f"admin cannot listen on {path}: another process does; is winux running already?"
    assert ask(living) == 200
    living.stop()


def test_a_file_that_is_no_socket_is_left_alone(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(CannotListen, match="a file that is no socket; remove it"):
        server_on(path).start()
    assert path.read_text() == "precious"


def test_a_successor_s_socket_is_not_removed(path: Path) -> None:
    server = server_on(path)
    server.start()
    moved = path.with_name("moved")
    path.rename(moved)
    path.write_text("somebody else's by now")
    assert server.stop()
    assert path.read_text() == "somebody else's by now"


def test_a_missing_directory_is_one_sentence(tmp_path: Path) -> None:
    socket_path = tmp_path / "none" / "a.sock"
    if len(str(socket_path)) > 100:
        socket_path = Path("/tmp") / f"winux-none-{os.getpid()}" / "a.sock"  # noqa: S108  (nothing is created)
    with pytest.raises(CannotListen, match="its directory does not exist; create it first"):
        server_on(socket_path).start()


def test_a_path_that_is_too_long_is_one_sentence() -> None:
    with pytest.raises(CannotListen, match="a socket's path has at most 107 bytes"):
        server_on("/tmp/" + "x" * 103).start()  # noqa: S108  (nothing is created)


def test_a_server_without_a_port_says_so(path: Path) -> None:
    with pytest.raises(ValueError, match="does not listen on a TCP port"):
        _ = server_on(path).port
    with pytest.raises(ValueError, match="does not listen on a TCP port"):
        _ = server_on("127.0.0.1:0").port


def test_stop_ends_an_answer_that_would_never_end(path: Path) -> None:
    app = FastAPI()
    reached = threading.Event()

    @app.get("/who")
    async def stream() -> str:
        reached.set()
        await asyncio.Event().wait()
        return "never"

    server = HttpServer(app, name="admin", listen=str(path))
    server.start()
    results: list[object] = []

    def client() -> None:
        try:
            results.append(ask(server))
        except httpx.HTTPError as error:
            results.append(error)

    asking = threading.Thread(target=client)
    asking.start()
    assert reached.wait(60)
    assert server.stop(timeout=60)
    asking.join(60)
    assert len(results) == 1
    assert results != [200]


def test_an_application_that_fails_to_begin_is_an_error_of_start(path: Path) -> None:
    @asynccontextmanager
    async def broken(app: FastAPI) -> AsyncIterator[None]:
        if app.title:
            raise RuntimeError("no database")
        yield

    with pytest.raises(CannotListen, match="could not start"):
        HttpServer(FastAPI(lifespan=broken), name="admin", listen=str(path)).start()
    assert not path.exists()


def test_stop_before_start_and_twice_is_harmless() -> None:
    server = server_on("127.0.0.1:0")
    assert server.stop()
    server.start()
    assert server.stop()
    assert server.stop()


# -- a socket whose file goes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["removed", "moved", "left by a killed process"])
def test_a_socket_that_was_removed_or_replaced_is_bound_again(path: Path, what: str) -> None:
    server = server_on(path, mode=0o660)
    server.start()
    assert not server.restore()
    if what == "removed":
        path.unlink()
    else:
        path.rename(path.with_name("moved"))
    if what == "left by a killed process":
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
    assert server.restore()
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert ask(server) == 200
    assert not server.restore()
    assert server.stop()
    assert not path.exists()


def test_what_is_in_the_way_of_a_socket_is_left_alone_and_told_until_it_goes(path: Path) -> None:
    server = server_on(path)
    server.start()
    path.unlink()
    successor = server_on(path)
    successor.start()
    with pytest.raises(CannotListen, match="another process does; is winux running already"):
        server.restore()
    assert ask(successor) == 200
    successor.stop()
    path.write_text("precious")
    with pytest.raises(CannotListen, match="a file that is no socket; remove it"):
        server.restore()
    assert path.read_text() == "precious"
    path.unlink()
    assert server.restore()
    assert ask(server) == 200
    server.stop()


def test_a_port_needs_no_restoring() -> None:
    server = server_on("127.0.0.1:0")
    assert not server.restore()
    server.start()
    assert not server.restore()
    server.stop()


# -- who asks --------------------------------------------------------------------------------------------------


def test_an_application_learns_who_asks_through_a_unix_socket(path: Path) -> None:
    app = FastAPI()

    @app.get("/who")
    def who(request: Request) -> list[object]:
        return list(request.client or ())

    server = HttpServer(app, name="admin", listen=str(path))
    server.start()
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://winux", timeout=60) as client:
        assert client.get("/who").json() == ["uid", os.getuid()]
    server.stop()

"""The client on a real unix socket, and what it says when nobody is there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from controller.admin.app import make_app
from controller.admin.client import AdminClient, NoDaemon, Refused
from controller.telemetry.httpserver import HttpServer
from controller.telemetry.loglevels import LogLevels
from tests.unit.admin.lab import Lab, file, session


@pytest.fixture
def client(lab: Lab) -> Iterator[AdminClient]:
    lab.ready("alice")
    server = HttpServer(
        make_app(lab.service, LogLevels(clock=lab.world.clock)),
        name="the admin API",
        listen=str(lab.directory / "admin.sock"),
    )
    server.start()
    with AdminClient(lab.directory / "admin.sock") as client:
        yield client
    server.stop()


def test_what_the_service_says_arrives(client: AdminClient, lab: Lab) -> None:
    assert client.status() == lab.service.status()
    assert client.sessions() == lab.service.sessions()
    assert client.session("alice") == lab.service.session("alice")
    assert client.events(session="alice", limit=2) == lab.service.events(session="alice", limit=2)
    assert client.templates() == lab.service.templates()
    assert client.containers() == lab.service.containers()
    assert client.credential("alice") == lab.service.credential("alice")
    assert client.plan() == lab.service.plan()


def test_what_the_client_orders_is_done(client: AdminClient, lab: Lab) -> None:
    client.extend("alice", 60)
    client.pause("alice")
    client.resume("alice")
    client.pause(None)
    client.resume(None)
    assert client.confirm().messages == ("nothing was held",)
    assert client.apply(session("bob"), name="bob.yaml").messages == ("session bob written (bob.yaml)",)
    assert [change.session for change in client.plan([file(session("carol"))]).changes] == ["carol"]
    client.delete("alice")
    assert lab.reasons("alice")[-5:] == ["Extended", "Paused", "Resumed", "Deleted", "ManifestRemoved"]


def test_a_refusal_arrives_as_its_sentence(client: AdminClient) -> None:
    with pytest.raises(Refused, match="there is no session nobody") as refused:
        client.session("nobody")
    assert refused.value.status == 404


@pytest.mark.parametrize("name", ["", ".", "..", "../status", "a/b", "alice/extend", "Alice", "alice\n", "\x1b[2J"])
def test_what_no_session_can_be_called_is_no_session(client: AdminClient, name: str) -> None:
    for ask in (client.session, client.credential, client.delete, lambda name: client.extend(name, 60)):
        with pytest.raises(Refused, match="there is no session") as refused:
            ask(name)
        assert refused.value.status == 404
        assert str(refused.value).isprintable()


def test_the_mistakes_of_a_text_arrive_with_the_refusal(client: AdminClient) -> None:
    with pytest.raises(Refused) as refused:
        client.apply(session("bob", more="ttl: 5"), name="bob.yaml")
    assert [problem.partition(": ")[0] for problem in refused.value.problems] == ["bob.yaml:4:37"]


def test_a_proxy_of_the_environment_is_not_asked(client: AdminClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert client.session("alice").name == "alice"


# -- nobody there ----------------------------------------------------------------------------------------------


def test_without_a_daemon_it_says_how_to_start_one(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    with AdminClient(path) as client, pytest.raises(NoDaemon) as nobody:
        client.status()
    assert str(nobody.value) == f"no daemon answers at {path}: start it with `winux run`"


def test_a_socket_that_a_killed_daemon_left_behind_is_nobody(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with AdminClient(path) as client, pytest.raises(NoDaemon, match="start it with `winux run`"):
        client.status()


def test_a_stranger_on_the_socket_is_recognized(tmp_path: Path) -> None:
    app = FastAPI()

    @app.get("/v1/status")
    def status() -> PlainTextResponse:
        return PlainTextResponse("hello")

    server = HttpServer(app, name="a stranger", listen=str(tmp_path / "s.sock"))
    server.start()
    with AdminClient(tmp_path / "s.sock") as client, pytest.raises(NoDaemon, match="is not a winux daemon"):
        client.status()
    server.stop()

"""Commands over SSH, against a server in this process: the host key decides, and nothing waits for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import paramiko
import pytest

from controller.guest.credentials import Secret
from controller.guest.key import GuestKey
from controller.guest.ssh import Answer, Call, Done, Failed, SshRunner

PATIENT = 20.0


def line(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.get_base64()}"


class Guest(paramiko.ServerInterface):
    """One connection: root may log in with one key, and every command is remembered."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = username == "root" and line(key) == line(self._server.authorized)
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del kind, chanid
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self._run, args=(channel, command.decode()), daemon=True).start()
        return True

    def _run(self, channel: paramiko.Channel, command: str) -> None:
        given = channel.makefile("rb").read().decode()
        self._server.ran.append((command, given))
        if command == "hang":
            return
        channel.sendall(f"{command} said\n".encode())
        if command != "vanish":
            channel.send_exit_status(3 if command == "fail" else 0)
        channel.close()


class Server:
    """Listens on loopback until it is closed."""

    def __init__(self, *host_keys: paramiko.PKey, authorized: paramiko.PKey) -> None:
        self.authorized = authorized
        self.ran: list[tuple[str, str]] = []
        self._host_keys = host_keys
        self._transports: list[paramiko.Transport] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return  # it was closed
            transport = paramiko.Transport(connection)
            for key in self._host_keys:
                transport.add_server_key(key)
            self._transports.append(transport)
            try:
                transport.start_server(server=Guest(self))
            except (paramiko.SSHException, EOFError):
                continue  # the client hung up

    def close(self) -> None:
        self._listening.close()
        for transport in self._transports:
            transport.close()


MINE, SOMEBODYS = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
HOST, OTHER_HOST = paramiko.RSAKey.generate(2048), paramiko.ECDSAKey.generate()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(HOST, OTHER_HOST, authorized=MINE)
    yield made
    made.close()


def run(server: Server, call: Call, *, key: paramiko.PKey = MINE) -> Answer:
    return SshRunner(GuestKey(key, line(key), ""), port=server.port)(call)


def call(command: str = "true", **more: object) -> Call:
    return Call(name="x", address="127.0.0.1", command=command, **{"timeout": PATIENT, **more})  # type: ignore[arg-type]


def test_at_the_first_contact_the_host_key_is_told(server: Server) -> None:
    answer = run(server, call())
    assert isinstance(answer, Done)
    assert (answer.status, answer.output, answer.host_key) == (0, "true said\n", line(OTHER_HOST))


@pytest.mark.parametrize("known", [HOST, OTHER_HOST])
def test_of_several_host_keys_the_guest_shows_the_one_that_is_known(server: Server, known: paramiko.PKey) -> None:
    answer = run(server, call(host_keys=(line(known),)))
    assert isinstance(answer, Done)
    assert answer.host_key == line(known)


@pytest.mark.parametrize("known", [SOMEBODYS, paramiko.RSAKey.generate(2048)])
def test_another_host_key_is_refused_before_anything_is_sent(server: Server, known: paramiko.PKey) -> None:
    answer = run(server, call("rotate", stdin=Secret("s3cret"), host_keys=(line(known),)))
    assert isinstance(answer, Failed)
    assert answer.reason == "HostKeyChanged"
    assert "not the one it is known by" in answer.message
    assert server.ran == []


def test_one_of_two_known_host_keys_will_do(server: Server) -> None:
    answer = run(server, call(host_keys=(line(SOMEBODYS), line(OTHER_HOST))))
    assert isinstance(answer, Done)
    assert answer.host_key == line(OTHER_HOST)


def test_what_is_secret_goes_by_standard_input(server: Server) -> None:
    assert isinstance(run(server, call("chpasswd", stdin=Secret("winux:s3cret\n"))), Done)
    assert server.ran == [("chpasswd", "winux:s3cret\n")]


def test_the_exit_status_is_told(server: Server) -> None:
    answer = run(server, call("fail"))
    assert isinstance(answer, Done)
    assert answer.status == 3


def test_a_key_that_the_guest_does_not_have_is_refused(server: Server) -> None:
    answer = run(server, call(), key=SOMEBODYS)
    assert isinstance(answer, Failed)
    assert answer.reason == "KeyRefused"
    assert "authorized_keys" in answer.message


def test_a_command_that_hangs_is_given_up(server: Server) -> None:
    answer = run(server, call("hang", timeout=5.0))  # time enough to log in
    assert isinstance(answer, Failed)
    assert answer.message.endswith("no answer over SSH within 5 s")


def test_a_command_of_which_nobody_knows_how_it_ended_did_not_succeed(server: Server) -> None:
    answer = run(server, call("vanish"))
    assert isinstance(answer, Failed)
    assert answer.reason == "Unreachable"


def test_nobody_there_and_somebody_silent_are_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        runners = [SshRunner(GuestKey(MINE, "", ""), port=int(one.getsockname()[1])) for one in (silent, bound)]
        late, gone = [runner(call(timeout=1.0)) for runner in runners]
    assert isinstance(late, Failed)
    assert isinstance(gone, Failed)
    assert (late.reason, gone.reason) == ("Unreachable", "Unreachable")
    assert gone.message.endswith("connection refused")

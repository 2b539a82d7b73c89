"""How calls travel: TLS, the environment, keep-alive, lost answers. Against a server on loopback, over real TLS."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from controller.engine.clock import VirtualClock
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.port import (
    CloneRequest,
    CreateRequest,
    NodeDown,
    OutcomeUnknown,
    Proxmox,
    ProxmoxError,
    Transient,
    Untrusted,
)

TOKEN = "op@pve!t1"
SECRET = "6e1f0c5a-not-to-be-seen"
UPID = "UPID:pve1:00003F8B:00024612:6B02F28D:vzstart:200:op@pve!t1:"
REQUEST = CreateRequest(
    vmid=30007,
    archive="local:vztmpl/winux.tar.zst",
    storage="local",
    disk_gib=10,
    cores=2,
    memory_mib=1024,
    hostname="alice",
    description="owner: alice\n100 %",
    net0="name=eth0,bridge=vmbr0,ip=dhcp",
    nameservers=("1.1.1.1", "9.9.9.9"),
    pool="winux",
    nesting=True,
    password="hunter-two",
    start=True,
)
Stub = Any
"""The stub server of conftest.py, which tests cannot import."""


def endpoint(stub: Stub, **more: Any) -> Endpoint:
    how = {"url": stub.url, "token_id": TOKEN, "token_secret": SECRET, "ca_file": stub.ca_file, "read_timeout": 20.0}
    return Endpoint(**{**how, **more})


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def port(stub: Stub, clock: VirtualClock) -> Proxmox:
    return ProxmoxAdapter(endpoint(stub), clock=clock)


# trust


def test_a_server_signed_by_the_given_authority_is_trusted(stub: Stub, port: Proxmox) -> None:
    assert port.version() == "9.2"
    (request,) = stub.requests
    assert request.headers["authorization"] == f"PVEAPIToken={TOKEN}={SECRET}"
    assert request.target == "/api2/json/version"
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"].startswith("winux-controller/")


def test_a_server_of_another_authority_gets_no_request(
    stub: Stub, other_server: Callable[..., AbstractContextManager[Stub]]
) -> None:
    with other_server() as other:
        port = ProxmoxAdapter(endpoint(stub, url=other.url))
        with pytest.raises(Untrusted, match=r"is not trusted \(.+\): compare the server's authority"):
            port.start("pve1", 200)
    assert other.requests == []


def test_without_a_ca_file_the_public_authorities_count(stub: Stub) -> None:
    port = ProxmoxAdapter(endpoint(stub, ca_file=None))
    with pytest.raises(Untrusted, match="give the CA file or pin the certificate's fingerprint"):
        port.version()
    assert stub.requests == []


@pytest.mark.parametrize("how", [{"address": "127.0.0.9"}, {"days": -1}], ids=["for another address", "expired"])
def test_a_certificate_that_is_not_good_for_the_server_is_not_trusted(
    other_server: Callable[..., AbstractContextManager[Stub]], how: dict[str, Any]
) -> None:
    with other_server(**how) as other:
        with pytest.raises(Untrusted):
            ProxmoxAdapter(endpoint(other)).version()
        assert other.requests == []
        pinned = ProxmoxAdapter(endpoint(other, ca_file=None, fingerprint=other.fingerprint))
        assert pinned.version() == "9.2"


def test_another_certificate_than_the_pinned_one_gets_no_request(stub: Stub) -> None:
    port = ProxmoxAdapter(endpoint(stub, fingerprint="ab" * 32))
    with pytest.raises(Untrusted, match="compare the pinned SHA-256"):
        port.start("pve1", 200)
    assert stub.requests == []


def test_a_ca_file_that_is_missing_is_named(stub: Stub, tmp_path: Path) -> None:
    port = ProxmoxAdapter(endpoint(stub, ca_file=tmp_path / "none.pem"))
    with pytest.raises(Untrusted, match=r"there is no CA file .*none\.pem"):
        port.start("pve1", 200)
    assert stub.requests == []


def test_a_ca_file_that_holds_no_certificate_is_named(stub: Stub, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("nothing\n")
    with pytest.raises(Untrusted, match=r"no certificate or crl found.*ca\.pem"):
        ProxmoxAdapter(endpoint(stub, ca_file=ca_file)).start("pve1", 200)
    assert stub.requests == []


def test_the_environment_changes_neither_trust_nor_route(
    stub: Stub, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "empty.pem").write_text("")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "empty.pem"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert ProxmoxAdapter(endpoint(stub), clock=clock).version() == "9.2"


# keep-alive


def test_calls_share_a_connection(stub: Stub, port: Proxmox, clock: VirtualClock) -> None:
    for _ in range(3):
        port.version()
        clock.advance(2.9)
    assert [request.connection for request in stub.requests] == [1, 1, 1]


def test_a_connection_that_was_idle_for_more_than_3_s_is_not_used_again(
    stub: Stub, port: Proxmox, clock: VirtualClock
) -> None:
    port.version()
    clock.advance(3.1)
    port.version()
    assert [request.connection for request in stub.requests] == [1, 2]


def test_a_connection_is_not_used_again_after_an_error(stub: Stub, port: Proxmox) -> None:
    stub.refuse(500, "CT 200 already running")
    for _ in range(2):
        with pytest.raises(ProxmoxError):
            port.start("pve1", 200)
    assert [request.connection for request in stub.requests] == [1, 2]


def test_each_thread_has_its_own_connection(stub: Stub, port: Proxmox) -> None:
    port.version()
    thread = threading.Thread(target=port.version)
    thread.start()
    thread.join()
    port.version()
    assert [request.connection for request in stub.requests] == [1, 2, 1]


def test_a_closed_adapter_connects_anew(stub: Stub, clock: VirtualClock) -> None:
    adapter = ProxmoxAdapter(endpoint(stub), clock=clock)
    adapter.version()
    adapter.close()
    adapter.version()
    assert [request.connection for request in stub.requests] == [1, 2]


def test_a_read_is_repeated_once_on_a_connection_that_was_dropped(stub: Stub, port: Proxmox) -> None:
    answer = stub.answers[0]
    stub.answer_with(answer, None, answer)
    assert (port.version(), port.version()) == ("9.2", "9.2")
    assert [request.connection for request in stub.requests] == [1, 1, 2]


def test_a_read_is_not_repeated_twice(stub: Stub, port: Proxmox) -> None:
    stub.answer_with(None)
    with pytest.raises(Transient, match=r"gave no answer to the request to read the version \(.+\)"):
        port.version()
    assert len(stub.requests) == 2


# writes are sent exactly once


WRITES: dict[str, Callable[[Proxmox], object]] = {
    "create": lambda port: port.create("pve1", REQUEST),
    "clone": lambda port: port.clone("pve1", 9000, CLONE),
    "update": lambda port: port.update("pve1", 200, {"cores": 2}, digest="abc"),
    "resize": lambda port: port.resize("pve1", 200, 20, digest="abc"),
    "start": lambda port: port.start("pve1", 200),
    "shutdown": lambda port: port.shutdown("pve1", 200, timeout=30),
    "delete": lambda port: port.delete("pve1", 200),
}
CLONE = CloneRequest(
    vmid=30008, hostname="bob", description="x", pool="winux", full=False, storage="local", target=None
)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_whose_connection_breaks_is_sent_once_and_its_outcome_unknown(
    stub: Stub, port: Proxmox, write: Callable[[Proxmox], object]
) -> None:
    stub.answer_with(None)
    with pytest.raises(OutcomeUnknown, match="it may have been carried out"):
        write(port)
    assert len(stub.requests) == 1


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_on_a_dropped_connection_is_not_repeated(
    stub: Stub, port: Proxmox, write: Callable[[Proxmox], object]
) -> None:
    answer = stub.answers[0]
    stub.answer_with(answer, None)
    port.version()
    with pytest.raises(OutcomeUnknown):
        write(port)
    assert len(stub.requests) == 2


def test_a_write_without_an_answer_in_time_has_an_unknown_outcome(stub: Stub) -> None:
    stub.answer_with(stub.stay_silent)
    port = ProxmoxAdapter(endpoint(stub, read_timeout=0.1))
    with pytest.raises(OutcomeUnknown, match=r"\(none within 0\.1 s\)"):
        port.start("pve1", 200)
    assert stub.asked.wait(20), "it may be read later than it is given up"
    assert len(stub.requests) == 1


def test_a_read_without_an_answer_in_time_is_not_repeated(stub: Stub) -> None:
    stub.answer_with(stub.stay_silent)
    port = ProxmoxAdapter(endpoint(stub, read_timeout=0.1))
    with pytest.raises(Transient, match=r"\(none within 0\.1 s\)"):
        port.version()
    assert stub.asked.wait(20), "it may be read later than it is given up"
    assert len(stub.requests) == 1


CUT = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"data":"UPID:pve1'
DEEP = b'{"data":' + 100_000 * b"[" + 100_000 * b"]" + b"}"
NOT_PROXMOX: dict[str, bytes] = {
    "cut short": CUT,
    "no JSON": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
    "other JSON": b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"ok":true}',
    "bottomless JSON": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(DEEP), DEEP),
    "no task": b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"data":null}',
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"hello\r\n",
}


@pytest.mark.parametrize("answer", NOT_PROXMOX.values(), ids=NOT_PROXMOX)
def test_a_write_whose_answer_is_not_proxmoxs_has_an_unknown_outcome(stub: Stub, port: Proxmox, answer: bytes) -> None:
    def cut(request: Any) -> bytes:
        del request
        stub.hang_up_after_answer = True
        return answer

    stub.answer_with(cut)
    with pytest.raises(OutcomeUnknown):
        port.start("pve1", 200)
    assert len(stub.requests) == 1


@pytest.mark.parametrize("answer", NOT_PROXMOX.values(), ids=NOT_PROXMOX)
def test_a_read_whose_answer_is_not_proxmoxs_proves_nothing(stub: Stub, port: Proxmox, answer: bytes) -> None:
    def cut(request: Any) -> bytes:
        del request
        stub.hang_up_after_answer = True
        return answer

    stub.answer_with(cut)
    with pytest.raises(Transient):
        port.config("pve1", 200)


def test_a_server_that_is_not_there_was_never_reached(stub: Stub) -> None:
    with socket.socket() as bound:  # nobody listens
        bound.bind(("127.0.0.1", 0))
        nobody = f"https://127.0.0.1:{bound.getsockname()[1]}"
        port = ProxmoxAdapter(endpoint(stub, url=nobody))
        for call in (port.version, lambda: port.start("pve1", 200)):
            with pytest.raises(NodeDown, match=rf"no connection to {nobody} \(Connection refused\)$") as caught:
                call()
            assert not isinstance(caught.value, Untrusted)


def test_a_server_that_does_not_take_connections_was_never_reached(stub: Stub) -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        # fill the queue of a listener that never accepts: further connections are not answered
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        port = ProxmoxAdapter(endpoint(stub, url=url, connect_timeout=0.1))
        with pytest.raises(NodeDown, match="no connection to"):
            port.start("pve1", 200)


# another transport


class Simulated(BaseAdapter):
    """A requests transport without a network: what a simulation gives to the adapter."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        self.seen.append(request)
        if request.method != "GET":
            raise requests.ConnectionError("connection reset")
        response = requests.Response()
        response.status_code = 200
        response._content = b'{"data":{"release":"9.2"}}'
        response.request = request
        return response

    def close(self) -> None:
        raise AssertionError("the transport belongs to who made it")


def test_a_transport_takes_the_place_of_the_network(clock: VirtualClock) -> None:
    transport = Simulated()
    where = Endpoint(url="https://pve.invalid:8006", token_id=TOKEN, token_secret=SECRET)
    port = ProxmoxAdapter(where, transport=transport, clock=clock)
    assert port.version() == "9.2"
    clock.advance(60)
    with pytest.raises(OutcomeUnknown, match="connection reset"):
        port.start("pve1", 200)
    assert [request.url for request in transport.seen] == [
        "https://pve.invalid:8006/api2/json/version",
        "https://pve.invalid:8006/api2/json/nodes/pve1/lxc/200/status/start",
    ]

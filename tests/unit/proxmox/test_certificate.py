"""The certificate that a server shows: when it ends, looked at with the trust of calls and without any call."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from controller.engine.clock import SystemClock
from controller.proxmox.certificate import certificate_expiry
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.port import NodeDown, ProxmoxError, Transient, Untrusted

DAY = 86_400.0
Stub = Any
"""The stub server of conftest.py, which tests cannot import."""
Other = Callable[..., AbstractContextManager[Stub]]


def endpoint(stub: Stub, **more: Any) -> Endpoint:
    how = {"url": stub.url, "token_id": "winux@pve!ctl", "token_secret": "s3cret", "ca_file": stub.ca_file}
    return Endpoint(**{**how, **more})


def pinned(stub: Stub) -> Endpoint:
    return endpoint(stub, ca_file=None, fingerprint=stub.fingerprint)


@pytest.mark.parametrize("trusted", [endpoint, pinned], ids=["by its authority", "by its fingerprint"])
@pytest.mark.parametrize("days", [1, 20])
def test_its_end_is_told_and_nothing_is_asked(
    other_server: Other, trusted: Callable[[Stub], Endpoint], days: int
) -> None:
    before = SystemClock().now()
    with other_server(days=days) as server:
        end = certificate_expiry(trusted(server))
        assert server.requests == []
    assert end == pytest.approx(before + days * DAY, abs=60)


def test_the_end_of_a_pinned_one_is_told_even_when_it_is_past(other_server: Other) -> None:
    with other_server(days=-1) as server:
        assert certificate_expiry(pinned(server)) < SystemClock().now()


@pytest.mark.parametrize(
    ("trusted", "told"),
    [
        (lambda stub, _: endpoint(stub, ca_file=None), "give the CA file or pin"),
        (lambda stub, _: endpoint(stub, fingerprint="ab" * 32), "compare the pinned SHA-256"),
        (lambda stub, _: endpoint(stub, url=f"https://localhost:{stub.port}"), "compare the server's authority and na"),
        (lambda stub, tmp_path: endpoint(stub, ca_file=tmp_path / "none.pem"), r"there is no CA file .*none\.pem"),
        (lambda stub, tmp_path: endpoint(stub, ca_file=_empty(tmp_path)), "no certificate or crl found"),
    ],
    ids=["no authority", "another fingerprint", "another name", "no CA file", "an empty CA file"],
)
def test_one_that_is_not_trusted_tells_nothing(
    stub: Stub, tmp_path: Path, trusted: Callable[[Stub, Path], Endpoint], told: str
) -> None:
    with pytest.raises(Untrusted, match=told) as caught:
        certificate_expiry(trusted(stub, tmp_path))
    assert caught.value.operation == "certificate"
    assert stub.requests == []


def _empty(directory: Path) -> Path:
    path = directory / "ca.pem"
    path.write_text("nothing\n")
    return path


def test_a_server_that_is_not_there_was_never_reached(stub: Stub) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        gone = endpoint(stub, url=f"https://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(NodeDown, match="Could not look at its certificate: no connection to"):
            certificate_expiry(gone)


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_allowed(stub: Stub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = endpoint(stub, url=f"https://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(ProxmoxError):
            certificate_expiry(slow, timeout=0.2)


def test_what_speaks_no_tls_is_no_proof_of_anything(stub: Stub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        address = endpoint(stub, url=f"https://127.0.0.1:{plain.getsockname()[1]}")
        client = _answering(plain, b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(Transient):
            certificate_expiry(address)
        client.join(20)


def _answering(server: socket.socket, answer: bytes) -> threading.Thread:
    def accept() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(answer)
            connection.recv(65536)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    return thread

"""A TLS server on loopback that answers what a test tells it to, connection by connection, with its own authority."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PATIENT = 20.0


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: str
    connection: int
    """Counts from 1."""


Answer = Callable[[Request], bytes | None]
"""The bytes to send back; None hangs up without any."""


def reply(
    status: int, reason: str, body: object = None, *, errors: dict[str, str] | None = None, close: bool = False
) -> bytes:
    """An answer in Proxmox's form."""
    content: dict[str, object] = {"data": body}
    if status >= 400:
        content["message"] = f"{reason}\n"
    if errors is not None:
        content["errors"] = errors
    return raw(status, reason, json.dumps(content).encode(), close=close)


def raw(status: int, reason: str, content: bytes, *, close: bool = False, more: str = "") -> bytes:
    connection = "close" if close else "Keep-Alive"
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(content)}\r\nConnection: {connection}\r\n{more}\r\n"
    return head.encode() + content


@dataclass
class Stub:
    """What was asked, and what is answered: ``answers`` one after the other, the last for ever."""

    port: int
    ca_file: Path
    fingerprint: str
    requests: list[Request] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=lambda: [lambda _: reply(200, "OK", {"release": "9.2"})])
    connections: int = 0
    hang_up_after_answer: bool = False
    silence: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)
    """A request has arrived."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def answer_with(self, *answers: Answer | bytes | None) -> None:
        """Answer with these, one after the other, and with the last for ever; None hangs up."""
        self.answers = [answer if callable(answer) else _constant(answer) for answer in answers]

    def give(self, data: object) -> None:
        self.answer_with(reply(200, "OK", data))

    def refuse(self, status: int, reason: str, errors: dict[str, str] | None = None) -> None:
        self.answer_with(reply(status, reason, errors=errors))

    def next_answer(self, request: Request) -> bytes | None:
        self.requests.append(request)
        self.asked.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(request)

    def stay_silent(self, _: Request) -> bytes | None:
        """An answer that does not come before the test is over."""
        self.silence.wait(PATIENT)
        return None


def _constant(answer: bytes | None) -> Answer:
    return lambda _: answer


def _read_request(connection: ssl.SSLSocket, number: int) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    method, target, _ = first.split(" ")
    return Request(method, target, headers, body.decode(), number)


def _serve(stub: Stub, plain: socket.socket, context: ssl.SSLContext, number: int) -> None:
    plain.settimeout(PATIENT)
    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
        while (request := _read_request(connection, number)) is not None:
            answer = stub.next_answer(request)
            if answer is None:
                return
            connection.sendall(answer)
            if stub.hang_up_after_answer:
                stub.hang_up_after_answer = False
                return


def certificate(directory: Path, *, address: str = "127.0.0.1", days: int = 1) -> tuple[Path, Path, Path, str]:
    """A new authority and a leaf it signed: CA file, leaf file, key file and the leaf's SHA-256."""
    directory.mkdir(parents=True, exist_ok=True)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=2))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
        )

    authority = (
        builder(name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    leaf_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pve1")])
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    leaf = (
        builder(leaf_name, key.public_key())
        .add_extension(alternative, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    files = directory / "ca.pem", directory / "leaf.pem", directory / "key.pem"
    files[0].write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    no_password = serialization.NoEncryption()
    files[2].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password))
    return *files, hashlib.sha256(leaf.public_bytes(serialization.Encoding.DER)).hexdigest()


@contextlib.contextmanager
def serving(directory: Path, *, address: str = "127.0.0.1", days: int = 1) -> Iterator[Stub]:
    ca_file, leaf_file, key_file, fingerprint = certificate(directory, address=address, days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf_file, key_file)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stub = Stub(listener.getsockname()[1], ca_file, fingerprint)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    stub.connections += 1
                    threading.Thread(
                        target=_serve, args=(stub, connection, context, stub.connections), daemon=True
                    ).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield stub
        stub.silence.set()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(PATIENT)


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    with serving(tmp_path / "tls") as server:
        yield server


@pytest.fixture
def other_server(tmp_path: Path) -> Callable[..., contextlib.AbstractContextManager[Stub]]:
    """Another server, with its own authority: ``other_server(address=…, days=…)``."""
    return lambda **how: serving(tmp_path / "other", **how)

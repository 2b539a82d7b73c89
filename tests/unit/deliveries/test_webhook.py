"""Webhooks against a real HTTP server on loopback: what is sent, and what every answer or silence is taken for."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from controller.deliveries.signing import read_keys
from controller.deliveries.sink import NotTaken
from controller.deliveries.webhook import WebhookSink, message
from controller.engine.clock import SystemClock, VirtualClock
from controller.telemetry import redact
from tests.unit.deliveries.receiver import OTHER_SECRET, SECRET, Receiver, listening
from tests.unit.deliveries.test_file import event

NOW = 1_800_000_000.0
STOP = threading.Event()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening(Receiver()) as receiver:
        yield receiver


def sink_to(url: str) -> WebhookSink:
    return WebhookSink(url=url, keys=read_keys(SECRET), controller="classroom", clock=VirtualClock(NOW), timeout=60.0)


@pytest.fixture
def sink(receiver: Receiver) -> WebhookSink:
    return sink_to(receiver.url)


def refusal(sink: WebhookSink) -> NotTaken:
    with pytest.raises(NotTaken) as caught:
        sink.send([event(1)], STOP)
    return caught.value


def test_events_are_posted_together_and_signed(receiver: Receiver, sink: WebhookSink) -> None:
    sink.send([event(1), event(2, "ça marche")], STOP)
    (request,) = receiver.requests
    assert request.path == "/hook/s3cr3t-path"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-timestamp"] == str(int(NOW))
    assert request.signed_with(SECRET)
    assert not request.signed_with(OTHER_SECRET)
    document = json.loads(request.body)
    assert document["timestamp"] == "2027-01-15T08:01:00.500Z"
    assert document["data"]["controller"] == "classroom"
    assert [(one["id"], one["message"]) for one in request.events] == [(1, "the desktop answers"), (2, "ça marche")]


def test_the_same_events_are_the_same_message_whenever_they_are_sent() -> None:
    first = message([event(1), event(2)], controller="default")
    assert message([event(1), event(2)], controller="default") == first
    assert message([event(1)], controller="default")[0] != first[0]
    assert message([event(1), event(2)], controller="other")[0] != first[0]


def test_no_body_holds_a_secret(receiver: Receiver, sink: WebhookSink) -> None:
    redact.register("hunter2hunter2")
    try:
        sink.send([event(1, "it said hunter2hunter2")], STOP)
    finally:
        redact.forget("hunter2hunter2")
    assert b"hunter2" not in receiver.requests[0].body


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_one(receiver: Receiver, sink: WebhookSink, status: int) -> None:
    receiver.status = status
    sink.send([event(1)], STOP)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("status", "refused", "too_much"),
    [
        (400, True, False),
        (401, True, False),
        (404, True, False),
        (410, True, False),
        (413, True, True),
        (422, True, False),
        (408, False, False),
        (425, False, False),
        (429, False, False),
        (500, False, False),
        (502, False, False),
        (503, False, False),
    ],
)
def test_a_refusal_lasts_and_trouble_passes(
    receiver: Receiver, sink: WebhookSink, status: int, refused: bool, too_much: bool
) -> None:
    receiver.status = status
    error = refusal(sink)
    assert (error.refused, error.too_much, error.pause) == (refused, too_much, None)
    assert str(error).startswith(f"it answered {status}")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(receiver: Receiver, sink: WebhookSink, status: int) -> None:
    receiver.status, receiver.headers = status, {"location": receiver.url}
    error = refusal(sink)
    assert error.refused
    assert "redirects are not followed" in str(error)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (format_datetime(datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(datetime.fromtimestamp(NOW, UTC) - timedelta(seconds=90), usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
        ("²", None),
    ],
)
def test_it_is_left_alone_as_long_as_it_asks(
    receiver: Receiver, sink: WebhookSink, text: str, pause: float | None
) -> None:
    receiver.status, receiver.headers = 503, {"retry-after": text.encode("utf-8").decode("latin-1")}
    assert refusal(sink).pause == pause


def test_nobody_there_is_said_in_words() -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        error = refusal(sink_to(f"http://127.0.0.1:{taken.getsockname()[1]}/hook"))
    assert (str(error), error.refused) == ("connection refused", False)


def test_an_answer_that_never_ends_is_given_up_in_time(receiver: Receiver, sink: WebhookSink) -> None:
    """Each byte comes soon enough; only the whole takes too long."""
    receiver.drip = threading.Event()
    assert str(refusal(replace(sink, timeout=0.5))) == "no answer within 0.5 s"


def test_a_server_that_takes_no_connection_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        port = silent.getsockname()[1]
        assert str(refusal(replace(sink_to(f"http://127.0.0.1:{port}/"), timeout=0.5))) == "no answer within 0.5 s"


def test_a_stop_is_not_held_up(receiver: Receiver, sink: WebhookSink) -> None:
    receiver.drip = threading.Event()
    stop, clock = threading.Event(), SystemClock()
    threading.Thread(target=lambda: (clock.wait(threading.Event(), 0.3), stop.set())).start()
    with pytest.raises(NotTaken, match="the controller stops"):
        replace(sink, timeout=30.0).send([event(1)], stop)


def test_what_speaks_no_tls_is_not_trusted(receiver: Receiver) -> None:
    error = refusal(sink_to(receiver.url.replace("http:", "https:")))
    assert not error.refused
    assert "s3cr3t" not in str(error)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of 127.0.0.1, signed by itself; its key is in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    today = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "receiver.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + private)
    return path


def test_a_certificate_is_verified(certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with listening(Receiver(), tls=tls) as receiver:
        stranger = refusal(sink_to(receiver.url))
        assert str(stranger).startswith("its certificate is not trusted (self-signed certificate")
        assert receiver.requests == []
        replace(sink_to(receiver.url), ca_file=certificate).send([event(1)], STOP)
        assert receiver.requests[0].signed_with(SECRET)
        wrong_name = replace(sink_to(receiver.url.replace("127.0.0.1", "localhost")), ca_file=certificate)
        assert str(refusal(wrong_name)).startswith("its certificate is not trusted (Hostname mismatch")


def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, sink: WebhookSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    sink.send([event(1)], STOP)
    assert len(receiver.requests) == 1


def test_certificates_that_cannot_be_read_are_named(receiver: Receiver, tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"
    error = refusal(replace(sink_to(receiver.url.replace("http:", "https:")), ca_file=missing))
    assert error.refused
    assert str(error) == f"the certificates in {missing} cannot be used (no such file or directory)"


def test_people_see_the_host_and_nobody_the_path(sink: WebhookSink) -> None:
    assert sink.place.startswith("the webhook at http://127.0.0.1:")
    assert "s3cr3t" not in f"{sink.place} {sink!r}"

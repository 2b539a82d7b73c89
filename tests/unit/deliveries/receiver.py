"""A receiver of webhooks on loopback: a real HTTP server that answers as it is told and keeps what it got."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes

    def signed_with(self, secret: str) -> bool:
        """As the convention has it, worked out here once more."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = b".".join([self.headers["webhook-id"].encode(), self.headers["webhook-timestamp"].encode(), self.body])
        signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return f"v1,{signature}" in self.headers["webhook-signature"].split()

    @property
    def events(self) -> list[dict[str, object]]:
        document = json.loads(self.body)
        assert document["type"] == "winux.events"
        return list(document["data"]["events"])


@dataclass
class Receiver:
    """``status`` and ``headers`` of its answers may be changed at any time."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    drip: threading.Event | None = None
    """While it is there and not set, answers come a byte at a time, and never whole."""

    @property
    def taken(self) -> list[dict[str, object]]:
        """Events of all requests, whatever was answered."""
        return [event for request in self.requests for event in request.events]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    receiver: Receiver


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.requests.append(Request(self.path, headers, body))
        if receiver.drip is not None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            try:
                while not receiver.drip.wait(0.02):
                    self.wfile.write(b"x")
            except OSError:
                return  # the other side hung up, as it should
            return
        self.send_response(receiver.status)
        for name, value in receiver.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing: what it got is in ``requests``."""


@contextmanager
def listening(receiver: Receiver, *, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    server = _Server(("127.0.0.1", port), _Handler)
    server.receiver = receiver
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "http" if tls is None else "https"
    receiver.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/hook/s3cr3t-path"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        if receiver.drip is not None:
            receiver.drip.set()
        server.shutdown()
        thread.join()
        server.server_close()

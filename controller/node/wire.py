"""A request as it arrives and a reply as it leaves, with the parsing that pveproxy does; no sockets, no API.

Bodies are forms or JSON, parameters of GET and DELETE stand in the query, repeated keys become one value joined by
NUL (PVE::APIServer::AnyEvent). Every value is text from here on, as it is in Perl.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import parse_qsl, unquote

from controller.node.errors import Refusal, died
from controller.node.upload import Upload

METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})
BODY_LIMIT = 512 * 1024
HEADER_LINES = 64
"""With the empty line at its end."""
HEADER_BYTES = 8 * 1024
IDLE_SECONDS = 5.0
"""After which pveproxy closes a connection on which nothing happens."""
BASE = "/api2/json"
CONTENT_TYPE = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request. ``path`` is the raw path with its percent signs, without the query."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    content_length: int = 0
    upload: Upload | None = None
    """Instead of a body."""

    def segments(self) -> tuple[str, ...]:
        """The decoded parts of the path below the API's base; empty parts are left out."""
        below = self.path.removeprefix(BASE)
        return tuple(unquote(part) for part in below.split("/") if part)

    @property
    def overlong(self) -> bool:
        """Whether the head has more lines or bytes than pveproxy reads: it never answers, and closes when idle."""
        lines = [f"{name}: {value}" for name, value in self.headers.items()]
        return len(lines) + 1 >= HEADER_LINES or sum(map(len, lines)) >= HEADER_BYTES

    def check_head(self) -> None:
        """What is refused before anybody asks who calls (process_header)."""
        if self.method not in METHODS:
            raise Refusal(501, f"method '{self.method}' not available", body=False)
        encoding = self.headers.get("transfer-encoding")
        if encoding is not None:
            known = encoding.lower() == "chunked"
            text = "chunked transfer encoding not supported" if known else f"Unknown transfer encoding '{encoding}'"
            raise Refusal(501, text, body=False)

    def parameters(self) -> dict[str, str]:
        """The parameters of query and body."""
        if self.upload is not None:
            return dict(self.upload.parameters)
        pairs = parse_qsl(self.query, keep_blank_values=True)
        if self.method in ("GET", "DELETE"):
            if self.content_length > 0:
                raise Refusal(501, f"Unexpected content for method '{self.method}'", body=False)
        else:
            pairs += self._body_pairs()
        joined: dict[str, str] = {}
        for name, value in pairs:
            joined[name] = f"{joined[name]}\0{value}" if name in joined else value
        return joined

    def _body_pairs(self) -> list[tuple[str, str]]:
        if self.content_length > BODY_LIMIT:
            raise Refusal(501, "for data too large", body=False)
        if not self.content_length:
            return []
        given = self.headers.get("content-type", "")
        kind = given.partition(";")[0].strip().lower()
        if kind in ("", "application/x-www-form-urlencoded"):
            return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        if kind == "application/json":
            return _json_pairs(self.body)
        raise Refusal(506, f"upload 'Content-Type '{given}' not implemented", body=False)


def _json_pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        document: object = json.loads(body)
    except ValueError as error:
        raise died(f"malformed JSON string, {error}") from None
    if not isinstance(document, dict):
        raise died("malformed JSON string, neither tag, array, object, number, string or atom")
    listed = {str(name): value if isinstance(value, list) else [value] for name, value in document.items()}
    return [(name, _as_text(one)) for name, values in listed.items() for one in values if one is not None]


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else json.dumps(value)


class Ending(Enum):
    """What becomes of the connection."""

    ANSWER = "answer"
    SILENCE = "silence"
    """No answer ever comes; the client has to give up by itself."""
    RESET = "reset"
    """The connection is cut without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    reason: str = "OK"
    body: bytes = b""
    ending: Ending = Ending.ANSWER
    content_type: str = CONTENT_TYPE


@dataclass(frozen=True, slots=True)
class Encoded:
    """Data that is JSON already, because it was cached piece by piece."""

    json: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Data of a list together with the number of all rows that match."""

    data: object
    total: int


def success(result: object) -> Reply:
    """A 200 with ``{"data": result}``."""
    if isinstance(result, Encoded):
        return Reply(body=b'{"data":' + result.json + b"}")
    envelope = {"data": result.data, "total": result.total} if isinstance(result, Page) else {"data": result}
    return Reply(body=json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode())


def failure(refusal: Refusal) -> Reply:
    """A refusal as Proxmox words it: the text as reason phrase and, with a newline, as message."""
    reason = refusal.reason.partition("\n")[0]
    if not refusal.body:
        return Reply(status=refusal.status, reason=reason)
    newline = "" if refusal.status == 501 else "\n"
    envelope: dict[str, object] = {"data": None, "message": refusal.reason + newline}
    if refusal.errors is not None:
        envelope["errors"] = dict(refusal.errors)
    return Reply(status=refusal.status, reason=reason, body=json.dumps(envelope, ensure_ascii=False).encode())


def aborted(ending: Ending) -> Reply:
    """No answer."""
    return Reply(status=0, reason="", ending=ending)

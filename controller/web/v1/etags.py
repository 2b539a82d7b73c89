"""Entity tags: what a representation says, without what changes by waiting alone.

They are compared as RFC 9110 compares weakly, also for ``If-Match``: a proxy that compresses answers makes every tag
weak, and what a tag stands for here is the state of the thing, not the bytes of an answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import Header, Request, Response
from pydantic import BaseModel

from controller.web.refusals import Refused

_PASSING = frozenset({"serverTime", "secondsLeft", "elapsedSeconds", "estimateSeconds", "fraction"})
PRIVATE = {"cache-control": "private, no-cache", "vary": "Cookie, Authorization"}
SECRET = {"cache-control": "no-store", "vary": "Cookie, Authorization"}
TAGGED = {"headers": {"ETag": {"description": "Stands for this state.", "schema": {"type": "string"}}}}
DESCRIBED: Mapping[int | str, dict[str, Any]] = MappingProxyType(
    {200: TAGGED, 304: {"description": "It is as the client knows it."}}
)
"""For a route's description: what ``answer`` gives."""
IfNoneMatch = Annotated[
    str, Header(alias="If-None-Match", description="Entity tags of what is known already: 304 where it is one.")
]
"""Only for the description: ``answer`` reads it."""


def etag_of(shown: BaseModel) -> str:
    """In quotes, as the header has it."""
    said = json.dumps(_lasting(shown.model_dump(mode="json", by_alias=True)), sort_keys=True)
    return f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def answer(request: Request, shown: BaseModel, *, status: int = 200) -> Response:
    """The answer with its tag, or 304 where who asks has it."""
    etag = etag_of(shown)
    headers = {**PRIVATE, "etag": etag}
    if request.method == "GET" and _names(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    content = shown.model_dump_json(by_alias=True)
    return Response(content, status_code=status, media_type="application/json", headers=headers)


def require(request: Request, shown: BaseModel) -> None:
    """Raises ``Refused`` with 412 where ``If-Match`` names another state."""
    wanted = request.headers.get("if-match")
    if wanted is not None and not _names(wanted, etag_of(shown)):
        raise Refused(412, "Changed", "it changed since you looked at it: look again, then decide")


def _names(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or etag in tags


def _lasting(value: object) -> object:
    if isinstance(value, dict):
        return {key: _lasting(part) for key, part in value.items() if key not in _PASSING}
    if isinstance(value, list):
        return [_lasting(part) for part in value]
    return value

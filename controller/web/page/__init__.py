"""The page: static files that lie in this package, and the routes that serve them.

No build step and no template: what is in ``static/`` is what a browser gets. The page talks to ``/api/v1`` only, by
addresses relative to its own, so that it may be served below any path. What it may load is said by
``CONTENT_SECURITY``; who may do what is decided behind the API, never here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, HTTPException, Request, Response

CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"
)
"""The Content-Security-Policy that the page keeps to: its own files, no inline script or style, no text as HTML."""
CONTENT_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PAGES: Mapping[str, str] = {"/": "index.html", "/admin": "admin.html"}
"""Which file is served where; everything else is below ``/page/``, by its path in ``static/``."""
REVALIDATE = "no-cache"
"""Kept by browsers, and asked for anew each time: after an upgrade no old module meets a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """One file as it is served."""

    body: bytes
    content_type: str
    etag: str
    """Strong: the digest of its bytes, in quotes."""

    def answer(self, request: Request) -> Response:
        """The file, or 304 where the browser has it."""
        headers = {"ETag": self.etag, "Cache-Control": REVALIDATE, "X-Content-Type-Options": "nosniff"}
        if self.content_type.startswith("text/html"):
            headers["Content-Security-Policy"] = CONTENT_SECURITY
        if _matches(request.headers.get("if-none-match", ""), self.etag):
            return Response(status_code=304, headers=headers)
        return Response(self.body, media_type=self.content_type, headers=headers)


def static_files() -> dict[str, StaticFile]:
    """Every file of the page by its path in ``static/``, read once: no request ever names a path of this machine."""
    return {path: _static(path, file.read_bytes()) for path, file in _walk(files(__name__) / "static", "")}


def router() -> APIRouter:
    """``GET /``, ``GET /admin`` and ``GET /page/…``; none of them asks who is there."""
    found = static_files()
    routes = APIRouter(include_in_schema=False)

    def asset(path: str, request: Request) -> Response:
        if (file := found.get(path)) is None or path in PAGES.values():
            raise HTTPException(status_code=404, detail="the page has no such file")
        return file.answer(request)

    for path, name in PAGES.items():
        routes.add_api_route(path, found[name].answer, methods=["GET", "HEAD"])
    routes.add_api_route("/page/{path:path}", asset, methods=["GET", "HEAD"])
    return routes


def _walk(directory: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in directory.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, f"{path}/")
        elif _suffix(path) in CONTENT_TYPES:
            yield path, entry


def _static(path: str, body: bytes) -> StaticFile:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return StaticFile(body=body, content_type=CONTENT_TYPES[_suffix(path)], etag=etag)


def _suffix(path: str) -> str:
    return path[path.rfind(".") :]


def _matches(header: str, etag: str) -> bool:
    """RFC 9110, 13.1.2: a list of tags, compared weakly, or ``*``."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return header.strip() == "*" or etag in tags

"""How ``/api/v1`` refuses: problem details (RFC 9457), and their place in its description."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from controller.web.refusals import Refused

MEDIA_TYPE = "application/problem+json"
_TAG = "tag:winux.dev,2026:problem/"
"""A name for each kind of problem that leads nowhere, as RFC 9457, 3.1.1 allows."""
PROBLEM = "Problem"
PROBLEM_SCHEMA: Mapping[str, object] = {
    "title": PROBLEM,
    "description": "Why something was refused.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "A name for this kind of problem."},
        "title": {"type": "string", "description": "One word for programs.", "examples": ["Full"]},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for people."},
        "instance": {"type": "string", "format": "uri-reference", "description": "What was asked for."},
        "errors": {
            "description": "Every mistake in what was sent.",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
_WHY = {
    400: "What was sent cannot be read, or a name or token in it is none.",
    401: "It takes a login, or the proof of one is wrong.",
    403: "Who asks may not do this, or a page of another site asked.",
    404: "There is nothing of that name that who asks may see.",
    405: "The method is none of those in the Allow header.",
    408: "The body was not sent in time.",
    409: "It is not possible in the state that things are in.",
    412: "It changed since: the If-Match header names another state.",
    413: "The body is too large.",
    421: "The request was meant for another site.",
    422: "What was sent can be read, but not be used.",
    429: "Too often, or too many: see the Retry-After header where there is one.",
    500: "A fault of the server's.",
    503: "All is taken, or the controller cannot answer: see the Retry-After header.",
}
_ANYWHERE = (400, 401, 403, 421, 422, 429, 500, 503)
_TO_ORDERS = (408, 413)


class Mistaken(Refused):
    """What was sent is wrong; ``errors`` has every mistake by its field."""

    def __init__(self, status: int, title: str, detail: str, errors: tuple[tuple[str, str], ...]) -> None:
        super().__init__(status, title, detail)
        self.errors = errors


class Route(APIRoute):
    """Finds every mistake of a request, not only the first. Says where and what, never what was sent."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handling(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise _mistaken(error) from None

        return handling


def operation_id(route: APIRoute) -> str:
    """What generated clients call it."""
    return f"v1_{route.name}"


def answer(request: Request, refused: Refused) -> Response:
    """A refusal in the form of this API."""
    instance = quote(cast("str", request.scope["path"]), safe="/~!$&'()*+,;=:@")
    problem: dict[str, object] = {
        "type": f"{_TAG}{quote(refused.title, safe='')}",
        "title": refused.title,
        "status": refused.status,
        "detail": refused.detail,
        "instance": instance,
    }
    if isinstance(refused, Mistaken):
        problem["errors"] = [{"field": field, "detail": detail} for field, detail in refused.errors]
    return JSONResponse(problem, status_code=refused.status, headers=refused.headers, media_type=MEDIA_TYPE)


def refusals(*statuses: int, order: bool = False) -> dict[int | str, dict[str, Any]]:
    """For a route's description: these, and those that may come anywhere. ``order``: it is sent a body."""
    wanted = {*statuses, *_ANYWHERE, *(_TO_ORDERS if order else ())}
    return {status: _described(status) for status in sorted(wanted)}


def _described(status: int) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": _WHY[status],
        "content": {MEDIA_TYPE: {"schema": dict(PROBLEM_SCHEMA), "example": _example(status)}},
    }
    if status in {429, 503}:
        said = "Seconds after which it is worth trying again."
        described["headers"] = {"Retry-After": {"description": said, "schema": {"type": "integer", "minimum": 1}}}
    return described


def _example(status: int) -> dict[str, object]:
    title = "Full" if status == 503 else HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")
    return {
        "type": f"{_TAG}{title}",
        "title": title,
        "status": status,
        "detail": _WHY[status],
        "instance": "/api/v1/sessions",
    }


def _mistaken(error: RequestValidationError) -> Mistaken:
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return Mistaken(400, "Malformed", "the body is no JSON: send a JSON object", ())
    errors = tuple((_field(one["loc"]), _sentence(str(one["msg"]))) for one in found)
    field, detail = errors[0]
    return Mistaken(422, "Invalid", f"{field}: {detail}", errors)


def _field(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place[1:]) or str(place[0])


def _sentence(message: str) -> str:
    return f"{message[:1].lower()}{message[1:]}"

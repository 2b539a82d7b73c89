"""The application: the parts put together, refusals in the form of the part that they concern, and the guard around."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Scope

from controller import __version__
from controller.web.answers import Answers
from controller.web.asking import Identify, Options, Part
from controller.web.desk import Desk
from controller.web.guard import Guard
from controller.web.hops import Hops, Network
from controller.web.refusals import Refused

OPENAPI = "/api/openapi.json"
"""Where both APIs are described."""
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SAID = {404: "there is nothing here", 405: "this cannot be done here: see the Allow header for what can"}


def make_app(
    desk: Desk,
    identity: Identify,
    *,
    parts: Sequence[Part],
    options: Callable[[], Options] = Options,
    trusted: Sequence[Network] = (),
) -> ASGIApp:
    """``trusted``: the networks of proxies whose headers are believed. ``options`` is asked anew for each request."""
    answers = Answers(parts)
    guarded = Guard(make_api(desk, identity, parts=parts, options=options), answers=answers, options=options)
    return Hops(guarded, trusted=trusted)


def make_api(
    desk: Desk, identity: Identify, *, parts: Sequence[Part], options: Callable[[], Options] = Options
) -> FastAPI:
    """The routes alone, without what guards them."""
    app = FastAPI(
        title="winux",
        version=__version__,
        description="Temporary Linux desktops.",
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI,
    )
    app.state.desk, app.state.identify, app.state.options = desk, identity, options
    for part in parts:
        app.include_router(part.router)
    _add_errors(app, Answers(parts))
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]  # as FastAPI's documentation has it
    return app


def _add_errors(app: FastAPI, answers: Answers) -> None:
    @app.exception_handler(Refused)
    def refused(request: Request, error: Refused) -> Response:
        return answers.say(request, error)

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> Response:
        return answers.say(request, _malformed(error))

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> Response:
        title = {400: "Malformed", 404: "NoSuchPath", 405: "MethodNotAllowed"}.get(error.status_code, "Refused")
        said = _SAID.get(error.status_code, "the request cannot be used")
        response = answers.say(request, Refused(error.status_code, title, said))
        response.headers.update(error.headers or {})
        if error.status_code == 405:
            response.headers["allow"] = ", ".join(_methods(app, request))
        return response

    @app.exception_handler(Exception)
    def failed(request: Request, _error: Exception) -> Response:
        # The server logs it with its traceback: it is raised again after this answer.
        return answers.say(
            request, Refused(500, "Failed", "this went wrong here: the administrators find why in the log")
        )


def _methods(app: FastAPI, request: Request) -> list[str]:
    """All that can be done there: the framework knows only those of the first route on the path."""
    scopes = {method: {**request.scope, "method": method} for method in _METHODS}
    return [method for method, scope in scopes.items() if _leads(app, scope)]


def _leads(app: FastAPI, scope: Scope) -> bool:
    return any(route.matches(scope)[0] is Match.FULL for route in app.router.routes)


def _malformed(error: RequestValidationError) -> Refused:
    """Says where and what, never what was sent."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return Refused(400, "Malformed", "the body is no JSON: send a JSON object")
    where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return Refused(422, "Invalid", f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}")


def _described(app: FastAPI) -> dict[str, object]:
    """As FastAPI describes it, without its own form of refusals, which nothing here has."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for operations in schema.get("paths", {}).values():
            for operation in operations.values():
                found = operation["responses"].get("422", {}).get("content", {}).get("application/json", {})
                if "HTTPValidationError" in str(found):
                    del operation["responses"]["422"]
        for own in ("HTTPValidationError", "ValidationError"):
            schema.get("components", {}).get("schemas", {}).pop(own, None)
        app.openapi_schema = schema
    return app.openapi_schema

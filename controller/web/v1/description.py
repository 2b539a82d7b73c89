"""The description of ``/api/v1`` by OpenAPI, at ``/api/v1/openapi.json``: this API alone, with its refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from controller import __version__
from controller.web.v1.examples import EXAMPLES
from controller.web.v1.problems import PROBLEM, PROBLEM_SCHEMA

_ABOUT = """Temporary Linux desktops at the press of a button.

**Who asks** is known by the cookie that a launch sets (`winux_ticket`), by the ticket of a launch as
`Authorization: Bearer wxt_…`, or by what the site's mode takes: a token as `Authorization: Bearer wxk_…`, a login, or
headers of an authenticating proxy. In the open mode nobody needs any of it to launch.

**Refusals** are problem details (RFC 9457): `title` is a word for programs, `detail` a sentence for people.

**Orders from browsers** have to come from a page of this site: the Origin header is compared. There is no CORS.
"""
_TAGS = [
    {"name": "sessions", "description": "Desktops that were asked for."},
    {"name": "offers", "description": "What may be asked for."},
    {"name": "people", "description": "Who asks."},
    {"name": "operation", "description": "How everything stands."},
]


def add_description(router: APIRouter) -> None:
    """Of all that is in the router by then. Anybody may read it."""
    said = described(router)

    async def openapi() -> JSONResponse:
        return JSONResponse(said, headers={"cache-control": "no-cache"})

    router.add_api_route("/openapi.json", openapi, methods=["GET"], include_in_schema=False)


def described(router: APIRouter) -> dict[str, object]:
    found = get_openapi(
        title="winux", version=__version__, summary="API v1", description=_ABOUT, routes=router.routes, tags=_TAGS
    )
    hoisted = cast("dict[str, object]", _hoisted(found["paths"]))
    schemas = {
        **{name: _exemplified(name, schema) for name, schema in found.get("components", {}).get("schemas", {}).items()},
        PROBLEM: dict(PROBLEM_SCHEMA),
    }
    used = _reached(hoisted, schemas)
    components = {name: schema for name, schema in schemas.items() if name in used}
    return {**found, "paths": hoisted, "components": {"schemas": components}}


def _exemplified(name: str, schema: dict[str, object]) -> dict[str, object]:
    return {**schema, "examples": [EXAMPLES[name]]} if name in EXAMPLES else schema


def _hoisted(value: object) -> object:
    """The schema of problems by its name, wherever it stands."""
    if value == PROBLEM_SCHEMA:
        return {"$ref": f"#/components/schemas/{PROBLEM}"}
    return _mapped(value, _hoisted)


def _mapped(value: object, change: Callable[[object], object]) -> object:
    if isinstance(value, dict):
        return {key: change(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [change(part) for part in value]
    return value


def _reached(value: object, schemas: Mapping[str, object]) -> set[str]:
    """The names of all schemas that are referred to, also by one another."""
    reached: set[str] = set()
    left = _referred(value)
    while left:
        name = left.pop()
        if name not in reached and name in schemas:
            reached.add(name)
            left |= _referred(schemas[name])
    return reached


def _referred(value: object) -> set[str]:
    if isinstance(value, dict):
        here = {str(value["$ref"]).rpartition("/")[2]} if isinstance(value.get("$ref"), str) else set()
        return here.union(*(_referred(part) for part in value.values()))
    if isinstance(value, list):
        return set().union(*(_referred(part) for part in value))
    return set()

"""The description of the API is complete, and about this API alone."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from controller.web.v1.examples import EXAMPLES
from controller.web.v1.problems import MEDIA_TYPE
from tests.unit.web.v1.hotel import Hotel

ROUTES = {
    ("get", "/api/v1/me"),
    ("get", "/api/v1/templates"),
    ("get", "/api/v1/pools"),
    ("get", "/api/v1/status"),
    ("get", "/api/v1/events"),
    ("post", "/api/v1/sessions"),
    ("get", "/api/v1/sessions"),
    ("get", "/api/v1/sessions/{name}"),
    ("delete", "/api/v1/sessions/{name}"),
    ("get", "/api/v1/sessions/{name}/stream"),
    ("get", "/api/v1/sessions/{name}/events"),
    ("get", "/api/v1/sessions/{name}/credential"),
    ("get", "/api/v1/sessions/{name}/rdp"),
    ("post", "/api/v1/sessions/{name}/extend"),
}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    answer = Hotel().browser().get("/openapi.json")
    assert answer.status_code == 200
    described: dict[str, Any] = answer.json()
    return described


def test_it_is_served_to_anybody(club: Hotel) -> None:
    assert club.browser().get("/openapi.json").json()["info"]["title"] == "winux"


def test_it_has_every_route_and_no_other(description: dict[str, Any]) -> None:
    assert {(method, path) for method, path, _ in _operations(description)} == ROUTES


def test_every_route_says_what_it_is_for_and_how_it_refuses(description: dict[str, Any]) -> None:
    names = set()
    for _, path, operation in _operations(description):
        assert operation["summary"], path
        assert operation["description"], path
        names.add(operation["operationId"])
        refused = {status for status in operation["responses"] if int(status) >= 400}
        assert {"400", "401", "403", "422", "429", "500", "503"} <= refused, path
        assert ("404" in refused) is ("{name}" in path), path
        for status in refused:
            assert set(operation["responses"][status]["content"]) == {MEDIA_TYPE}, (path, status)
    assert len(names) == len(ROUTES)


def test_every_reference_leads_somewhere_and_every_model_is_used(description: dict[str, Any]) -> None:
    used = set(_references(description))
    assert used == {f"#/components/schemas/{name}" for name in description["components"]["schemas"]}
    assert "#/components/schemas/Problem" in used
    assert not any("Validation" in reference for reference in used)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_one(description: dict[str, Any], name: str) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": description["components"]}
    jsonschema.validate(EXAMPLES[name], schema)
    assert description["components"]["schemas"][name]["examples"] == [EXAMPLES[name]]


def _operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, path, one) for path, methods in description["paths"].items() for method, one in methods.items()]


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        here = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return here + [found for part in value.values() for found in _references(part)]
    if isinstance(value, list):
        return [found for part in value for found in _references(part)]
    return []

"""Every method that Proxmox's API description has for containers is here, with its parameters, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from controller.node.routes import ROUTES

DESCRIPTION = Path(__file__).resolve().parents[4] / "shared" / "pve-api-subset.json"
NEWER = {("PUT", "/access/users/{userid}/token/{tokenid}"): {"regenerate"}}
"""Parameters of PVE 9.2 that the description, which is a little older, does not have."""

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.exists(), reason=f"the description of the real API is not here: {DESCRIPTION}"
)


def methods() -> list[tuple[str, str, dict[str, Any]]]:
    if not DESCRIPTION.exists():
        return []
    endpoints = json.loads(DESCRIPTION.read_text())["endpoints"]
    return [(verb, path, method) for path, verbs in endpoints.items() for verb, method in verbs.items()]


@pytest.mark.parametrize(("verb", "path", "method"), methods(), ids=lambda one: one if isinstance(one, str) else "")
def test_a_method_is_here_with_its_parameters(verb: str, path: str, method: dict[str, Any]) -> None:
    route = ROUTES[verb, path]
    assert set(route.schema) == set(method["parameters"]) | NEWER.get((verb, path), set())
    required = {name for name, param in method["parameters"].items() if not param.get("optional")}
    assert {name for name, param in route.schema.items() if param.required} | set(method.get("pathParams", ())) == (
        required | set(method.get("pathParams", ()))
    )

"""The template that is there without being written: ``default``, with the built-in defaults throughout.

A manifest of the same name takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.api.manifest import API_VERSION, Manifest
from controller.api.problem import Origin
from controller.api.template import SessionTemplate

BUILT_IN = Origin(file="(built-in)")

BUILT_IN_TEMPLATES: Mapping[str, Manifest] = {
    "default": Manifest(
        model=SessionTemplate.model_validate(
            {"apiVersion": API_VERSION, "kind": "SessionTemplate", "metadata": {"name": "default"}}
        ),
        origin=BUILT_IN,
    )
}

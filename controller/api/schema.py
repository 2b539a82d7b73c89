"""The JSON Schema (2020-12) of one manifest document, for editors such as those with yaml-language-server.

It accepts what the models accept, as far as JSON Schema can say it: sums, limits and names are checked when loading.
"""

from __future__ import annotations

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from controller.api.kinds import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, object]:
    """A manifest of any kind: ``oneOf`` over the kinds, told apart by ``kind``."""
    models = list(KINDS.values())
    references, shared = models_json_schema([(model, "validation") for model in models], schema_generator=_Generator)
    definitions = shared["$defs"]
    for name, definition in definitions.items():
        if name not in KINDS:
            definition.pop("title", None)
    return {
        "$schema": DIALECT,
        "title": "winux.dev/v1 manifest",
        "description": "A desktop that somebody asks for, or a template to make desktops from.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "oneOf": [references[model, "validation"] for model in models],
        "$defs": definitions,
    }


class _Generator(GenerateJsonSchema):
    """Fields may be left out but not be null, defaults are spelt as in manifests, names of labels have a pattern."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        result = super().default_schema(schema)
        if result.get("default", 0) in (None, "", []):
            del result["default"]
        written = schema["schema"].get("serialization", {})
        if "default" in result and written.get("type") == "function-plain":
            result["default"] = written["function"](result["default"])
        return result

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        result = super().dict_schema(schema)
        if "patternProperties" in result:
            result["additionalProperties"] = False
        return result

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's hook
        return False

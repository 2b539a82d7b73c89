"""The published JSON Schema agrees with the models, and says something about every field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml

from controller.api.load import parse
from controller.api.schema import json_schema
from tests.unit.api.mistakes import SESSIONS, TEMPLATES

EXAMPLES = sorted((Path(__file__).parents[3] / "manifests").glob("*.yaml"))

# Right by their shape, wrong by sums and comparisons: more than a schema can say.
BEYOND_SCHEMA = (
    "stands there twice",
    "is given twice",
    "is not after",
    "is outside the network",
    "is inside the range",
    "before it starts",
    "no host can have",
    "is more than spec.ttl.max",
    "is less than the",
    "is an address inside of",
    "is no range of ports",
)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


class CoreLoader(yaml.SafeLoader):
    """YAML as editors read it: 1.2, where a date or ``yes`` is text."""


CoreLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rsplit(":", 1)[-1] in ("null", "int", "float")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
CoreLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_fit_the_schema(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    for document in yaml.load_all(path.read_text(), Loader=CoreLoader):
        validator.validate(document)


@pytest.mark.parametrize(
    "text", [text for text, said in (SESSIONS | TEMPLATES).items() if not any(part in said for part in BEYOND_SCHEMA)]
)
def test_what_the_models_refuse_the_schema_refuses(text: str, validator: jsonschema.Draft202012Validator) -> None:
    assert parse(text.encode(), "a.yaml").manifests == ()
    assert not validator.is_valid(yaml.load(text, Loader=CoreLoader))  # noqa: S506 - derived from SafeLoader


@pytest.mark.parametrize(
    "spec",
    ["{ttl: 90m}", "{ttl: 2d}", "{revision: 3}", "{revision: r3}", "{resources: {memory: 512Mi}}", "{paused: true}"],
)
def test_what_the_models_accept_the_schema_accepts(spec: str, validator: jsonschema.Draft202012Validator) -> None:
    text = f"apiVersion: winux.dev/v1\nkind: Session\nmetadata: {{name: a}}\nspec: {spec}\n"
    assert parse(text.encode(), "a.yaml").problems == ()
    validator.validate(yaml.load(text, Loader=CoreLoader))  # noqa: S506 - derived from SafeLoader


def fields(schema: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    for owner, definition in definitions.items():
        for name, field in definition.get("properties", {}).items():
            yield f"{owner}.{name}", field


def test_every_field_has_a_description_and_an_example() -> None:
    lacking = [
        name for name, field in fields(json_schema()) if not field.get("description") or not field.get("examples")
    ]
    assert lacking == []


def test_the_examples_in_the_schema_are_valid_themselves() -> None:
    schema = json_schema()
    for name, field in fields(schema):
        checked = jsonschema.Draft202012Validator({**field, "$defs": schema["$defs"]})
        examples = field["examples"]
        assert isinstance(examples, list)
        for example in [*examples, *([field["default"]] if "default" in field else [])]:
            assert checked.is_valid(example), f"{name}: {example}"


def test_no_field_may_be_null() -> None:
    assert '"null"' not in json.dumps(json_schema())

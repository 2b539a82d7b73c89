"""From nodes to values: scalars by YAML 1.2's core rules, and no surprises."""

from __future__ import annotations

import math

import pytest

from controller.api.reading import Reading, dotted, place_in, read
from controller.api.tree import compose

SCALARS = {
    "1": 1,
    "-7": -7,
    "0": 0,
    "0x1f": 31,
    "0o17": 15,
    "1.5": 1.5,
    "1e3": 1000.0,
    "true": True,
    "False": False,
    "yes": "yes",
    "on": "on",
    "n": "n",
    "1:30": "1:30",
    "2030-06-01": "2030-06-01",
    "2030-06-01T12:00:00Z": "2030-06-01T12:00:00Z",
    "1_000": "1_000",
    "0b11": "0b11",
    "'1'": "1",
    '"true"': "true",
    "!!str 12": "12",
    "!!int 12": 12,
    "! 12": "12",
    "30m": "30m",
}

# Text, and "line:column field: sentence" of what is wrong.
COMPLAINTS = {
    "ttl: 1\nttl: 2": "2:1 ttl: is given twice, first in line 1; remove one of them",
    '"ttl": 1\nttl: 2': "2:1 ttl: is given twice, first in line 1; remove one of them",
    "a:\n  b:\nc: 1": "2:3 a.b: has no value; write one or remove the line",
    "a: ~": "1:1 a: has no value; write one or remove the line",
    "a:\n  - x\n  -": "3:4 a[1]: has no value; write one or remove the item",
    "a: 010": '1:4 a: 010 starts with a zero, which YAML readers understand differently; write 10 or "010"',
    "a: 1234567890123456789": "1:4 a: "
    "123456789012345678… is too large a number; put it in quotes if it is meant as text",
    "a: &x {b: 1}\nc:\n  <<: *x": '3:3 c: merging with "<<" is not supported; write the fields out',
    "1: x": "1:1 : the name of a field must be text, but 1 is none; put it in quotes",
    "true: x": "1:1 : the name of a field must be text, but true is none; put it in quotes",
    "? [a]\n: b": "1:3 : a list or mapping cannot be the name of a field",
    "a: !foo x": '1:4 a: the tag "!foo" is not supported; remove it',
    "a: !!int x": "1:4 a: the value does not fit its tag !!int; remove the tag",
    "a: !!int true": "1:4 a: the value does not fit its tag !!int; remove the tag",
}


def reading(text: str) -> Reading:
    node = compose(text)
    assert node is not None
    return read(node)


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_a_scalar_means_what_the_core_schema_says(text: str, value: object) -> None:
    result = reading(f"a: {text}")
    assert result.complaints == []
    assert result.value == {"a": value}
    assert isinstance(result.value, dict)
    assert type(result.value["a"]) is type(value)


def test_infinity_and_not_a_number_are_numbers() -> None:
    assert reading("[.inf, -.inf]").value == [math.inf, -math.inf]
    value = reading("[.nan]").value
    assert isinstance(value, list)
    assert isinstance(value[0], float)
    assert math.isnan(value[0])


@pytest.mark.parametrize(("text", "sentence"), COMPLAINTS.items())
def test_what_manifests_may_not_use_is_complained_about(text: str, sentence: str) -> None:
    result = reading(text)
    [complaint] = result.complaints
    place = place_in(result, complaint)
    assert f"{place.line}:{place.column} {dotted(complaint.path)}: {complaint.message}" == sentence


def test_what_is_complained_about_is_left_out_of_the_value() -> None:
    assert reading("a: 010\nb: 2\nb: 3\nc:").value == {"b": 2}


def test_field_names_that_would_garble_a_terminal_are_quoted() -> None:
    assert dotted(("labels", "a\x1b[31m", 2)) == 'labels."a\\u001b[31m"[2]'

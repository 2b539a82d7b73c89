"""Durations, sizes and instants: one spelling each, and a sentence for every other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api import quantities
from controller.api.quantities import (
    format_disk,
    format_duration,
    format_instant,
    format_memory,
    parse_disk,
    parse_duration,
    parse_instant,
    parse_memory,
)

DURATIONS = {
    "45s": 45,
    "30m": 1800,
    "1h30m": 5400,
    "90m": 5400,
    "2d": 172800,
    "1d1h1m1s": 90061,
    "1440m": 86400,
    "3650d": quantities.LONGEST_DURATION,
}

BAD_DURATIONS = {
    90: '90 is a number; write a duration with units such as "90s" or "1h30m"',
    1.5: '1.5 is a number; write a duration with units such as "90s" or "1h30m"',
    "90": '"90" has no unit; write a duration such as "90s" or "1h30m"',
    "1:30": '1:30 is the number 90 in YAML; write a duration such as "1m30s" or "1h30m"',
    "1:00:00": '1:00:00 is the number 3600 in YAML; write a duration such as "1m30s" or "1h30m"',
    "0m": '"0m" is no time at all; write at least "1s"',
    "3651d": '"3651d" is too long; at most "3650d"',
    True: 'true is not a duration; write one with units such as "90s" or "1h30m"',
}

NOT_DURATIONS = ["", "30", "m", "1.5h", "30 m", "30m1h", "1h1h", "-30m", "30M", "30min", "1w", "100ms", "٣٠m", "1h30"]


@pytest.mark.parametrize(("text", "seconds"), DURATIONS.items())
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(("value", "sentence"), BAD_DURATIONS.items())
def test_a_bad_duration_is_explained(value: object, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_duration(value)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("text", NOT_DURATIONS)
def test_nothing_else_is_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_duration(text)


@given(st.integers(1, quantities.LONGEST_DURATION))
def test_a_duration_survives_being_written(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(("text", "mib"), {"16Mi": 16, "1024Mi": 1024, "2Gi": 2048, "1536Mi": 1536}.items())
def test_memory_is_read_in_mib(text: str, mib: int) -> None:
    assert parse_memory(text) == mib
    assert parse_memory(format_memory(mib)) == mib


@pytest.mark.parametrize(("text", "gib"), {"10Gi": 10, "1Ti": 1024}.items())
def test_disks_are_read_in_gib(text: str, gib: int) -> None:
    assert parse_disk(text) == gib
    assert parse_disk(format_disk(gib)) == gib


@pytest.mark.parametrize(
    ("parse", "value", "sentence"),
    [
        (parse_memory, 2048, '2048 is a number; write the memory with a unit, such as "2048Mi"'),
        (
            parse_memory,
            "2GB",
            '"2GB" is not a memory size; write a whole number with Mi or Gi, such as "2048Mi" or "2Gi"',
        ),
        (
            parse_memory,
            "1.5Gi",
            '"1.5Gi" is not a memory size; write a whole number with Mi or Gi, such as "2048Mi" or "2Gi"',
        ),
        (parse_memory, "8Mi", '"8Mi" is too little; at least "16Mi"'),
        (parse_memory, [], 'a list is no size; write the memory with a unit, such as "2048Mi" or "2Gi"'),
        (parse_disk, 10, '10 is a number; write the disk with a unit, such as "10Gi"'),
        (parse_disk, "500Mi", '"500Mi" is not a disk size; write a whole number with Gi or Ti, such as "10Gi"'),
        (parse_disk, "0Gi", '"0Gi" is not a disk size; write a whole number with Gi or Ti, such as "10Gi"'),
    ],
)
def test_a_bad_size_is_explained(parse: object, value: object, sentence: str) -> None:
    assert callable(parse)
    with pytest.raises(ValueError) as caught:
        parse(value)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("text", "seconds"),
    {
        "1970-01-01T00:00:00Z": 0.0,
        "1970-01-01T02:00:00+02:00": 0.0,
        "2030-06-01T12:00:00.5Z": 1906545600.5,
    }.items(),
)
def test_an_instant_is_read(text: str, seconds: float) -> None:
    assert parse_instant(text) == seconds
    assert parse_instant(format_instant(seconds)) == seconds


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("2030-06-01T12:00:00", 'has no time zone; write "2030-06-01T12:00:00Z"'),
        ("2030-06-01 12:00:00", 'has no time zone; write "2030-06-01T12:00:00Z"'),
        ("2030-02-30T12:00:00Z", "not a point in time that exists"),
        ("2030-06-01", "not a point in time; write date, time and zone"),
        (1906545600, "1906545600 is not a point in time"),
    ],
)
def test_a_bad_instant_is_explained(value: object, part: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_instant(value)
    assert part in str(caught.value)

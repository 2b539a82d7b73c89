"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from controller.cli.spans import age, clock, span, when

NOW = datetime(2030, 6, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (-3, "0s"),
        (0.9, "0s"),
        (45, "45s"),
        (60, "1m00s"),
        (1752, "29m12s"),
        (3600, "1h00m"),
        (14_580, "4h03m"),
        (86_400, "1d"),
        (190_800, "2d5h"),
    ],
)
def test_spans(seconds: float | None, text: str) -> None:
    assert span(seconds) == text


def test_an_age_counts_from_then_to_now() -> None:
    assert age(NOW - timedelta(seconds=75), NOW) == "1m15s"
    assert age(None, NOW) == "-"


def test_a_time_is_given_with_its_distance() -> None:
    assert when(NOW + timedelta(minutes=26), NOW).endswith("(in 26m00s)")
    assert when(NOW - timedelta(minutes=3), NOW).endswith("(3m00s ago)")
    assert when(None, NOW) == "-"


def test_only_other_days_need_a_date() -> None:
    assert len(clock(NOW, NOW)) == len("12:00:00")
    assert len(clock(NOW - timedelta(days=2), NOW)) == len("2030-05-30 12:00:00")

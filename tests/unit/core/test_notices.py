"""When a desktop is told that it ends, and in which words."""

from __future__ import annotations

import pytest

from controller.core import notices
from controller.core.guest import Told

END, BEGAN = 10_000.0, 0.0


@pytest.mark.parametrize(
    ("now", "told", "lead"),
    [
        (END - 301, None, None),
        (END - 300, None, 300.0),
        (END - 61, Told(end=END, lead=300.0), None),
        (END - 60, Told(end=END, lead=300.0), 60.0),
        (END - 60, None, 60.0),
        (END - 1, Told(end=END, lead=60.0), None),
        (END - 200, Told(end=END + 0.5, lead=300.0), None),
        (END - 200, Told(end=END - 600, lead=60.0), 300.0),
        (END, None, None),
    ],
)
def test_each_notice_is_given_once_for_each_end(now: float, told: Told | None, lead: float | None) -> None:
    assert notices.due(end=END, began=BEGAN, told=told, now=now) == lead


@pytest.mark.parametrize(("now", "at"), [(0.0, END - 300), (END - 300, END - 60), (END - 60, None)])
def test_the_next_notice(now: float, at: float | None) -> None:
    assert notices.next_at(end=END, began=BEGAN, now=now) == at


@pytest.mark.parametrize(
    ("seconds", "language", "part"),
    [
        (300.0, "en", "ends in 5 minutes."),
        (61.0, "en", "ends in one minute."),
        (10.0, "en", "ends in one minute."),
        (170.0, "fr", "s'arrête dans 3 minutes."),
        (60.0, "fr", "s'arrête dans une minute."),
        (60.0, "tlh", "ends in one minute."),
    ],
)
def test_the_words_say_how_long_it_is(seconds: float, language: str, part: str) -> None:
    assert part in notices.words(seconds_left=seconds, language=language)[1]

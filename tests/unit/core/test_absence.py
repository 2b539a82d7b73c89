"""When the absence of a manifest counts: two clean scans and a grace, and every doubt starts the count anew."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.absence import Missing, note
from controller.core.model import DesiredSnapshot
from tests.unit.core.given import DESIRED, NOW

LIVES = {"alice": "alice.yaml"}


@dataclass
class Scans:
    """Scans a second apart, and what they led to."""

    missing: dict[str, Missing]
    now: float = NOW

    def then(self, **snapshot: object) -> Scans:
        at = self.now
        missing = note(
            self.missing, DesiredSnapshot(**{"sessions": {}, "templates": {}, "scanned_at": at, **snapshot}), LIVES
        )
        return Scans(missing, at + 1)


NEVER = Scans({})
PRESENT = {"sessions": {"alice": DESIRED}}
DOUBTS = {
    "an incomplete scan": {"complete": False, "incomplete_because": "the directory does not exist"},
    "a file that fails held it": {"undecided": frozenset({"alice"})},
    "its own file is unreadable text": {"opaque": {"alice.yaml": b"\xff"}},
    "unreadable text elsewhere names it": {"opaque": {"team.yaml": b"kind: [\nname: alice"}},
}


def test_a_manifest_that_is_there_is_not_missing() -> None:
    assert NEVER.then(**PRESENT).missing == {}


def test_each_clean_scan_without_it_counts_from_the_first() -> None:
    assert NEVER.then().missing == {"alice": Missing(since=NOW, scans=1)}
    assert NEVER.then().then().then().missing == {"alice": Missing(since=NOW, scans=3)}


def test_a_clock_that_was_set_back_does_not_make_the_grace_longer() -> None:
    set_back = NEVER.then().then(scanned_at=NOW - 3600)
    assert set_back.missing == {"alice": Missing(since=NOW - 3600, scans=2)}


def test_a_session_that_nobody_knows_is_not_missed() -> None:
    assert note({}, DesiredSnapshot(sessions={}, templates={}, scanned_at=NOW), {}) == {}


def test_a_session_that_was_forgotten_is_missed_no_longer() -> None:
    empty = DesiredSnapshot(sessions={}, templates={}, scanned_at=NOW)
    assert note({"alice": Missing(since=NOW, scans=2)}, empty, {}) == {}


@pytest.mark.parametrize("doubt", [*DOUBTS.values(), PRESENT], ids=[*DOUBTS.keys(), "it is back"])
def test_a_doubt_starts_the_count_anew(doubt: dict[str, object]) -> None:
    doubted = NEVER.then().then().then(**doubt)
    assert doubted.missing == {}
    assert doubted.then().missing == {"alice": Missing(since=NOW + 3, scans=1)}


def test_unreadable_text_that_does_not_name_it_leaves_no_doubt() -> None:
    assert NEVER.then(opaque={"bob.yaml": b"name: bob"}).missing == {"alice": Missing(since=NOW, scans=1)}


@pytest.mark.parametrize(
    ("scans", "seconds", "confirmed"),
    [(1, 0, False), (1, 3600, False), (2, 0, False), (2, 4.999, False), (2, 5, True), (9, 3600, True)],
)
def test_an_absence_is_confirmed_by_two_scans_and_the_grace(scans: int, seconds: float, confirmed: bool) -> None:
    missing = Missing(since=NOW, scans=scans)
    assert missing.confirmed(now=NOW + seconds, grace=5.0) is confirmed
    assert missing.confirmed_at(5.0) == NOW + 5.0


def test_without_a_grace_it_still_takes_two_scans() -> None:
    assert not Missing(since=NOW, scans=1).confirmed(now=NOW, grace=0.0)
    assert Missing(since=NOW, scans=2).confirmed(now=NOW, grace=0.0)


@given(st.lists(st.sampled_from(["gone", "present", *DOUBTS]), max_size=8))
def test_only_an_unbroken_row_of_clean_scans_counts(history: list[str]) -> None:
    scans = NEVER
    for what in history:
        scans = scans.then(**({} if what == "gone" else PRESENT if what == "present" else DOUBTS[what]))
    row = next((n for n, what in enumerate(reversed(history)) if what != "gone"), len(history))
    missing = scans.missing.get("alice")
    assert (missing.scans if missing else 0) == row
    assert missing is None or missing.since == scans.now - row

"""The snapshot of what is wanted: which absences prove nothing."""

from __future__ import annotations

import pytest

from controller.core.model import DesiredSnapshot

BROKEN = DesiredSnapshot(
    sessions={},
    templates={},
    undecided=frozenset({"bob"}),
    opaque={"team.yaml": "kind: [\nmetadata: {name: carol}\nowner: Zoë".encode()},
)


@pytest.mark.parametrize(
    ("name", "file", "may"),
    [
        ("bob", "bob.yaml", True),
        ("carol", "carol.yaml", True),
        ("dave", "team.yaml", True),
        ("dave", "dave.yaml", False),
        ("dave", None, False),
        ("carol", None, True),
    ],
    ids=[
        "its file fails and last held it",
        "a file that fails names it",
        "it came from a file that fails",
        "no file that fails has to do with it",
        "nor is its file known",
        "named, its file unknown",
    ],
)
def test_which_sessions_a_broken_file_may_still_ask_for(name: str, file: str | None, may: bool) -> None:
    assert BROKEN.may_hold(name, file) is may

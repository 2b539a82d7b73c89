"""Every story comes out as its ``expected.log`` says, to the letter, and keeps what is promised on the way."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from tests.scenarios.logs import Log
from tests.scenarios.story import Telling, read_story

STORIES = Path(__file__).parent / "stories"
FOLDERS = sorted(folder for folder in STORIES.iterdir() if folder.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_story_comes_out_as_expected(folder: Path, here: Path, log: Log, rewrite_expected: bool) -> None:
    telling = Telling(read_story(folder), here)
    try:
        told = telling.play()
    except BaseException:
        print("\n".join(telling.lines))
        raise
    assert log.mistakes == []
    assert not [line for line in log.lines if any(secret in line for secret in telling.world.secrets)]
    expected = folder / "expected.log"
    if rewrite_expected:
        expected.write_text(told, encoding="utf-8")
    before = expected.read_text(encoding="utf-8") if expected.exists() else ""
    difference = difflib.unified_diff(
        before.splitlines(), told.splitlines(), f"{folder.name}/expected.log", "as it came out", lineterm="", n=5
    )
    assert told == before, "\n".join(["", *difference])

"""Events in a file: whole lines, in order, also while the file is rotated or the disk is full."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.deliveries.file import FileSink
from controller.deliveries.sink import NotTaken
from controller.ledger.events import Event, EventType
from controller.telemetry import redact

STOP = threading.Event()


def event(number: int, message: str = "the desktop answers") -> Event:
    return Event(
        session="alice",
        uid="uid-1",
        type=EventType.NORMAL,
        reason="Ready",
        message=message,
        count=2,
        first_at=1_800_000_000.0,
        last_at=1_800_000_060.5,
        id=number,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def sink(path: Path) -> Iterator[FileSink]:
    sink = FileSink(path)
    yield sink
    sink.close()


def ids(path: Path) -> list[int]:
    return [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()]


def test_an_event_is_a_line_as_winux_events_shows_it(sink: FileSink, path: Path) -> None:
    sink.send([event(7, "ça marche")], STOP)
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert "ça marche" in text
    assert json.loads(text) == {
        "id": 7,
        "session": "alice",
        "uid": "uid-1",
        "type": "Normal",
        "reason": "Ready",
        "message": "ça marche",
        "count": 2,
        "firstAt": "2027-01-15T08:00:00Z",
        "lastAt": "2027-01-15T08:01:00.500Z",
    }


def test_only_its_owner_may_write_it_and_others_not_read_it(sink: FileSink, path: Path) -> None:
    before = os.umask(0)
    try:
        sink.send([event(1)], STOP)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_no_line_holds_a_secret(sink: FileSink, path: Path) -> None:
    redact.register("hunter2hunter2")
    try:
        sink.send([event(1, 'it said "hunter2hunter2"')], STOP)
    finally:
        redact.forget("hunter2hunter2")
    assert "hunter2" not in path.read_text(encoding="utf-8")


def test_what_is_there_stays_and_lines_follow(sink: FileSink, path: Path) -> None:
    path.write_text('{"id": 1}\n', encoding="utf-8")
    sink.send([event(2), event(3)], STOP)
    sink.send([event(4)], STOP)
    assert ids(path) == [1, 2, 3, 4]


def test_a_file_that_was_rotated_is_made_anew(sink: FileSink, path: Path) -> None:
    sink.send([event(1)], STOP)
    moved = path.rename(path.with_suffix(".1"))
    sink.send([event(2)], STOP)
    path.unlink()
    sink.send([event(3)], STOP)
    other = path.with_suffix(".new")
    other.write_text('{"id": 10}\n', encoding="utf-8")
    other.rename(path)
    sink.send([event(4)], STOP)
    assert (ids(moved), ids(path)) == ([1], [10, 4])


def test_a_file_that_was_emptied_goes_on_from_its_beginning(sink: FileSink, path: Path) -> None:
    sink.send([event(1)], STOP)
    os.truncate(path, 0)
    sink.send([event(2)], STOP)
    assert ids(path) == [2]


def test_half_a_line_of_a_process_that_was_killed_spoils_no_other(sink: FileSink, path: Path) -> None:
    path.write_text('{"id": 1}\n{"id": 2, "se', encoding="utf-8")
    sink.send([event(2)], STOP)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[1] == '{"id": 2, "se'
    assert [json.loads(line)["id"] for line in (lines[0], lines[2])] == [1, 2]


def test_what_fits_only_in_part_is_taken_back(sink: FileSink, path: Path) -> None:
    sink.send([event(1)], STOP)
    size = path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, hard))
    try:
        with pytest.raises(NotTaken, match="file too large"):
            sink.send([event(2), event(3)], STOP)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert path.stat().st_size == size
    sink.send([event(2), event(3)], STOP)
    assert ids(path) == [1, 2, 3]


@pytest.mark.parametrize("kind", ["directory", "pipe", "missing directory"])
def test_what_cannot_be_written_is_said_in_words(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "there"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path /= "events.jsonl"
    said = {"directory": "is a directory", "pipe": "it is no regular file", "missing directory": "no such file"}
    with pytest.raises(NotTaken, match=said[kind]):
        FileSink(path).send([event(1)], STOP)

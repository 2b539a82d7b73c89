"""``winux events``: what is asked for, lines for programs, and counts as they happen."""

from __future__ import annotations

import json

import pytest

from controller.cli import events as command
from controller.deliveries.sink import fields_of
from controller.engine.clock import Clock, SystemClock
from controller.ledger.ledger import Note
from tests.unit.admin.lab import Lab
from tests.unit.cli.conftest import Winux

UNCLEAR = Note("CreateUnclear", "no answer", warning=True)


@pytest.fixture
def ready(lab: Lab) -> Lab:
    lab.ready("alice", more="template: small")
    lab.world.controller.tools.ledger.note("alice", "uid-1", UNCLEAR, UNCLEAR)
    return lab


def test_lines_of_json_have_the_fields_of_the_file(winux: Winux, ready: Lab) -> None:
    said = winux("events", "-o", "json")
    assert said.status == 0
    assert [json.loads(line) for line in said.lines] == [
        fields_of(event) for event in ready.world.controller.tools.ledger.events()
    ]


def test_no_events_are_no_line_for_a_program(winux: Winux, ready: Lab) -> None:
    assert ready.service.events()
    assert winux("events", "--reason", "Nothing", "-o", "json").out == ""
    assert winux("events", "--reason", "Nothing").out == "there are no events\n"


@pytest.mark.parametrize("word", ["Warning", "warning"])
def test_only_warnings(winux: Winux, ready: Lab, word: str) -> None:
    said = winux("events", "alice", "--type", word, "-o", "json")
    assert [json.loads(line)["reason"] for line in said.lines] == ["CreateUnclear"]
    assert {event.type for event in ready.service.events()} == {"Normal", "Warning"}


@pytest.mark.usefixtures("ready")
def test_only_one_reason(winux: Winux) -> None:
    said = winux("events", "--reason", "ready", "-o", "json")
    assert [json.loads(line)["reason"] for line in said.lines] == ["Ready"]


def test_only_what_happened_lately(winux: Winux, ready: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ready.world.clock
    monkeypatch.setattr(command, "SystemClock", lambda: clock)
    clock.advance(7200)
    ready.world.controller.tools.ledger.note("alice", "uid-1", Note("Extended", "…"))
    assert [json.loads(line)["reason"] for line in winux("events", "alice", "--since", "1h", "-o", "json").lines] == [
        "Extended"
    ]
    assert len(winux("events", "alice", "--since", "3h", "-o", "json").lines) > 1


@pytest.mark.usefixtures("ready")
def test_what_is_no_duration_is_said(winux: Winux) -> None:
    said = winux("events", "--since", "yesterday")
    assert said.status != 0
    assert "is not a duration" in said.err


@pytest.mark.parametrize("output", ["json", "table"])
def test_a_follower_sees_counts_as_they_grow(
    winux: Winux, ready: Lab, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    ledger, looks = ready.world.controller.tools.ledger, iter(range(3))

    class Watching(SystemClock):
        """Each look at the events is preceded by one more of the same; the last one is Ctrl-C."""

        def wait(self, *_arguments: object) -> bool:
            if next(looks, None) is None:
                raise KeyboardInterrupt
            ledger.note("alice", "uid-1", UNCLEAR)
            return False

    watching: Clock = Watching()
    monkeypatch.setattr(command, "SystemClock", lambda: watching)
    lines = winux("events", "alice", "-w", "-n", "1", "-o", output).lines
    if output == "json":
        assert [json.loads(line)["count"] for line in lines] == [2, 3, 4, 5]
    else:
        assert [line.rpartition("(")[2] for line in lines[1:]] == [f"{count} times)" for count in (2, 3, 4, 5)]

"""``winux get -w`` in a pipe: the table once, then a line whenever something changed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from controller.admin.client import AdminClient
from controller.cli import show
from controller.cli.show import Kind
from controller.engine.clock import VirtualClock
from tests.unit.admin.lab import Lab


class Impatient(VirtualClock):
    """Somebody who does one thing in every pause, and then has had enough."""

    def __init__(self, *acts: Callable[[], object]) -> None:
        super().__init__()
        self._acts = list(acts)

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        if not self._acts:
            raise KeyboardInterrupt
        self._acts.pop(0)()
        return super().wait(event, timeout)


def test_only_what_changed_is_said_again(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    lab.ready("alice", "bob", more="template: small")
    question = show._Question(kind=Kind.SESSIONS, name=None, wide=False)
    clock = Impatient(lambda: lab.world.run(3), lambda: lab.service.pause("bob"), lambda: lab.world.run(1))
    with AdminClient(lab.directory / "admin.sock") as client, pytest.raises(KeyboardInterrupt):
        show._follow(question, client, clock)
    lines = capsys.readouterr().out.splitlines()
    said = [line.split()[:2] for line in lines if not any(level in line for level in ("[info", "[debug"))]
    assert said == [["NAME", "PHASE"], ["alice", "Ready"], ["bob", "Ready"], ["bob", "Ready"], ["bob", "Held"]]

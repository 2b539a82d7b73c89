"""Lines of one pass find each other, and nothing of a pass is left in the thread when it is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import structlog
from structlog.contextvars import get_contextvars
from structlog.typing import EventDict

from controller.engine.backoff import Backoff
from controller.engine.questions import Questions
from controller.engine.workqueue import WorkQueue
from controller.reconcile.correlation import about, during_pass
from controller.reconcile.loops import Loops
from controller.reconcile.reconciler import Result
from controller.reconcile.tools import key_of
from tests.unit.admin.lab import Lab


@pytest.fixture
def lines() -> Iterator[list[EventDict]]:
    """All that is logged, with what is bound."""
    kept: list[EventDict] = []

    def keep(_logger: object, _method: str, event: EventDict) -> EventDict:
        kept.append(event)
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, keep])
    yield kept
    structlog.configure(**before)


def test_passes_are_numbered_and_name_their_session_and_its_life(tmp_path: Path, lines: list[EventDict]) -> None:
    lab = Lab(tmp_path)
    lab.ready("alice", "bob")
    passes = [line for line in lines if line["event"] == "reconcile.passed"]
    assert [line["reconcile"] for line in passes] == list(range(1, len(passes) + 1))
    lives = {name: lab.service.session(name).uid for name in ("alice", "bob")}
    # The first pass over a session begins its life: what is logged after that carries it.
    assert {(line["session"], line["trace_id"]) for line in passes} == set(lives.items())
    assert get_contextvars() == {}


class Broken:
    """A reconciler with a mistake."""

    def reconcile(self, session: str) -> Result:
        raise RuntimeError(f"nobody thought of {session}")


def test_nothing_is_left_after_a_pass_that_broke(tmp_path: Path, lines: list[EventDict]) -> None:
    control = Lab(tmp_path).world.controller
    queue = WorkQueue(control.tools.clock, Backoff(base=1.0, cap=2.0, random=Random(1)))
    broken = Broken()
    loops = Loops(control.tools, control.picture, broken, queue, rescan=lambda: None)  # type: ignore[arg-type]
    queue.add(key_of("alice"))
    key = queue.get(0)
    assert key is not None
    assert loops.work_once(key) is None
    said = [(line["event"], line["session"], line["reconcile"]) for line in lines]
    assert said == [("reconcile.panic", "alice", 1), ("reconcile.passed", "alice", 1)]
    assert get_contextvars() == {}


def test_a_pass_within_a_pass_gives_the_outer_one_its_keys_back(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.ready("alice", "bob")
    alice, bob = (lab.world.controller.tools.ledger.life(name) for name in ("alice", "bob"))
    assert alice is not None
    assert bob is not None
    with during_pass("alice", 1):
        assert get_contextvars() == {"session": "alice", "reconcile": 1}
        about(alice)
        with during_pass("bob", 2):
            assert get_contextvars() == {"session": "bob", "reconcile": 2}
            about(bob)
            assert get_contextvars() == {"session": "bob", "reconcile": 2, "trace_id": bob.uid}
        assert get_contextvars() == {"session": "alice", "reconcile": 1, "trace_id": alice.uid}
        about(None)
        assert get_contextvars() == {"session": "alice", "reconcile": 1}
    assert get_contextvars() == {}


def test_a_question_that_is_asked_in_another_thread_belongs_to_the_pass_that_asks() -> None:
    answered = threading.Event()
    questions: Questions[str, dict[str, object]] = Questions(on_done=lambda _: answered.set(), workers=1, name="ask")
    with during_pass("alice", 7):
        assert questions.ask("alice", "who", get_contextvars) is None
    assert answered.wait(60)
    assert questions.ask("alice", "who", get_contextvars) == {"session": "alice", "reconcile": 7}
    questions.close()

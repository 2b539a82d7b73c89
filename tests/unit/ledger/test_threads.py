"""The ledger under several threads: nobody's change is lost, and no reader ever finds a life missing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FrameType

import pytest

from controller.core.incarnation import Incarnation
from controller.engine.clock import VirtualClock
from controller.ledger import ledger as ledger_module
from controller.ledger.ledger import Ledger, Note, Superseded
from tests.unit.core.given import NOW, PLACEMENT, accepted, creating, tombstone

ROUNDS = 150


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """In memory: what is at stake is the order of things, not the disk."""
    ledger = Ledger("sqlite://", clock=VirtualClock(NOW))
    yield ledger
    ledger.close()


@pytest.fixture
def _eager_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(*works: Callable[[], None]) -> None:
    """Runs them at the same time and waits for all; what one raises is raised."""
    errors: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error


@pytest.mark.usefixtures("_eager_switching")
def test_two_threads_that_change_one_life_lose_nothing(ledger: Ledger) -> None:
    life = accepted()
    ledger.begin(life, None)

    def extend() -> None:
        for _ in range(ROUNDS):
            ledger.change(life, lambda now: replace(now, extension=now.extension + 1))

    def fail() -> None:
        for _ in range(ROUNDS):
            ledger.change(life, lambda now: replace(now, failures=now.failures + 1), Note("TaskFailed", "again"))

    together(extend, fail, extend)
    after = ledger.life("alice")
    assert after is not None
    assert (after.extension, after.failures) == (2 * ROUNDS, ROUNDS)
    assert [event.count for event in ledger.events()] == [ROUNDS]


@pytest.mark.parametrize("write", ["change", "bury", "begin"])
def test_a_reader_never_finds_a_session_without_its_life_at_any_line_of_a_write(ledger: Ledger, write: str) -> None:
    """A session without a life would begin one, and a container without one would be taken for an orphan."""
    life = tombstone() if write == "begin" else creating()
    ledger.begin(life, None)
    seen: set[tuple[bool, str | None]] = set()

    def watch(frame: FrameType, _event: str, _arg: object) -> Callable[..., object] | None:
        if frame.f_code.co_filename != ledger_module.__file__:
            return None
        seen.add((ledger.life("alice") is not None, ledger.session_at(PLACEMENT.vmid)))
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        match write:
            case "change":
                ledger.change(life, lambda now: replace(now, failures=1))
            case "bury":
                ledger.bury(life, lambda _: tombstone())
            case "begin":
                ledger.begin(accepted(uid="uid-2"), None)
    finally:
        sys.settrace(before)
    assert (
        seen
        == {
            "change": {(True, "alice")},
            "bury": {(True, "alice"), (True, None)},
            "begin": {(True, None)},
        }[write]
    )


@pytest.mark.usefixtures("_eager_switching")
def test_of_two_threads_that_begin_a_life_one_succeeds(ledger: Ledger) -> None:
    begun: list[str] = []
    refused: list[Incarnation] = []

    def begin(uid: str) -> Callable[[], None]:
        def work() -> None:
            for number in range(20):
                life = accepted(session=f"session-{number}", uid=f"{uid}-{number}")
                try:
                    ledger.begin(life, None)
                    begun.append(life.uid)
                except Superseded:
                    refused.append(life)

        return work

    together(begin("a"), begin("b"))
    assert sorted(life.uid for life in ledger.lives()) == sorted(begun)
    assert (len(begun), len(refused)) == (20, 20)

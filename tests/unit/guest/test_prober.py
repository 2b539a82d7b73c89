"""The prober never blocks, gives each result once, and forgets answers to questions nobody asks any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from controller.guest.prober import InlineProber, Prober, Probing
from controller.guest.rdp import Negotiated, NotListening, ProbeResult, Security

READY = Negotiated(protocol=Security.TLS)
PATIENT = 20.0


class Guests:
    """Guests that answer when they are told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, float]] = []
        self._answers: dict[str, ProbeResult] = {}
        self._may = threading.Condition()

    def answer(self, address: str, result: ProbeResult) -> None:
        with self._may:
            self._answers[address] = result
            self._may.notify_all()

    def __call__(self, address: str, port: int, *, timeout: float) -> ProbeResult:
        with self._may:
            self.asked.append((address, port, timeout))
            self._may.notify_all()
            assert self._may.wait_for(lambda: address in self._answers, timeout=PATIENT)
            return self._answers[address]

    def wait_until_asked(self, times: int) -> None:
        with self._may:
            assert self._may.wait_for(lambda: len(self.asked) >= times, timeout=PATIENT)


class Calls:
    """Which keys were reported done."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self._came = threading.Condition()

    def __call__(self, key: str) -> None:
        with self._came:
            self.keys.append(key)
            self._came.notify_all()

    def wait_for(self, count: int) -> None:
        with self._came:
            assert self._came.wait_for(lambda: len(self.keys) >= count, timeout=PATIENT)


@pytest.fixture
def guests() -> Guests:
    return Guests()


@pytest.fixture
def done() -> Calls:
    return Calls()


@pytest.fixture
def prober(guests: Guests, done: Calls) -> Iterator[Prober]:
    prober = Prober(guests, on_done=done, workers=2, timeout=1.5)
    yield prober
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
        guests.answer(address, READY)
    prober.close()


def test_a_result_comes_once_and_is_announced(prober: Probing, guests: Guests, done: Calls) -> None:
    assert prober.check("session/alice", "10.0.0.1", 3389) is None
    guests.wait_until_asked(1)
    assert prober.check("session/alice", "10.0.0.1", 3389) is None
    assert guests.asked == [("10.0.0.1", 3389, 1.5)]

    guests.answer("10.0.0.1", READY)
    done.wait_for(1)
    assert done.keys == ["session/alice"]
    assert prober.check("session/alice", "10.0.0.1", 3389) is READY

    assert prober.check("session/alice", "10.0.0.1", 3389) is None
    guests.wait_until_asked(2)


def test_a_question_is_not_blocked_by_another_guest(prober: Probing, guests: Guests, done: Calls) -> None:
    assert prober.check("session/slow", "10.0.0.1", 3389) is None
    assert prober.check("session/bob", "10.0.0.2", 3389) is None
    guests.answer("10.0.0.2", NotListening(message="not yet"))
    done.wait_for(1)
    assert prober.check("session/bob", "10.0.0.2", 3389) == NotListening(message="not yet")
    assert prober.check("session/slow", "10.0.0.1", 3389) is None


def test_an_answer_of_the_former_address_is_not_given_for_the_new_one(
    prober: Probing, guests: Guests, done: Calls
) -> None:
    assert prober.check("session/alice", "10.0.0.1", 3389) is None
    guests.wait_until_asked(1)
    assert prober.check("session/alice", "10.0.0.2", 3389) is None
    guests.answer("10.0.0.1", READY)
    guests.wait_until_asked(2)
    assert prober.check("session/alice", "10.0.0.2", 3389) is None

    guests.answer("10.0.0.2", NotListening(message="not yet"))
    done.wait_for(1)
    assert prober.check("session/alice", "10.0.0.2", 3389) == NotListening(message="not yet")
    assert done.keys == ["session/alice"]


def test_what_is_forgotten_is_not_announced(prober: Probing, guests: Guests, done: Calls) -> None:
    assert prober.check("session/gone", "10.0.0.1", 3389) is None
    guests.wait_until_asked(1)
    prober.forget("session/gone")
    guests.answer("10.0.0.1", READY)
    assert prober.check("session/bob", "10.0.0.2", 3389) is None
    guests.answer("10.0.0.2", READY)
    done.wait_for(1)
    assert done.keys == ["session/bob"]


def test_an_error_in_the_question_reaches_the_asker(done: Calls) -> None:
    prober = Prober(on_done=done)
    assert prober.check("session/alice", "no-address", 3389) is None
    done.wait_for(1)
    with pytest.raises(ValueError, match="no-address"):
        prober.check("session/alice", "no-address", 3389)
    prober.close()


def test_a_closed_prober_asks_nothing(guests: Guests, done: Calls) -> None:
    prober = Prober(guests, on_done=done)
    prober.close()
    assert prober.check("session/alice", "10.0.0.1", 3389) is None
    assert guests.asked == []
    assert done.keys == []


def test_the_inline_prober_answers_at_once(guests: Guests) -> None:
    prober: Probing = InlineProber(guests, timeout=2.0)
    guests.answer("10.0.0.1", READY)
    assert prober.check("session/alice", "10.0.0.1", 3389) is READY
    assert guests.asked == [("10.0.0.1", 3389, 2.0)]

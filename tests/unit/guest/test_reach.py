"""Guests are reached without ever making the asker wait: each answer is given once, to the call that was asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from controller.guest.reach import InlineReach, NoWay, Reach
from controller.guest.ssh import Answer, Call, Done, Failed

CALL = Call(name="greet", address="10.0.0.7", command="true")
PATIENT = 20.0


class Guests:
    """Run calls when they are told to."""

    def __init__(self) -> None:
        self.ran: list[Call] = []
        self._may = threading.Event()

    def let(self) -> None:
        self._may.set()

    def __call__(self, call: Call) -> Answer:
        assert self._may.wait(PATIENT)
        self.ran.append(call)
        return Done(status=0, output=call.command, host_key="H")


class Woken:
    def __init__(self) -> None:
        self.keys: list[str] = []
        self._came = threading.Semaphore(0)

    def __call__(self, key: str) -> None:
        self.keys.append(key)
        self._came.release()

    def wait(self) -> None:
        assert self._came.acquire(timeout=PATIENT)


@pytest.fixture
def guests() -> Guests:
    return Guests()


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def reach(guests: Guests, woken: Woken) -> Iterator[Reach]:
    made = Reach(guests, public_key="K", on_done=woken, workers=2)
    yield made
    guests.let()
    made.close()


def test_asking_does_not_wait_and_the_answer_is_given_once(reach: Reach, guests: Guests, woken: Woken) -> None:
    assert reach.ask("a", CALL) is None
    assert reach.ask("a", CALL) is None
    guests.let()
    woken.wait()
    answer = reach.ask("a", CALL)
    assert isinstance(answer, Done)
    assert (woken.keys, len(guests.ran)) == (["a"], 1)
    assert reach.ask("a", CALL) is None, "asked anew"


def test_the_answer_to_another_call_is_not_given(reach: Reach, guests: Guests, woken: Woken) -> None:
    assert reach.ask("a", CALL) is None
    assert reach.ask("a", replace(CALL, name="rotate", command="chpasswd")) is None
    guests.let()
    woken.wait()
    answer = reach.ask("a", replace(CALL, name="rotate", command="chpasswd"))
    assert isinstance(answer, Done)
    assert answer.output == "chpasswd"
    assert woken.keys == ["a"]


def test_nobody_is_woken_for_a_guest_that_is_forgotten(reach: Reach, guests: Guests, woken: Woken) -> None:
    reach.ask("gone", CALL)
    reach.forget("gone")
    reach.ask("a", CALL)
    guests.let()
    woken.wait()
    assert woken.keys == ["a"]


def test_after_closing_nothing_is_asked(guests: Guests, woken: Woken) -> None:
    reach = Reach(guests, public_key="K", on_done=woken)
    reach.close()
    assert reach.ask("a", CALL) is None
    assert guests.ran == []


def test_inline_it_is_answered_at_once(guests: Guests) -> None:
    guests.let()
    assert isinstance(InlineReach(guests, public_key="K").ask("a", CALL), Done)


def test_without_a_key_there_is_no_way_in() -> None:
    answer = NoWay().ask("a", CALL)
    assert isinstance(answer, Failed)
    assert answer.reason == "NoGuestKey"
    assert NoWay().public_key is None

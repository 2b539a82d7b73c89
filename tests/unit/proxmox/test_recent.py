"""The calls of the last minute."""

from __future__ import annotations

import pytest

from controller.engine.clock import VirtualClock
from controller.proxmox.limits import Call
from controller.proxmox.recent import MOST, RecentCalls


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def recent(clock: VirtualClock) -> RecentCalls:
    return RecentCalls(clock=clock)


def call(seconds: float = 0.01, outcome: str = "ok", operation: str = "config") -> Call:
    return Call(operation, "pve1", outcome, seconds)


def test_without_a_call_there_is_nothing_to_tell(recent: RecentCalls) -> None:
    summary = recent.summary()
    assert (summary.calls, summary.median, summary.slow, summary.last_error) == (0, None, None, None)


def test_median_and_slow_are_of_all_calls(recent: RecentCalls, clock: VirtualClock) -> None:
    clock.advance(20)
    for milliseconds in range(1, 101):
        recent.add(call(milliseconds / 1000))
    summary = recent.summary()
    assert (summary.calls, summary.seconds, summary.median, summary.slow) == (100, 20.0, 0.051, 0.096)


def test_the_last_error_is_named_whatever_succeeded_since(recent: RecentCalls) -> None:
    for one in (call(outcome="Locked"), call(outcome="Transient", operation="create"), call()):
        recent.add(one)
    summary = recent.summary()
    assert (summary.calls, summary.errors, summary.last_error) == (3, 2, "create: Transient")


@pytest.mark.parametrize("outcome", ["NotFound", "Forbidden"])
def test_that_a_container_is_gone_is_an_answer_and_no_error(recent: RecentCalls, outcome: str) -> None:
    recent.add(call(outcome=outcome))
    assert recent.summary().errors == 0
    recent.add(call(outcome=outcome, operation="create"))
    assert recent.summary().errors == 1


def test_what_is_older_than_a_minute_is_forgotten(recent: RecentCalls, clock: VirtualClock) -> None:
    recent.add(call(outcome="Locked"))
    clock.advance(59)
    recent.add(call())
    assert recent.summary().calls == 2
    clock.advance(1)
    summary = recent.summary()
    assert (summary.calls, summary.errors, summary.seconds) == (1, 0, 60.0)


def test_with_too_many_calls_the_window_gets_shorter_and_the_rate_stays_right(
    recent: RecentCalls, clock: VirtualClock
) -> None:
    for _ in range(2 * MOST):
        clock.advance(0.002)
        recent.add(call())
    summary = recent.summary()
    assert summary.calls == MOST
    assert summary.calls / summary.seconds == pytest.approx(500, rel=0.01)

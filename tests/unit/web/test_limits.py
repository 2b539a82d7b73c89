"""Token buckets in virtual time, and under which key an address counts."""

from __future__ import annotations

import pytest

from controller.engine.clock import VirtualClock
from controller.web.limits import Buckets, Rate, address_key


def test_a_burst_then_one_at_a_time() -> None:
    clock = VirtualClock()
    buckets = Buckets(Rate(times=3, per=30.0), clock=clock)
    assert [buckets.take("a") for _ in range(3)] == [None, None, None]
    assert buckets.take("a") == pytest.approx(10.0)
    assert buckets.take("b") is None, "others are not concerned"
    clock.advance(9.0)
    assert buckets.take("a") == pytest.approx(1.0)
    clock.advance(1.0)
    assert buckets.take("a") is None


def test_nobody_saves_up_more_than_a_burst() -> None:
    clock = VirtualClock()
    buckets = Buckets(Rate(times=2, per=1.0), clock=clock)
    buckets.take("a")
    clock.advance(1000.0)
    assert [buckets.take("a") is None for _ in range(3)] == [True, True, False]


def test_memory_is_bounded_and_the_longest_unused_is_forgotten() -> None:
    buckets = Buckets(Rate(times=1, per=60.0), clock=VirtualClock(), most=3)
    for key in "abcd":
        assert buckets.take(key) is None
    assert len(buckets) == 3
    assert buckets.take("d") is not None, "who was here lately is remembered"
    assert buckets.take("a") is None, "who was forgotten starts anew"


def test_another_rate_counts_from_now_on() -> None:
    clock = VirtualClock()
    buckets = Buckets(Rate(times=1, per=60.0), clock=clock)
    buckets.take("a")
    buckets.set_rate(Rate(times=10, per=10.0))
    clock.advance(1.0)
    assert buckets.take("a") is None


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_under_which_key_an_address_counts(address: str, key: str) -> None:
    assert address_key(address) == key

"""How much of the ranges is used, in numbers."""

from __future__ import annotations

import ipaddress

import pytest

from controller.daemon.facts import number_of
from controller.reconcile.capacity import vmid_use


@pytest.mark.parametrize(
    ("used", "taken", "seen", "expected"),
    [
        (set(), set(), set(), {"used": 0, "resting": 0, "foreign": 0, "free": 10}),
        ({101, 102}, {101, 102}, {101, 102}, {"used": 2, "resting": 0, "foreign": 0, "free": 8}),
        ({101}, {101, 105}, {101}, {"used": 1, "resting": 1, "foreign": 0, "free": 8}),
        ({101}, {101}, {101, 109}, {"used": 1, "resting": 0, "foreign": 1, "free": 8}),
        (set(), {105}, {105}, {"used": 0, "resting": 1, "foreign": 0, "free": 9}),  # it rests, whoever has it by now
        ({99, 111}, {99, 111}, {99, 111, 5000}, {"used": 0, "resting": 0, "foreign": 0, "free": 10}),  # the range moved
        (set(), set(), set(range(101, 111)), {"used": 0, "resting": 0, "foreign": 10, "free": 0}),
    ],
)
def test_vmids_of_a_range_are_one_of_four_things(
    used: set[int], taken: set[int], seen: set[int], expected: dict[str, int]
) -> None:
    assert vmid_use(101, 110, used=used, taken=taken, seen=seen) == expected
    assert sum(expected.values()) == 10


@pytest.mark.parametrize("address", ["0.0.0.1", "10.0.0.1", "192.168.255.254", "255.255.255.255"])
def test_an_address_is_the_number_that_it_stands_for(address: str) -> None:
    assert number_of(address) == int(ipaddress.IPv4Address(address))

"""What containers hold of what there is one of: ranges of ids, and addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.node.lxc.leases import Leases
from controller.node.lxc.requirements import gives_root
from controller.node.lxc.slots import FIRST_ID, IDS, SLOTS, Slots, first_id


def _claim(slots: Slots, owner: Path) -> int:
    with slots.claimed(owner) as slot:
        return slot


def test_ranges_are_disjoint_and_the_lowest_free_one_is_taken(tmp_path: Path) -> None:
    slots = Slots(tmp_path / "slots")

    assert [_claim(slots, tmp_path / name) for name in "abc"] == [0, 1, 2]
    slots.release(1)
    assert _claim(slots, tmp_path / "d") == 1
    assert first_id(1) - first_id(0) == 65536
    assert first_id(SLOTS) == FIRST_ID + IDS < 1 << 32


def test_a_claim_is_given_back_when_its_owner_is_not_made(tmp_path: Path) -> None:
    slots = Slots(tmp_path / "slots")

    with pytest.raises(RuntimeError), slots.claimed(tmp_path / "a"):
        raise RuntimeError

    assert _claim(slots, tmp_path / "b") == 0


def test_lost_claims_are_those_of_one_s_own_that_are_not_there(tmp_path: Path) -> None:
    slots, home, other = Slots(tmp_path / "slots"), tmp_path / "home", tmp_path / "other"
    (home / "100").mkdir(parents=True)
    for owner in (home / "100", home / "101", other / "102"):
        _claim(slots, owner)

    slots.release_lost(home)

    assert sorted(path.name for path in (tmp_path / "slots").iterdir()) == ["0", "2"]


def _leases() -> Leases:
    def free(taken: set[str]) -> str:
        return next(f"10.64.0.{n}" for n in range(10, 20) if f"10.64.0.{n}" not in taken)

    return Leases(free, ours=lambda address: address.startswith("10.64.0."))


def test_a_lease_is_kept_until_it_is_given_back() -> None:
    leases = _leases()

    assert [leases.lease(100, "eth0"), leases.lease(101, "eth0"), leases.lease(100, "eth1")] == [
        *("10.64.0.10", "10.64.0.11", "10.64.0.12")
    ]
    assert leases.lease(100, "eth0") == "10.64.0.10"
    assert leases.owner("10.64.0.12") == 100
    leases.give_back(100)
    assert leases.of(100) == []
    assert leases.lease(102, "eth0") == "10.64.0.10"


def test_an_address_of_an_earlier_subnet_is_not_leased_again() -> None:
    leases = _leases()
    leases.take_up(100, {"eth0": "10.99.0.10"})

    assert leases.lease(100, "eth0") == "10.64.0.10"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"root:{FIRST_ID}:{IDS}\n", True),
        (f"user:100000:65536\n0:{FIRST_ID - 1}:{IDS + 1}\n", True),
        (f"root:{FIRST_ID}:{IDS - 1}\n", False),
        (f"user:{FIRST_ID}:{IDS}\n", False),
        ("root:nonsense\n", False),
        ("", False),
    ],
)
def test_a_line_of_subuid_gives_root_all_ranges_or_it_does_not(text: str, expected: bool) -> None:
    assert gives_root(text) is expected

"""Pools: their life, their members, and the membership that comes last."""

from __future__ import annotations

import pytest

from tests.unit.node.lab import Lab


def members(lab: Lab, pool: str = "winux") -> list[int]:
    return [row["vmid"] for row in lab.root.get("/pools", poolid=pool).data[0]["members"]]


def test_the_life_of_a_pool(lab: Lab) -> None:
    assert lab.root.post("/pools", poolid="other", comment="c").status == 200
    assert {"poolid": "other", "comment": "c"} in lab.root.get("/pools").data
    again = lab.root.post("/pools", poolid="other")
    assert again.refusal == (500, "create pool failed: pool 'other' already exists")
    assert lab.root.delete("/pools", poolid="other").status == 200
    assert lab.root.get("/pools", poolid="other").refusal == (500, "pool 'other' does not exist")


def test_membership_comes_when_the_create_has_ended(slow: Lab) -> None:
    upid = slow.begin(pool="winux")
    assert members(slow) == []
    slow.wait(upid)
    assert members(slow) == [100]


def test_a_pool_with_members_cannot_be_removed(lab: Lab) -> None:
    lab.create(pool="winux")
    text = "delete pool failed: pool 'winux' is not empty (contains VM 100)"
    assert lab.root.delete("/pools", poolid="winux").refusal == (500, text)


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"vms": 777}, (500, "update pools failed: VM 777 does not exist")),
        (
            {"vms": 101},
            (500, "update pools failed: VM 101 belongs already to pool 'other' and 'allow-move' is not set"),
        ),
        ({"vms": 101, "allow-move": 1}, (200, "OK")),
        ({"vms": 100, "delete": 1}, (200, "OK")),
        ({"vms": 101, "delete": 1}, (500, "update pools failed: VM 101 is not a pool member")),
    ],
)
def test_members_are_moved_in_and_out(lab: Lab, params: dict[str, object], refusal: tuple[int, str]) -> None:
    lab.root.post("/pools", poolid="other")
    lab.create(100, pool="winux")
    lab.create(101, pool="other")
    assert lab.root.put("/pools", poolid="winux", **params).refusal == refusal


def test_out_of_the_pool_a_container_is_forbidden_to_its_token(lab: Lab) -> None:
    lab.create(client=lab.limited, pool="winux")
    lab.root.put("/pools", poolid="winux", vms=100, delete=1)
    assert lab.limited.get(lab.ct(100, "/config")).refusal == (403, "Permission check failed (/vms/100, VM.Audit)")
    assert lab.limited.delete(lab.ct(100)).refusal == (403, "Permission check failed (/vms/100, VM.Allocate)")


def test_a_token_may_not_change_its_pool(lab: Lab) -> None:
    lab.create()
    answer = lab.limited.put("/pools", poolid="winux", vms=100)
    assert answer.refusal == (403, "Permission check failed (/pool/winux, Pool.Allocate)")

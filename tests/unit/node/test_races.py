"""Calls that arrive at the same moment: one of them wins, and the others hear why."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.unit.node.lab import Answer, Lab


def reasons(answers: list[Answer]) -> Counter[str]:
    return Counter("won" if answer.status == 200 else answer.reason for answer in answers)


@pytest.mark.parametrize("seed", range(4))
def test_of_six_creates_of_one_vmid_one_wins(seed: int) -> None:
    lab = Lab(profile="real", seed=seed)
    told = reasons(lab.at_once([("POST", "/nodes/pve1/lxc", lab.spec(301))] * 6))
    assert told.pop("won") == 1
    assert sum(told.values()) == 5
    assert all(reason.endswith("CT 301 already exists on node 'pve1'") for reason in told)


def test_of_three_clones_of_one_template_one_wins(slow: Lab) -> None:
    clones = [("POST", slow.ct(9000, "/clone"), {"newid": newid}) for newid in (101, 102, 103)]
    assert reasons(slow.at_once(clones)) == {"won": 1, "CT is locked (disk)": 2}


def test_of_five_who_claim_with_one_digest_one_wins(slow: Lab) -> None:
    slow.create()
    digest = slow.config(100)["digest"]
    claims = [("PUT", slow.ct(100, "/config"), {"description": f"mine: {n}", "digest": digest}) for n in range(5)]
    conflict = "detected modified configuration - file changed by other user? Try again."
    assert reasons(slow.at_once(claims)) == {"won": 1, conflict: 4}


def test_five_who_write_the_same_all_win_because_nothing_changes(slow: Lab) -> None:
    slow.create(description="mine")
    digest = slow.config(100)["digest"]
    claim = ("PUT", slow.ct(100, "/config"), {"description": "mine", "digest": digest})
    assert reasons(slow.at_once([claim] * 5)) == {"won": 5}


def test_a_vmid_whose_config_is_held_cannot_be_reserved_within_five_seconds(lab: Lab) -> None:
    lab.door.hold_config(301, seconds=8)
    lab.node.settle()
    began = lab.clock.monotonic()
    refused = lab.root.post("/nodes/pve1/lxc", **lab.spec(301))
    timeout = "can't lock file '/run/lock/lxc/pve-config-301.lock' - got timeout"
    assert refused.refusal == (500, f"unable to create CT 301 - {timeout}")
    assert lab.clock.monotonic() - began == 5.0
    assert lab.root.get("/cluster/nextid", vmid=301).status == 200

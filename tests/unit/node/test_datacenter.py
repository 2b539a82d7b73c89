"""The cluster's options: which VMIDs are offered, how tags are kept, and who may set which."""

from __future__ import annotations

import pytest

from tests.unit.node.lab import Lab

LIST = "user-allow=list,user-allow-list=good;fine"


def allow(lab: Lab, **options: str) -> None:
    assert lab.root.put("/cluster/options", **options).document == {"data": None}


@pytest.mark.parametrize(
    ("policy", "tag", "refused"),
    [
        ({}, "any", False),
        ({"user_tag_access": LIST}, "good", False),
        ({"user_tag_access": LIST}, "any", True),
        ({"user_tag_access": LIST}, "used", True),
        ({"user_tag_access": "user-allow=existing,user-allow-list=good"}, "used", False),
        ({"user_tag_access": "user-allow=existing,user-allow-list=good"}, "any", True),
        ({"user_tag_access": "user-allow=none,user-allow-list=good"}, "good", True),
        ({"registered_tags": "vip"}, "vip", True),
        ({"registered_tags": "vip"}, "any", False),
    ],
)
def test_who_may_set_a_tag(lab: Lab, policy: dict[str, str], tag: str, refused: bool) -> None:
    for vmid in (100, 101):
        lab.create(vmid, client=lab.limited, pool="winux")
    lab.root.put(lab.ct(101, "/config"), tags="used")
    allow(lab, **policy)
    answer = lab.limited.put(lab.ct(100, "/config"), tags=tag)
    text = f"Permission check failed (/, Sys.Modify for modifying tag '{tag}')"
    assert answer.refusal == ((403, text) if refused else (200, "OK"))
    assert lab.root.put(lab.ct(100, "/config"), tags=tag).status == 200


def test_a_tag_that_stays_needs_no_right_and_one_that_goes_does(lab: Lab) -> None:
    lab.create(client=lab.limited, pool="winux")
    lab.root.put(lab.ct(100, "/config"), tags="vip;x")
    allow(lab, registered_tags="vip")
    assert lab.limited.put(lab.ct(100, "/config"), tags="vip;y").status == 200
    refused = (403, "Permission check failed (/, Sys.Modify for modifying tag 'vip')")
    assert lab.limited.put(lab.ct(100, "/config"), tags="y").refusal == refused
    assert lab.limited.put(lab.ct(100, "/config"), delete="tags").refusal == refused


def test_a_clone_asks_nobody_about_its_tags(lab: Lab) -> None:
    lab.root.put(lab.ct(9000, "/config"), tags="vip")
    allow(lab, registered_tags="vip")
    answer = lab.limited.post(lab.ct(9000, "/clone"), newid=101, pool="winux")
    assert lab.done(answer) == "OK"
    assert lab.config(101)["tags"] == "vip"


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("ordering=alphabetical", "a;b"),
        ("ordering=config", "b;a"),
        ("case-sensitive=1", "A;B;a"),
        ("case-sensitive=1,ordering=config", "B;a;A"),
    ],
)
def test_how_tags_are_kept(lab: Lab, style: str, kept: str) -> None:
    allow(lab, tag_style=style)
    lab.create(tags="B;a,A a")
    assert lab.config(100)["tags"] == kept


def test_nextid_stays_in_its_range(lab: Lab) -> None:
    allow(lab, next_id="lower=500,upper=502")
    lab.create(100)
    assert lab.root.get("/cluster/nextid").data == "500"
    lab.create(500)
    lab.create(501)
    assert lab.root.get("/cluster/nextid").refusal == (500, "unable to get any free VMID in range [500, 502]")


def test_options_are_read_in_parts_and_without_audit_hardly_any(lab: Lab) -> None:
    allow(lab, user_tag_access=LIST, next_id="lower=500", tag_style="shape=full")
    assert lab.root.get("/cluster/options").data == {
        "user-tag-access": {"user-allow": "list", "user-allow-list": ["good", "fine"]},
        "next-id": {"lower": 500},
        "tag-style": {"shape": "full"},
        "allowed-tags": ["fine", "good"],
    }
    assert set(lab.limited.get("/cluster/options").data) == {"tag-style", "allowed-tags"}
    refused = lab.limited.put("/cluster/options", next_id="lower=600")
    assert refused.refusal == (403, "Permission check failed (/, Sys.Modify)")
    allow(lab, delete="next-id,tag-style")
    assert set(lab.root.get("/cluster/options").data) == {"user-tag-access", "allowed-tags"}

"""The marker in a container's description: read back exactly, or not at all; nobody's text can pass for one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.ownership import Marker, describe, is_ours, read

MARKER = Marker(controller="default", session="alice", uid="0f3c", vmid=30101, accepted_at=1_800_000_000.0)
KEYS = ["controller", "session", "uid", "vmid", "accepted-at"]
TEXT = describe(MARKER, owner="alice@example.org")

labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
markers = st.builds(
    Marker,
    controller=labels,
    session=labels,
    uid=st.uuids().map(str),
    vmid=st.integers(100, 999_999_999),
    accepted_at=st.integers(0, 4_000_000_000).map(float),
)
breaks = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", " "])
forged = st.sampled_from(KEYS).map(lambda key: f"winux.dev/{key}: forged")
owners = st.none() | st.text() | st.lists(forged | breaks | st.text(max_size=8), max_size=12).map("".join)


@given(markers, owners)
def test_what_was_described_is_read_back_whatever_the_owner_is_called(marker: Marker, owner: str | None) -> None:
    assert read(describe(marker, owner=owner)) == marker


@given(markers, owners, st.sampled_from(KEYS))
def test_an_incomplete_marker_is_none(marker: Marker, owner: str | None, key: str) -> None:
    lines = describe(marker, owner=owner).split("\n")
    assert read("\n".join(line for line in lines if not line.startswith(f"winux.dev/{key}: "))) is None


@given(markers, owners, st.sampled_from(KEYS), st.booleans())
def test_a_doubled_marker_is_none(marker: Marker, owner: str | None, key: str, forge: bool) -> None:
    text = describe(marker, owner=owner)
    line = next(line for line in text.split("\n") if line.startswith(f"winux.dev/{key}: "))
    extra = f"winux.dev/{key}: forged" if forge else line
    assert read(f"{text}\n{extra}") is None
    assert read(f"{extra}\n{text}") is None


def test_two_whole_markers_are_none() -> None:
    assert read(f"{TEXT}\n{describe(replace(MARKER, session='bob'), owner=None)}") is None


def test_people_read_what_it_is_and_whose() -> None:
    first = TEXT.split("\n")[0]
    assert first == (
        "Winux session alice for alice@example.org, made by winux-controller and destroyed when its time is up."
    )


@pytest.mark.parametrize("owner", [None, "", " ", "\n"])
def test_without_an_owner_the_sentence_names_none(owner: str | None) -> None:
    assert describe(MARKER, owner=owner).startswith("Winux session alice, made by")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a machine of somebody's",
        TEXT.replace("30101", "none"),
        TEXT.replace("winux.dev/uid: 0f3c", "winux.dev/uid:"),
        TEXT.replace("winux.dev/uid: 0f3c", "winux.dev/uid: 0f3c and more"),
        TEXT.replace("winux.dev/uid", " winux.dev/uid"),
        TEXT.replace("winux.dev/uid", "notwinux.dev/uid"),
        TEXT.replace("2027-01-15T08:00:00Z", "yesterday"),
        TEXT.replace("session: alice", "session: \x1b[2Jalice"),
        TEXT.replace("session: alice", f"session: {'a' * 81}"),
        TEXT.replace("\n", " "),
    ],
    ids=[
        "nothing",
        "no marker",
        "a VMID that is none",
        "a value left out",
        "a value with more behind it",
        "an indented line",
        "another domain",
        "a time that is none",
        "a value that moves a terminal's cursor",
        "a value longer than any of ours",
        "all on one line",
    ],
)
def test_what_is_not_a_marker(text: str) -> None:
    assert text != TEXT
    assert read(text) is None


def test_text_around_the_marker_does_no_harm() -> None:
    assert read(f"# notes of an administrator\n\n{TEXT}\nbackup: nightly\nwinux.dev/note: keep\n") == MARKER


def test_a_time_is_kept_to_the_second() -> None:
    assert read(describe(replace(MARKER, accepted_at=1_800_000_000.75), owner=None)) == MARKER


@pytest.mark.parametrize(
    ("controller", "vmid", "ours"),
    [("default", 30101, True), ("staging", 30101, False), ("default", 30102, False), ("defaul", 30101, False)],
    ids=["ours", "another controller's", "a clone that somebody made of ours", "a controller of a shorter name"],
)
def test_a_container_is_ours_only_by_our_name_under_its_own_vmid(controller: str, vmid: int, ours: bool) -> None:
    assert is_ours(TEXT, controller=controller, vmid=vmid) == (MARKER if ours else None)
    assert is_ours("", controller=controller, vmid=vmid) is None

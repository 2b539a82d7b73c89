"""What is done inside a guest, and when: before it is Ready, while it is, and before it is given up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.core.decide import decide
from controller.core.errands import before_ready, retry_at, seen, trusted
from controller.core.guest import Errand, Greet, Guest, Notify, ReadLog, Rotate, Rotation, SetUp, TakeHostKey, Told
from controller.core.incarnation import EndReason, Incarnation
from controller.core.lifecycle import deadline
from controller.core.model import ArchiveSource, CloneSource, CloneTemplate, ConditionStatus, Credentials, Phase
from controller.core.steps import Attend, Decision, End, GiveUpContainer, Place, Probe, Rest
from controller.core.view import View
from tests.unit.core.given import (
    CLONE,
    END,
    NOW,
    PLACEMENT,
    READY_BY,
    SPEC,
    accepted,
    created,
    ready,
    spec,
    wanted,
)

ARCHIVE = SPEC.source
PASSWORD, TEMPLATE, NONE = Credentials.PASSWORD, Credentials.TEMPLATE, Credentials.NONE
ORDER = Rotation(by="uid 0 (root)", ordered_at=NOW - 1)
KNOWN = Guest(host_key="ssh-ed25519 OWN")


def decided(life: Incarnation, *, now: float = NOW, key: bool = True, attempts: int = 3) -> Decision:
    return decide(
        View(
            now=now,
            name="alice",
            desired=wanted(source=life.spec.source, credentials=life.spec.credentials, sudo=life.spec.sudo),
            incarnation=life,
            guest_access=key,
            attempts=attempts,
        )
    )


def errand(decision: Decision) -> Errand | None:
    return decision.step.errand if isinstance(decision.step, Attend) else None


# -- before it is Ready --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "credentials", "sudo", "expected"),
    [
        (ARCHIVE, PASSWORD, False, None),
        (ARCHIVE, NONE, False, None),
        (ARCHIVE, PASSWORD, True, SetUp(sudo=True)),
        (CLONE, PASSWORD, False, SetUp(password=True, host_key=True)),
        (CLONE, PASSWORD, True, SetUp(password=True, sudo=True, host_key=True)),
        (CLONE, TEMPLATE, False, None),
        (CLONE, NONE, False, None),
        (CLONE, TEMPLATE, True, SetUp(sudo=True, host_key=True)),
        (CLONE, None, False, None),
    ],
)
def test_what_is_set_up_follows_from_source_and_credentials(
    source: ArchiveSource | CloneSource, credentials: Credentials | None, sudo: bool, expected: SetUp | None
) -> None:
    life = created(spec=spec(source=source, credentials=credentials, sudo=sudo))
    assert before_ready(life) == expected


CLONED = spec(source=CLONE, credentials=PASSWORD)
MADE = Guest(answering="10.0.0.7", password_set=True, host_key="T", next_host_key="N")


@pytest.mark.parametrize(
    ("guest", "expected"),
    [
        (Guest(), None),
        (Guest(answering="10.0.0.7"), SetUp(password=True, host_key=True)),
        (MADE, TakeHostKey()),
        (Guest(answering="10.0.0.7", password_set=True, host_key="T", next_host_key="N", renewed=True), None),
        (Guest(answering="10.0.0.7", password_set=True, host_key="N", renewed=True), None),
    ],
)
def test_a_clone_is_set_up_step_by_step_once_its_desktop_answers(guest: Guest, expected: Errand | None) -> None:
    decision = decided(created(spec=CLONED, guest=guest))
    assert errand(decision) == expected
    assert decision.phase is Phase.STARTING
    assert isinstance(decision.step, Probe) is (expected is None)


def test_an_errand_that_failed_waits() -> None:
    guest = Guest(answering="10.0.0.7", failures=3, failed_at=NOW - 0.5)
    life = created(spec=CLONED, guest=guest).with_condition(
        "GuestReachable", ConditionStatus.FALSE, reason="Unreachable", message="10.0.0.7: nobody", now=NOW
    )
    decision = decided(life)
    assert (decision.step, decision.reason, decision.again_at) == (Rest(), "GuestUnreachable", NOW + 0.5)
    assert decision.message == "10.0.0.7: nobody: tried again"
    assert errand(decided(life, now=NOW + 0.5)) == SetUp(password=True, host_key=True)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"source": CLONE, "credentials": PASSWORD}, "credentials: password of a clone"),
        ({"sudo": True}, "sudo: true"),
    ],
)
def test_without_a_key_nothing_is_made_that_could_not_be_set_up(changes: dict[str, Any], what: str) -> None:
    life = accepted(spec=spec(**({"credentials": PASSWORD} | changes)))
    decision = decided(life, key=False)
    assert (decision.step, decision.phase, decision.reason) == (Rest(), Phase.HELD, "NoGuestKey")
    assert what in decision.message
    assert "guest.sshKeyFile" in decision.message
    assert decided(life).step == Place()


# -- by which key a guest is known ---------------------------------------------------------------------------------

PINNED = CloneSource(templates=(CloneTemplate(vmid=9000, host_key="T"), CloneTemplate(vmid=9001, host_key="U")))


@pytest.mark.parametrize(
    ("source", "guest", "expected"),
    [
        (ARCHIVE, Guest(), ()),
        (ARCHIVE, Guest(host_key="H"), ("H",)),
        (CLONE, Guest(), ()),
        (PINNED, Guest(), ("T",)),
        (PINNED, Guest(host_key="T", next_host_key="N"), ("T", "N")),
        (PINNED, Guest(host_key="N", renewed=True), ("N",)),
        (PINNED, Guest(renewed=True), ()),
    ],
)
def test_which_host_keys_are_trusted(
    source: ArchiveSource | CloneSource, guest: Guest, expected: tuple[str, ...]
) -> None:
    placement = replace(PLACEMENT, template=9000)
    assert trusted(created(spec=spec(source=source), placement=placement, guest=guest)) == expected


@pytest.mark.parametrize(
    ("before", "shown", "after"),
    [
        (Guest(failures=2, failed_at=NOW), "H", Guest(host_key="H")),
        (Guest(host_key="T", next_host_key="N"), "T", Guest(host_key="T", next_host_key="N")),
        (Guest(host_key="T", next_host_key="N"), "N", Guest(host_key="N", renewed=True)),
    ],
)
def test_what_a_contact_teaches(before: Guest, shown: str, after: Guest) -> None:
    assert seen(before, shown) == after


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.25), (2, 0.5), (5, 4.0), (9, 60.0), (1000, 60.0)])
def test_errands_are_tried_again_ever_less_often(failures: int, seconds: float) -> None:
    guest = Guest(failures=failures, failed_at=NOW)
    assert retry_at(guest, now=NOW) == NOW + seconds
    assert retry_at(guest, now=NOW + seconds) is None
    assert retry_at(guest, now=NOW - 1) is None, "the clock was set back: nobody waits for that"


# -- while it is Ready ---------------------------------------------------------------------------------------------

LONG = ready(guest=KNOWN)


@pytest.mark.parametrize(
    ("guest", "now", "expected"),
    [
        (KNOWN, NOW, None),
        (Guest(), NOW, Greet()),
        (Guest(failures=8), NOW, None),
        (Guest(host_key="T", next_host_key="N", renewed=True), NOW, TakeHostKey()),
        (Guest(rotation=ORDER), NOW, Rotate()),
        (Guest(rotation=ORDER, failures=1, failed_at=NOW), NOW, None),
        (KNOWN, END - 300.1, None),
        (KNOWN, END - 300, Notify(end=END, lead=300.0)),
        (Guest(), END - 300, Notify(end=END, lead=300.0)),
        (Guest(host_key="H", told=Told(end=END, lead=300.0)), END - 299, None),
        (Guest(host_key="H", told=Told(end=END, lead=300.0)), END - 60, Notify(end=END, lead=60.0)),
        (Guest(host_key="H", told=Told(end=END, lead=60.0)), END - 10, None),
        (Guest(host_key="H", told=Told(end=END - 600, lead=60.0)), END - 200, Notify(end=END, lead=300.0)),
    ],
)
def test_what_is_done_while_it_is_ready(guest: Guest, now: float, expected: Errand | None) -> None:
    decision = decided(ready(guest=guest), now=now)
    assert errand(decision) == expected
    assert decision.phase is Phase.READY


@pytest.mark.parametrize(("now", "expected"), [(NOW, END - 300), (END - 200, END - 60), (END - 30, END)])
def test_it_is_looked_at_again_when_the_next_notice_is_due(now: float, expected: float) -> None:
    assert decided(ready(guest=Guest(host_key="H", told=Told(end=END, lead=60.0))), now=now).again_at == expected


def test_a_life_no_longer_than_a_lead_is_not_told_that_early() -> None:
    life = ready(spec=spec(ttl=300.0), guest=KNOWN)
    assert errand(decided(life, now=deadline(life) - 250)) is None
    assert errand(decided(life, now=deadline(life) - 50)) == Notify(end=deadline(life), lead=60.0)


def test_without_a_key_nothing_is_done_and_it_is_looked_at_again_at_its_end() -> None:
    decision = decided(ready(guest=Guest(rotation=ORDER)), now=END - 50, key=False)
    assert (decision.step, decision.reason, decision.again_at) == (Rest(), "Ready", END)


# -- before it is given up -----------------------------------------------------------------------------------------


def test_the_log_is_read_once_before_a_container_is_given_up_and_becomes_part_of_why() -> None:
    assert errand(decided(created(), now=READY_BY)) == ReadLog()
    step = decided(created(guest=Guest(log="xrdp failed")), now=READY_BY).step
    assert isinstance(step, GiveUpContainer)
    assert step.message.endswith("; its last log lines: xrdp failed")
    last = decided(created(guest=Guest(log="xrdp failed")), now=READY_BY, attempts=1).step
    assert isinstance(last, End)
    assert last.reason is EndReason.NEVER_READY
    assert last.message.endswith("; its last log lines: xrdp failed")


def test_without_a_key_or_without_a_log_it_is_given_up_as_it_is() -> None:
    for life, key in ((created(), False), (created(guest=Guest(log="")), True)):
        step = decided(life, now=READY_BY, key=key).step
        assert isinstance(step, GiveUpContainer)
        assert "log" not in step.message


def test_a_new_container_begins_anew_and_an_order_still_stands() -> None:
    assert Guest(host_key="H", password_set=True, rotation=ORDER, failures=3).anew() == Guest(rotation=ORDER)

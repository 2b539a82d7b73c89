"""The ledger's lives: one for each session, one for each VMID, changed as they are by now and never forgotten early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, replace

import pytest
from hypothesis import HealthCheck, given, settings

from controller.core.guest import Guest, Rotation, Told
from controller.core.incarnation import Ending, EndReason, Incarnation, Stage
from controller.core.model import (
    AddressRange,
    ConditionStatus,
    Credentials,
    Destination,
    Network,
    Probe,
    Readiness,
    RestartPolicy,
)
from controller.engine.clock import VirtualClock
from controller.ledger.ledger import Ledger, Note, Superseded
from controller.ledger.passwords import Credential
from controller.ledger.rows import DOCUMENT
from tests.unit.core.given import (
    CLONE,
    NOW,
    PLACEMENT,
    accepted,
    creating,
    ready,
    spec,
    task,
    tombstone,
)
from tests.unit.core.strategies import LIVES

Opened = Callable[[], Ledger]
SECRET = Credential(username="user", password="s3cret")

FULL = ready(
    spec=spec(
        template="gpu",
        source=CLONE,
        nodes=("pve1", "pve2"),
        network=Network(
            bridge="vmbr1",
            vlan=7,
            addresses=AddressRange(first="10.0.0.2", last="10.0.0.9", prefix=24, gateway="10.0.0.1"),
            nameservers=("10.0.0.1",),
            egress=(Destination(cidr="10.0.0.0/8", ports=("443/tcp",)),),
        ),
        expires_at=NOW + 0.1 + 0.2,
        start_at=NOW - 1 / 3,
        paused=True,
        restart_policy=RestartPolicy.NEVER,
        readiness=Readiness(probe=Probe.NONE, port=3390, timeout=1.5),
        credentials=Credentials.PASSWORD,
        sudo=True,
    ),
    stage=Stage.READY,
    placement=replace(PLACEMENT, template=9000, address="10.0.0.7", refused=True, unclear_at=NOW - 3),
    task=task(),
    configured=False,
    extension=0.1 + 0.2,
    discard="it was never ready",
    ending=Ending(reason=EndReason.NEVER_READY, message="une phrase — “é” 🦊\n", since=NOW),
    ended_at=NOW + 1,
    attempts=2,
    last_failure="container 30101 was not ready within 300 s (the guest has no address)",
    fingerprint="aa:bb",
    filtered=True,
    guest=Guest(
        host_key="ssh-ed25519 AAAA",
        next_host_key="ssh-ed25519 BBBB",
        renewed=True,
        answering="10.0.0.7",
        password_set=True,
        sudo_set=True,
        rotation=Rotation(by="uid 0 (root)", ordered_at=NOW),
        told=Told(end=NOW + 0.1, lead=300.0),
        log="xrdp.service: Failed",
        failures=2,
        failed_at=NOW - 1,
    ),
    failures=3,
    paused=True,
    revision="2",
).with_condition("Ready", ConditionStatus.UNKNOWN, reason="Because", message="é", now=NOW)


def other(life: Incarnation, *, session: str = "bob", uid: str = "uid-2", vmid: int | None = None) -> Incarnation:
    placement = life.placement
    if vmid is not None and placement is not None:
        placement = replace(placement, vmid=vmid)
    return replace(life, session=session, uid=uid, placement=placement)


# -- kept ------------------------------------------------------------------------------------------------------


def test_the_fullest_life_sets_every_field() -> None:
    """A field that is added to lives is to be kept, too."""
    for part in (FULL, FULL.spec, FULL.placement, FULL.spec.network, FULL.spec.readiness, FULL.guest):
        unset = [
            field.name
            for field in fields(part)
            if field.default is not MISSING and getattr(part, field.name) == field.default
        ]
        assert unset == []


def test_a_life_survives_a_restart_in_every_field(opened: Opened) -> None:
    opened().begin(FULL, SECRET)
    again = opened()
    assert again.life("alice") == FULL
    assert again.lives() == [FULL]
    assert again.credential("alice") == SECRET


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(LIVES)
def test_any_life_is_read_as_it_was_written(life: Incarnation) -> None:
    written = DOCUMENT.dump_json(life)
    assert DOCUMENT.validate_json(written) == life


def test_a_tombstone_survives_a_restart_and_holds_no_vmid(opened: Opened) -> None:
    opened().begin(tombstone(placement=PLACEMENT), None)
    again = opened()
    assert again.life("alice") == tombstone(placement=PLACEMENT)
    assert again.session_at(30101) is None
    assert again.taken_vmids() == set()


# -- one life for a session, one VMID for a life ---------------------------------------------------------------


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.ENDED])
def test_a_session_that_lives_begins_no_second_life(ledger: Ledger, stage: Stage) -> None:
    first = accepted(stage=stage)
    ledger.begin(first, SECRET)
    with pytest.raises(Superseded, match="session alice lives already"):
        ledger.begin(accepted(uid="uid-2"), Credential("user", "another"))
    assert ledger.life("alice") == first
    assert ledger.credential("alice") == SECRET


def test_one_vmid_belongs_to_one_life_when_a_life_begins(ledger: Ledger) -> None:
    ledger.begin(creating(), None)
    with pytest.raises(Superseded, match="VMID 30101 belongs to another session"):
        ledger.begin(other(creating()), SECRET, Note("Adopted", "taken over"))
    assert ledger.life("bob") is None
    assert ledger.credential("bob") is None
    assert ledger.events() == []
    assert ledger.session_at(30101) == "alice"


def test_one_vmid_belongs_to_one_life_when_a_life_changes(ledger: Ledger, opened: Opened) -> None:
    ledger.begin(creating(), None)
    bob = other(accepted())
    ledger.begin(bob, None)
    with pytest.raises(Superseded, match="VMID 30101 belongs to another session"):
        ledger.change(bob, lambda life: replace(life, stage=Stage.CREATING, placement=PLACEMENT), Note("Creating", "…"))
    assert ledger.life("bob") == bob
    assert ledger.session_at(30101) == "alice"
    assert ledger.events() == []
    assert opened().life("bob") == bob


def test_the_database_itself_refuses_two_lives_for_one_vmid(opened: Opened) -> None:
    """Also where the memory of a ledger is wrong: two of them on one file is a mistake that must not cost a desktop."""
    first = opened()
    first.begin(other(accepted()), None)
    second = Ledger(str(first._engine.url), clock=VirtualClock(NOW))
    second.begin(creating(), None)
    with pytest.raises(Superseded, match="VMID 30101"):
        first.change(other(accepted()), lambda life: replace(life, placement=PLACEMENT))
    with pytest.raises(Superseded, match="lives already"):
        first.begin(accepted(uid="uid-3"), None)
    second.close()


def test_a_vmid_is_free_for_another_life_once_its_own_has_ended(ledger: Ledger) -> None:
    ledger.begin(creating(), None)
    ledger.bury(creating(), lambda life: tombstone(uid=life.uid))
    ledger.begin(other(creating()), None)
    assert ledger.session_at(30101) == "bob"


# -- changes ---------------------------------------------------------------------------------------------------


def test_a_change_applies_to_the_life_as_it_is_by_now(ledger: Ledger, opened: Opened) -> None:
    stale = ready()
    ledger.begin(stale, None)
    ledger.change(stale, lambda life: replace(life, extension=900.0))
    after = ledger.change(stale, lambda life: replace(life, address="10.0.0.8"))
    assert (after.extension, after.address) == (900.0, "10.0.0.8")
    assert opened().life("alice") == after


@pytest.mark.parametrize("now_there", [accepted(uid="uid-2"), None], ids=["another life", "none"])
def test_a_change_of_a_life_that_is_over_is_refused(ledger: Ledger, now_there: Incarnation | None) -> None:
    if now_there is not None:
        ledger.begin(now_there, SECRET)
    for write in (ledger.change, ledger.bury):
        with pytest.raises(Superseded, match="session alice has another life by now"):
            write(accepted(), lambda life: replace(life, stage=Stage.ENDED), Note("Ended", "it ended"))
    assert ledger.life("alice") == now_there
    assert ledger.credential("alice") == (SECRET if now_there is not None else None)
    assert ledger.events() == []


def test_a_change_that_raises_changes_nothing(ledger: Ledger) -> None:
    def fails(_: Incarnation) -> Incarnation:
        raise Superseded("no longer being placed")

    ledger.begin(accepted(), SECRET)
    with pytest.raises(Superseded, match="no longer being placed"):
        ledger.change(accepted(), fails, Note("Creating", "…"))
    with pytest.raises(Superseded, match="no longer being placed"):
        ledger.bury(accepted(), fails)
    assert ledger.life("alice") == accepted()
    assert ledger.credential("alice") == SECRET
    assert ledger.events() == []


def test_a_change_that_changes_nothing_is_told_all_the_same(ledger: Ledger) -> None:
    ledger.begin(accepted(), None)
    assert ledger.change(accepted(), lambda life: life) == accepted()
    ledger.change(accepted(), lambda life: life, Note("CreateUnclear", "no answer", warning=True))
    assert [event.reason for event in ledger.events()] == ["CreateUnclear"]


def test_a_life_is_found_by_the_vmid_that_it_has_now(ledger: Ledger) -> None:
    ledger.begin(accepted(), None)
    assert ledger.session_at(30101) is None
    ledger.change(accepted(), lambda life: replace(life, stage=Stage.CREATING, placement=PLACEMENT))
    assert ledger.session_at(30101) == "alice"
    ledger.change(accepted(), lambda life: replace(life, placement=replace(PLACEMENT, vmid=30102)))
    assert (ledger.session_at(30101), ledger.session_at(30102)) == (None, "alice")
    assert ledger.taken_vmids() == {30102}
    ledger.change(accepted(), lambda life: replace(life, stage=Stage.ACCEPTED, placement=None))
    assert ledger.taken_vmids() == set()


# -- ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.ENDED])
def test_a_life_that_has_not_ended_is_never_forgotten(ledger: Ledger, stage: Stage) -> None:
    life = accepted(stage=stage, ending=tombstone().ending)
    ledger.begin(life, SECRET)
    with pytest.raises(Superseded, match="session alice has not ended: it cannot be forgotten"):
        ledger.forget(life, Note("Forgotten", "…"))
    assert ledger.life("alice") == life
    assert ledger.credential("alice") == SECRET
    assert ledger.events() == []


def test_a_tombstone_is_forgotten_for_good(ledger: Ledger, opened: Opened) -> None:
    ledger.begin(tombstone(), SECRET)
    ledger.forget(tombstone(), Note("Forgotten", "the name is free again"))
    for where in (ledger, opened()):
        assert where.life("alice") is None
        assert where.credential("alice") is None
        assert [event.reason for event in where.events()] == ["Forgotten"]


@pytest.mark.parametrize("now_there", [tombstone(uid="uid-2"), accepted(uid="uid-2"), None])
def test_another_lifes_tombstone_is_not_forgotten(ledger: Ledger, now_there: Incarnation | None) -> None:
    if now_there is not None:
        ledger.begin(now_there, None)
    ledger.forget(tombstone())
    assert ledger.life("alice") == now_there


def test_a_burial_erases_the_credentials_and_leaves_the_tombstone(ledger: Ledger, opened: Opened) -> None:
    ledger.begin(creating(), SECRET)
    buried = ledger.bury(
        creating(),
        lambda life: replace(life, stage=Stage.ENDED, placement=None, ending=tombstone().ending),
        Note("Ended", "it ended"),
    )
    for where in (ledger, opened()):
        assert where.life("alice") == buried
        assert where.life("alice").ended
        assert where.credential("alice") is None
        assert where.session_at(30101) is None
        assert [event.reason for event in where.events()] == ["Ended"]


def test_a_new_life_takes_the_place_of_the_tombstone(ledger: Ledger, opened: Opened) -> None:
    ledger.begin(tombstone(), SECRET)
    anew = accepted(uid="uid-2", generation="v1-b")
    ledger.begin(anew, Credential("user", "another"))
    for where in (ledger, opened()):
        assert where.lives() == [anew]
        assert where.credential("alice") == Credential("user", "another")


def test_a_new_life_without_known_credentials_does_not_inherit_the_old_ones(ledger: Ledger) -> None:
    ledger.begin(tombstone(), SECRET)
    ledger.begin(accepted(uid="uid-2"), None)
    assert ledger.credential("alice") is None


def test_every_uid_that_was_ever_ours_is_known(ledger: Ledger, opened: Opened) -> None:
    ledger.begin(accepted(), None)
    ledger.begin(other(tombstone(), uid="uid-2"), None, Note("Accepted", "asked for"))
    ledger.forget(other(tombstone(), uid="uid-2"))
    for where in (ledger, opened()):
        assert where.knows("uid-1"), "of a life, of which no event tells"
        assert where.knows("uid-2"), "of a life that was forgotten, of which an event tells"
        assert not where.knows("uid-3")


# -- VMIDs that rest -------------------------------------------------------------------------------------------


def test_a_freed_vmid_rests_also_across_a_restart(ledger: Ledger, opened: Opened, clock: VirtualClock) -> None:
    ledger.rest_vmid(30101, seconds=600)
    assert ledger.taken_vmids() == {30101}
    clock.advance(599)
    again = opened()
    assert again.taken_vmids() == {30101}
    clock.advance(1)
    assert again.taken_vmids() == set()
    assert opened().taken_vmids() == set()


def test_a_vmid_that_is_freed_again_rests_anew(ledger: Ledger, clock: VirtualClock) -> None:
    ledger.rest_vmid(30101, seconds=600)
    clock.advance(500)
    ledger.rest_vmid(30101, seconds=600)
    clock.advance(599)
    assert ledger.taken_vmids() == {30101}


def test_lives_and_rests_are_taken_together(ledger: Ledger) -> None:
    ledger.begin(creating(), None)
    ledger.rest_vmid(30102, seconds=600)
    assert ledger.taken_vmids() == {30101, 30102}


# -- settings --------------------------------------------------------------------------------------------------


def test_settings_are_kept_replaced_and_removed(ledger: Ledger, opened: Opened) -> None:
    assert ledger.setting("paused") is None
    ledger.set_setting("paused", "an administrator did it", Note("Paused", "…"))
    ledger.set_setting("paused", "another one did")
    again = opened()
    assert again.setting("paused") == "another one did"
    again.set_setting("paused", None)
    assert again.setting("paused") is None
    assert opened().setting("paused") is None
    assert [(event.session, event.reason) for event in again.events()] == [("", "Paused")]

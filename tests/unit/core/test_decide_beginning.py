"""decide(), rungs 1 and 2: a session without a life, and one whose life has ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.decide import decide
from controller.core.incarnation import EndReason
from controller.core.model import Phase
from controller.core.steps import Accept, Adopt, Release, Rest
from controller.core.view import View
from tests.unit.core.given import (
    ACCEPTED_AT,
    BLIND,
    CLAIMED,
    CLOCK,
    CONFIRMED,
    DESIRED,
    GRACE_ENDS,
    IN_GRACE,
    MASS,
    NOW,
    ONE_SCAN,
    PAUSED,
    UNSYNCED,
    Told,
    decisions,
    edited,
    row,
    told,
    tombstone,
    view,
    wanted,
    which,
)

TAKE_OVER = Adopt(desired=DESIRED, node="pve1", vmid=30101, uid="uid-0", accepted_at=ACCEPTED_AT, address="10.0.0.7")
LATER, EARLIER = wanted(start_at=NOW + 600), wanted(start_at=NOW - 600)
HELD, PENDING = Phase.HELD, Phase.PENDING


@decisions(
    row("nobody asks for it", view(desired=None), Rest(), PENDING, "NotWanted", None),
    row("a manifest asks for it", view(), Accept(DESIRED), PENDING, "Accepted", None),
    row("an administrator paused the controller", view(brakes=PAUSED), Rest(), HELD, "Paused", None),
    row("a source was never seen whole", view(brakes=UNSYNCED), Rest(), HELD, "NotSynced", None),
    row("Proxmox cannot be seen", view(brakes=BLIND), Rest(), HELD, "NotObserved", None),
    row("a jump of the clock holds no beginning", view(brakes=CLOCK), Accept(DESIRED), PENDING, "Accepted", None),
    row("the mass-delete brake holds no beginning", view(brakes=MASS), Accept(DESIRED), PENDING, "Accepted", None),
    row("its container exists already", view(claimed=CLAIMED), TAKE_OVER, PENDING, "Adopted", None),
    row("taken over only when all is seen", view(claimed=CLAIMED, brakes=BLIND), Rest(), HELD, "NotObserved", None),
    row("taken over only when synced", view(claimed=CLAIMED, brakes=UNSYNCED), Rest(), HELD, "NotSynced", None),
    row("paused by its manifest", view(desired=wanted(paused=True)), Rest(), HELD, "PausedByManifest", None),
    row("its start is to come", view(desired=LATER), Rest(), PENDING, "Scheduled", NOW + 600),
    row(
        "its start has come",
        view(desired=wanted(start_at=NOW)),
        Accept(wanted(start_at=NOW)),
        PENDING,
        "Accepted",
        None,
    ),
    row("its start is long past", view(desired=EARLIER), Accept(EARLIER), PENDING, "Accepted", None),
)
def test_a_session_without_a_life(given: View, expected: Told) -> None:
    assert told(given) == expected


@pytest.mark.parametrize("desired", [wanted(paused=True), LATER], ids=["paused", "scheduled"])
def test_a_container_that_exists_is_taken_over_whatever_its_manifest_waits_for(desired: object) -> None:
    assert decide(view(desired=desired, claimed=CLAIMED)).reason == "Adopted"


@pytest.mark.parametrize("reason", [EndReason.EXPIRED, EndReason.DELETED, EndReason.NEVER_READY])
def test_what_ended_stays_ended(reason: EndReason) -> None:
    phase = Phase.FAILED if reason is EndReason.NEVER_READY else Phase.EXPIRED
    assert told(view(tombstone(reason))) == (Rest(), phase, reason, None)


@pytest.mark.parametrize("reason", [EndReason.MANIFEST_REMOVED, EndReason.UNKNOWN_ORPHAN, EndReason.REPLACED])
def test_a_manifest_that_came_back_or_asked_for_the_end_asks_for_a_new_life(reason: EndReason) -> None:
    """Also where the process died before it forgot the life, or a new revision was taken back meanwhile."""
    assert told(view(tombstone(reason))) == (Accept(DESIRED), Phase.PENDING, "Accepted", None)


@pytest.mark.parametrize(
    "desired",
    [
        wanted(paused=True),
        wanted(max_ttl=3600.0, storage="another"),
        replace(DESIRED, labels={"course": "linux-101"}),
    ],
    ids=["paused or resumed", "its template was edited", "its labels were edited"],
)
def test_an_edit_that_does_not_change_the_meaning_of_the_spec_revives_nothing(desired: object) -> None:
    assert decide(view(tombstone(), desired=desired)).step == Rest()


GONE = view(tombstone(), desired=None)
ONCE = replace(CONFIRMED, scans=1)
EXPIRED = Phase.EXPIRED


@decisions(
    row("a new spec", view(tombstone(), desired=edited()), Accept(edited()), PENDING, "Accepted", None),
    row(
        "a new revision that the old life had heard of without following it",
        view(tombstone(), desired=wanted(revision="2")),
        Accept(wanted(revision="2")),
        PENDING,
        "Accepted",
        None,
    ),
    row("a new spec while blind", view(tombstone(), desired=edited(), brakes=BLIND), Rest(), HELD, "NotObserved", None),
    row(
        "a new spec that starts later",
        view(tombstone(), desired=edited(start_at=NOW + 60)),
        Rest(),
        PENDING,
        "Scheduled",
        NOW + 60,
    ),
    row(
        "a new spec that is paused",
        view(tombstone(), desired=edited(paused=True)),
        Rest(),
        HELD,
        "PausedByManifest",
        None,
    ),
    row("its manifest cannot be seen", GONE, Rest(), EXPIRED, "Expired", None),
    row(
        "a broken file may hold its manifest",
        replace(GONE, missing=CONFIRMED, undecided=True),
        Rest(),
        EXPIRED,
        "Expired",
        None,
    ),
    row("its manifest was missed once", replace(GONE, missing=ONE_SCAN), Rest(), EXPIRED, "Expired", None),
    row("missed once, just for the grace", replace(GONE, missing=ONCE), Rest(), EXPIRED, "Expired", None),
    row("missed twice, within the grace", replace(GONE, missing=IN_GRACE), Rest(), EXPIRED, "Expired", GRACE_ENDS),
    row("missed twice, for the grace", replace(GONE, missing=CONFIRMED), Release(), EXPIRED, "Forgotten", None),
)
def test_a_tombstone_stays_until_its_spec_changes_or_its_manifest_is_gone(given: View, expected: Told) -> None:
    assert told(given) == expected


@pytest.mark.parametrize("brakes", [PAUSED, UNSYNCED, BLIND, CLOCK, MASS], ids=which)
def test_no_tombstone_is_forgotten_under_a_brake(brakes: object) -> None:
    assert decide(replace(GONE, missing=CONFIRMED, brakes=brakes)).step == Rest()

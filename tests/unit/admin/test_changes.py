"""A line of a plan says in one word what ``decide`` is about to do."""

from __future__ import annotations

import pytest

from controller.admin.changes import change
from controller.admin.models import Action, Change
from controller.core.incarnation import EndReason
from controller.core.model import Phase
from controller.core.view import Presence, View
from controller.reconcile.reconciler import Status
from tests.unit.core import given

TABLE = {
    "a manifest without a life is created": (given.view(), Action.CREATE),
    "an accepted life gets a container": (given.view(given.accepted()), Action.CREATE),
    "a create that runs is going on": (
        given.view(given.creating(task=given.task()), task=given.RUNNING),
        Action.CREATE,
    ),
    "a create whose answer was lost is found out about": (given.view(given.creating()), Action.CREATE),
    "a container of which only its marker tells is taken over": (given.view(claimed=given.CLAIMED), Action.CHANGE),
    "a container that was made is started": (given.view(given.created(started_at=None)), Action.START),
    "a container that starts is asked whether it is ready": (given.view(given.created()), Action.START),
    "a ready session is kept": (given.view(given.ready()), Action.KEEP),
    "a ready session whose manifest cannot be seen is kept": (
        given.view(given.ready(), desired=None, undecided=True),
        Action.KEEP,
    ),
    "an edited manifest changes its session": (
        given.view(given.ready(), desired=given.edited(ttl=60.0)),
        Action.CHANGE,
    ),
    "a new revision replaces the life that is there": (
        given.view(given.ready(), desired=given.edited(revision="2")),
        Action.REPLACE,
    ),
    "a life that ends for another is replaced": (
        given.view(given.ending(given.ready(), EndReason.REPLACED), desired=given.edited(revision="2")),
        Action.REPLACE,
    ),
    "a session that does not run is started again": (
        given.view(given.ready(), listed=given.listed(status="stopped")),
        Action.START,
    ),
    "a session whose time is up is destroyed": (given.view(given.ready(ready_at=given.NOW - 7200)), Action.DESTROY),
    "a session that is missing will be destroyed, also within the grace": (
        given.view(given.ready(), desired=None, missing=given.IN_GRACE),
        Action.DESTROY,
    ),
    "a session that is gone for good is destroyed": (
        given.view(given.ready(), desired=None, missing=given.CONFIRMED),
        Action.DESTROY,
    ),
    "a session that is ending is destroyed": (given.view(given.ending(given.ready())), Action.DESTROY),
    "an ending session that was just read is destroyed": (
        given.view(given.ending(given.ready()), live=given.live()),
        Action.DESTROY,
    ),
    "an ending session whose container is gone counts as destroyed": (
        given.view(given.ending(given.ready()), live=given.live(Presence.ABSENT)),
        Action.DESTROY,
    ),
    "an orphan is held by the brake on mass deletion": (
        given.view(given.ready(), desired=None, missing=given.CONFIRMED, brakes=given.MASS),
        Action.HOLD,
    ),
    "a paused session is held": (given.view(given.ready(paused=True)), Action.HOLD),
    "what ended stays ended": (given.view(given.tombstone()), Action.ENDED),
    "what was never ready stays ended": (given.view(given.tombstone(EndReason.NEVER_READY)), Action.ENDED),
}


@pytest.mark.parametrize(("view", "action"), TABLE.values(), ids=TABLE.keys())
def test_the_word_of_a_change(view: View, action: Action) -> None:
    found = change(view)
    assert found is not None
    assert found.action is action
    assert found.message


def test_a_name_that_nobody_asks_for_is_no_change() -> None:
    assert change(given.view(desired=None)) is None


def test_a_change_names_its_manifest_and_container() -> None:
    found = change(given.view(given.ready()))
    assert found is not None
    assert (found.origin, found.container) == ("alice.yaml:3", "30101 on pve1")


@pytest.mark.parametrize(
    ("action", "reason", "pending"),
    [
        (Action.CREATE, "Accepted", True),
        (Action.DESTROY, "Expired", True),
        (Action.HOLD, "MassDelete", True),
        (Action.HOLD, "Paused", True),
        (Action.HOLD, "PausedByManifest", True),
        (Action.REPLACE, "Replaced", True),
        (Action.KEEP, "Ready", False),
        (Action.ENDED, "Expired", False),
    ],
)
def test_what_is_held_is_pending_whatever_holds_it(action: Action, reason: str, pending: bool) -> None:
    assert Change(action=action, session="alice", reason=reason, message="…").pending is pending


FORBIDDEN = Status(phase=Phase.PENDING, reason="Forbidden", message="403: no", since=0.0, failing=True)
NO_ROOM = Status(phase=Phase.HELD, reason="NoRoom", message="every VMID is taken", since=0.0)


@pytest.mark.parametrize(
    ("failing", "action", "reason"),
    [(FORBIDDEN, Action.CREATE, "Forbidden"), (NO_ROOM, Action.HOLD, "NoRoom")],
)
def test_what_fails_says_why(failing: Status, action: Action, reason: str) -> None:
    found = change(given.view(given.accepted()), failing=failing)
    assert found is not None
    assert (found.action, found.reason, found.message) == (action, reason, failing.message)


def test_what_failed_before_is_no_news_of_a_session_that_rests() -> None:
    found = change(given.view(given.ready()), failing=FORBIDDEN)
    assert found is not None
    assert (found.action, found.reason) == (Action.KEEP, "Ready")

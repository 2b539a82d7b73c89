"""serve(): a desktop that was ready is watched, and put back the way that its spec says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.decide import decide
from controller.core.guards import Brakes
from controller.core.incarnation import Incarnation
from controller.core.model import Phase, Resources, RestartPolicy
from controller.core.steps import (
    Configure,
    Conformed,
    Follow,
    Grow,
    Look,
    Place,
    RecordGone,
    Rest,
    Start,
)
from controller.core.view import Presence, View
from tests.unit.core.given import (
    BLIND,
    CAP,
    CLOCK,
    END,
    MASS,
    NOW,
    PAUSED,
    READY_AT,
    SOON,
    UNSYNCED,
    Told,
    accepted,
    created,
    decisions,
    listed,
    live,
    ready,
    row,
    spec,
    told,
    view,
    wanted,
    which,
)

HELD, READY = Phase.HELD, Phase.READY
STATUS_TOO = Look(status_too=True)
STEADY = view(ready())

# -- ready: what the list shows --------------------------------------------------------------------------------

MORE = Resources(cores=4, memory_mib=2048, disk_gib=20)


@decisions(
    row("all is well", STEADY, Rest(), READY, "Ready", END),
    row("nothing observed yet", replace(STEADY, listed=None, observed_at=None), Rest(), READY, "Ready", END),
    row("not listed any more", replace(STEADY, listed=None), Look(), READY, "Unseen", END),
    row("not listed, but blind", replace(STEADY, listed=None, brakes=BLIND), Rest(), READY, "Ready", END),
    row(
        "not listed by an older observation",
        replace(STEADY, listed=None, observed_at=NOW - 79),
        Rest(),
        READY,
        "Ready",
        NOW + 5.0,
    ),
    row("migrated", replace(STEADY, listed=listed(node="pve2")), Follow("pve2"), READY, "Migrated", END),
    row("stopped", replace(STEADY, listed=listed(status="stopped")), STATUS_TOO, READY, "Stopped", END),
    row(
        "stopped by late statistics",
        replace(STEADY, listed=listed(status="stopped"), observed_at=NOW - 70),
        Rest(),
        READY,
        "Ready",
        NOW + 5.0,
    ),
    row(
        "stopped and locked",
        replace(STEADY, listed=listed(status="stopped", lock="backup")),
        Rest(),
        READY,
        "Ready",
        END,
    ),
    row(
        "its node does not answer",
        replace(STEADY, listed=listed(status="unknown", cores=None)),
        Rest(),
        READY,
        "Ready",
        END,
    ),
    row("other cores", replace(STEADY, listed=listed(cores=8)), Look(), READY, "Drifted", END),
    row("other memory", replace(STEADY, listed=listed(memory_mib=512)), Look(), READY, "Drifted", END),
    row("other cores, locked", replace(STEADY, listed=listed(cores=8, lock="backup")), Rest(), READY, "Ready", END),
    row(
        "other cores by late statistics",
        replace(STEADY, listed=listed(cores=8), observed_at=NOW - 70),
        Rest(),
        READY,
        "Ready",
        NOW + 5.0,
    ),
    row("another name", replace(STEADY, listed=listed(name="bob")), Look(), READY, "Renamed", END),
    row("its own name", replace(STEADY, listed=listed(name="alice")), Rest(), READY, "Ready", END),
    row(
        "resources are not told",
        replace(STEADY, listed=listed(cores=None, memory_mib=None)),
        Rest(),
        READY,
        "Ready",
        END,
    ),
    row(
        "the spec grew",
        view(ready(spec=spec(resources=MORE)), desired=wanted(resources=MORE), observed_at=NOW - 70),
        Look(),
        READY,
        "Resizing",
        END,
    ),
    row("adopted: its resources were never read", view(ready(applied=None)), Look(), READY, "Resizing", END),
    row(
        "paused by nobody, wanted by nobody known", replace(STEADY, desired=None), Rest(), READY, "ManifestUnknown", END
    ),
)
def test_what_the_list_shows_of_a_desktop(given: View, expected: Told) -> None:
    assert told(given) == expected


@pytest.mark.parametrize(
    ("late_by", "counts"), [(14.9, False), (15.0, True)], ids=["within their lag", "after their lag"]
)
def test_statistics_count_only_after_their_lag(late_by: float, counts: bool) -> None:
    settled = (STEADY.observed_at or NOW) - late_by
    given = view(ready(settled_at=settled), listed=listed(status="stopped"))
    assert (decide(given).step == STATUS_TOO) is counts


# -- ready: what the container itself shows --------------------------------------------------------------------

OURS = replace(STEADY, live=live())
NEVER = ready(spec=spec(restart_policy=RestartPolicy.NEVER))
GONE = "container 30101 was destroyed by somebody else"
TAKEN = "VMID 30101 is somebody else's now"


def shows(**changes: object) -> View:
    return replace(STEADY, live=live(**changes))


@decisions(
    row("as its spec says", OURS, Rest(), READY, "Ready", END),
    row("gone", shows(presence=Presence.ABSENT), RecordGone(GONE), READY, "Lost", END),
    row("somebody else's", shows(presence=Presence.FOREIGN), RecordGone(TAKEN), READY, "Lost", END),
    row("unreadable", shows(presence=Presence.HIDDEN), Rest(), HELD, "Hidden", SOON),
    row("a stub", shows(presence=Presence.STUB), Rest(), HELD, "Hidden", SOON),
    row("locked", shows(lock="backup", cores=8, running=False), Rest(), READY, "Locked", SOON),
    row("other cores", shows(cores=8), Configure({"cores": 2}, "cores=2"), READY, "Configuring", END),
    row("no limit of cores", shows(cores=None), Configure({"cores": 2}, "cores=2"), READY, "Configuring", END),
    row("other memory", shows(memory_mib=512), Configure({"memory": 1024}, "memory=1024"), READY, "Configuring", END),
    row(
        "unprotected", shows(protection=False), Configure({"protection": 1}, "protection=1"), READY, "Configuring", END
    ),
    row("a smaller disk", shows(disk_gib=8), Grow(10), READY, "Growing", END),
    row("a bigger disk is left", shows(disk_gib=80), Rest(), READY, "Ready", END),
    row("a disk of unknown size is left", shows(disk_gib=None), Rest(), READY, "Ready", END),
    row(
        "settings before the disk",
        shows(cores=8, disk_gib=8),
        Configure({"cores": 2}, "cores=2"),
        READY,
        "Configuring",
        END,
    ),
    row("the disk before the power", shows(disk_gib=8, running=False), Grow(10), READY, "Growing", END),
    row("stopped", shows(running=False), Start(), READY, "Restarting", END),
    row("running", shows(running=True), Rest(), READY, "Ready", END),
    row(
        "running, and the list does not know it yet",
        replace(shows(running=True), listed=listed(status="stopped")),
        Rest(),
        READY,
        "Ready",
        SOON,
    ),
    row("stopped, and to be left so", view(NEVER, live=live(running=False)), Rest(), HELD, "Stopped", NOW + 30),
    row("it conforms to what it grew to", view(ready(applied=None), live=live()), Conformed(), READY, "Conforms", END),
)
def test_what_a_look_at_a_desktop_leads_to(given: View, expected: Told) -> None:
    assert told(given) == expected


def test_restart_policy_never_is_about_desktops_that_were_ready() -> None:
    never = spec(restart_policy=RestartPolicy.NEVER)
    assert decide(view(created(spec=never), live=live(running=False))).step == Start()
    assert decide(view(created(spec=never, started_at=None), live=live())).step == Start()


@pytest.mark.parametrize("life", [created(), ready(), created(configured=False)], ids=["created", "ready", "cloned"])
@pytest.mark.parametrize("lock", ["backup", "migrate", "snapshot", "create"])
def test_a_locked_container_is_left_alone(life: Incarnation, lock: str) -> None:
    for running in (None, True, False):
        seen = live(lock=lock, cores=8, memory_mib=1, disk_gib=1, protection=False, running=running)
        assert decide(view(life, live=seen)).step == Rest()


@pytest.mark.parametrize("life", [created(), ready()], ids=["before it was ready", "ready"])
def test_a_desktop_destroyed_by_hand_is_made_again_with_the_time_that_is_left(life: Incarnation) -> None:
    assert decide(view(life, live=live(Presence.ABSENT))).step == RecordGone(GONE)
    again = accepted(ready_at=life.ready_at, spec=life.spec)
    decision = decide(view(again))
    assert decision.step == Place()
    assert decision.again_at == (CAP if life.ready_at is None else READY_AT + 1800)


@pytest.mark.parametrize("brakes", [UNSYNCED, BLIND, CLOCK, MASS], ids=which)
def test_a_desktop_is_cared_for_under_every_brake(brakes: Brakes) -> None:
    assert decide(replace(STEADY, live=live(running=False), brakes=brakes)).step == Start()
    assert decide(replace(STEADY, live=live(cores=8), brakes=brakes)).step == Configure({"cores": 2}, "cores=2")


@pytest.mark.parametrize(
    "missing_manifest", [{"desired": None}, {"desired": None, "undecided": True}], ids=["unseen", "undecided"]
)
def test_a_desktop_whose_manifest_cannot_be_seen_is_cared_for(missing_manifest: dict[str, object]) -> None:
    assert decide(replace(STEADY, live=live(running=False), **missing_manifest)).step == Start()


def test_a_desktop_that_is_ready_says_where() -> None:
    assert decide(STEADY).message == "the desktop is ready at 10.0.0.7"
    assert decide(view(ready(address=None))).message == "the desktop is ready at an unknown address"


@pytest.mark.parametrize(
    ("settled_at", "observed_at", "vanished"),
    [(None, NOW - 1, True), (NOW - 10, NOW - 9, False), (NOW - 10, NOW - 8.9, True), (NOW - 10, None, False)],
    ids=["adopted", "within a second of our operation", "a second after it", "never observed"],
)
@pytest.mark.parametrize("life", [created(), ready()], ids=["not ready yet", "ready"])
def test_only_an_observation_asked_for_after_our_operation_shows_that_a_container_vanished(
    life: Incarnation, settled_at: float | None, observed_at: float | None, vanished: bool
) -> None:
    given = view(replace(life, settled_at=settled_at), listed=None, observed_at=observed_at)
    assert (decide(given).step == Look()) is vanished


def test_a_row_of_a_node_that_does_not_answer_raises_no_doubt() -> None:
    unknown = listed(status="unknown", name="bob", cores=8, memory_mib=1)
    assert decide(replace(STEADY, listed=unknown)).reason == "Ready"


def test_a_foundling_is_called_by_the_name_of_its_session() -> None:
    """The life of an unaccounted container of alice's is called alice.1234abcd."""
    foundling = ready(session="alice.1234abcd", origin_file="")
    assert decide(view(foundling, desired=None, listed=listed(name="alice"))).reason == "ManifestUnknown"
    assert decide(view(foundling, desired=None, listed=listed(name="bob"))).reason == "Renamed"


def test_a_foundling_is_not_started_for_want_of_a_memory_of_its_start() -> None:
    assert decide(view(ready(started_at=None), desired=None, live=live())).step == Rest()


# -- pauses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"brakes": PAUSED}, "Paused"),
        ({"incarnation": ready(paused=True)}, "Paused"),
        ({"desired": wanted(paused=True)}, "PausedByManifest"),
    ],
    ids=["the controller", "by an administrator", "by its manifest"],
)
@pytest.mark.parametrize(
    "seen",
    [live(running=False), live(cores=8), live(Presence.ABSENT), live(), None],
    ids=["stopped", "drifted", "gone", "well", "unread"],
)
def test_a_paused_desktop_is_left_as_it_is_until_its_time_is_up(
    changes: dict[str, object], reason: str, seen: object
) -> None:
    assert told(replace(STEADY, live=seen, **changes)) == (Rest(), HELD, reason, END)


def test_a_pause_names_what_ends_it() -> None:
    assert "`winux resume alice`" in decide(view(ready(paused=True))).message
    assert "spec.paused" in decide(view(ready(), desired=wanted(paused=True))).message

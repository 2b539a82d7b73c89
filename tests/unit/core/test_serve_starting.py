"""serve(): a container that was made is started and awaited; a clone gets its own settings before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.decide import decide
from controller.core.guards import Brakes
from controller.core.incarnation import EndReason, Incarnation
from controller.core.model import ConditionStatus, Network, Phase
from controller.core.steps import (
    Configure,
    End,
    FinishTask,
    Follow,
    GiveUpContainer,
    Grow,
    Look,
    Probe,
    Rest,
    SetFirewall,
    Start,
)
from controller.core.view import TaskOutcome, TaskState, View
from tests.unit.core.given import (
    BLIND,
    CAP,
    CLOCK,
    CLONE,
    END,
    FAILED,
    LOST,
    MASS,
    NOW,
    OK,
    READY_BY,
    RUNNING,
    SOON,
    UNSYNCED,
    Told,
    created,
    decisions,
    listed,
    live,
    ready,
    row,
    spec,
    task,
    told,
    view,
)

EGRESS = spec(network=Network(bridge="vmbr0", egress=()))
UNFILTERED = view(created(spec=EGRESS, started_at=None))
"""Made, and not started: its template lets nothing out."""
STARTING, READY = Phase.STARTING, Phase.READY
STATUS_TOO = Look(status_too=True)
WAITING = view(created())

# -- operations in flight --------------------------------------------------------------------------------------

START_RUNS = view(created(task=task("vzstart")))


@decisions(
    row("not polled yet", START_RUNS, Rest(), STARTING, "Working", CAP),
    row("runs", replace(START_RUNS, task=RUNNING), Rest(), STARTING, "Working", CAP),
    row(
        "runs, though it was just read",
        replace(START_RUNS, task=RUNNING, live=live()),
        Rest(),
        STARTING,
        "Working",
        CAP,
    ),
    row("ended well", replace(START_RUNS, task=OK), FinishTask(None), STARTING, "TaskDone", CAP),
    row("failed", replace(START_RUNS, task=FAILED), FinishTask("unable to create CT"), STARTING, "TaskFailed", CAP),
    row("was lost", replace(START_RUNS, task=LOST), FinishTask(None), STARTING, "TaskDone", CAP),
    row(
        "of a desktop that is ready",
        view(ready(task=task("resize")), task=OK),
        FinishTask(None),
        READY,
        "TaskDone",
        END,
    ),
)
def test_an_operation_in_flight_comes_first(given: View, expected: Told) -> None:
    assert told(given) == expected


def test_a_failed_task_without_a_word_is_still_a_failure() -> None:
    silent = TaskOutcome(TaskState.FAILED, "")
    decision = decide(view(created(task=task("vzstart")), task=silent))
    assert (decision.step, decision.reason) == (FinishTask("unknown"), "TaskFailed")


# -- towards ready ---------------------------------------------------------------------------------------------

UNSTARTED = view(created(started_at=None))
LATE = view(created(started_at=NOW - 300))
TOO_LATE = "container 30101 was not ready within 300 s"


@decisions(
    row("it is asked whether it is ready", WAITING, Probe(), STARTING, "Probing", READY_BY),
    row("a container is looked at before it is started", UNSTARTED, Look(), STARTING, "Starting", CAP),
    row("it is ours: it is started", replace(UNSTARTED, live=live()), Start(), STARTING, "Starting", CAP),
    row("not yet listed", replace(WAITING, listed=None, observed_at=NOW - 79), Probe(), STARTING, "Probing", READY_BY),
    row(
        "nothing observed yet", replace(WAITING, listed=None, observed_at=None), Probe(), STARTING, "Probing", READY_BY
    ),
    row("not listed by a late observation", replace(WAITING, listed=None), Look(), STARTING, "Unseen", CAP),
    row("not listed, but blind", replace(WAITING, listed=None, brakes=BLIND), Probe(), STARTING, "Probing", READY_BY),
    row("listed as stopped", replace(WAITING, listed=listed(status="stopped")), STATUS_TOO, STARTING, "Stopped", CAP),
    row(
        "listed as stopped by statistics from before its start",
        replace(WAITING, listed=listed(status="stopped"), observed_at=NOW - 70),
        Probe(),
        STARTING,
        "Probing",
        READY_BY,
    ),
    row("migrated meanwhile", replace(WAITING, listed=listed(node="pve2")), Follow("pve2"), STARTING, "Migrated", CAP),
    row("found stopped", replace(WAITING, live=live(running=False)), Start(), STARTING, "Restarting", CAP),
    row("found running", replace(WAITING, live=live(running=True)), Probe(), STARTING, "Probing", READY_BY),
    row("late", LATE, GiveUpContainer(TOO_LATE), STARTING, "NeverReady", CAP),
    row(
        "late, and what was found last is told",
        replace(LATE, unready="the guest has no address"),
        GiveUpContainer(f"{TOO_LATE} (the guest has no address)"),
        STARTING,
        "NeverReady",
        CAP,
    ),
    row(
        "late for the last time, and what was found last is told",
        view(created(started_at=NOW - 300, attempts=2), unready="10.0.0.7 port 3389: nothing listens there"),
        End(EndReason.NEVER_READY, f"{TOO_LATE} (10.0.0.7 port 3389: nothing listens there), the 3. in a row"),
        STARTING,
        "Failed",
        CAP,
    ),
    row("a moment before", replace(LATE, now=NOW - 1), Probe(), STARTING, "Probing", NOW),
    row("late, but just read: asked once more", replace(LATE, live=live()), Probe(), STARTING, "Probing", CAP),
    row(
        "late for the last time",
        view(created(started_at=NOW - 300, attempts=2)),
        End(EndReason.NEVER_READY, f"{TOO_LATE}, the 3. in a row"),
        STARTING,
        "Failed",
        CAP,
    ),
)
def test_a_container_that_is_not_ready_yet(given: View, expected: Told) -> None:
    assert told(given) == expected


@decisions(
    row("to be looked at first", UNFILTERED, Look(), STARTING, "Filtering", CAP),
    row(
        "its firewall goes before its start",
        replace(UNFILTERED, live=live(running=False)),
        SetFirewall(),
        STARTING,
        "Filtering",
        CAP,
    ),
    row(
        "one that was taken over and runs",
        view(created(spec=EGRESS), live=live(running=True)),
        SetFirewall(),
        STARTING,
        "Filtering",
        CAP,
    ),
    row(
        "one that was taken over is not asked before",
        view(created(spec=EGRESS)),
        Look(),
        STARTING,
        "Filtering",
        CAP,
    ),
    row(
        "filtered",
        view(created(spec=EGRESS, started_at=None, filtered=True), live=live(running=False)),
        Start(),
        STARTING,
        "Restarting",
        CAP,
    ),
    row(
        "a clone gets its own network before",
        view(created(spec=EGRESS, started_at=None, configured=False), live=live(running=False, protection=False)),
        Configure({"protection": 1}, "protection=1"),
        STARTING,
        "Configuring",
        CAP,
    ),
    row("locked", replace(UNFILTERED, live=live(lock="backup")), Rest(), STARTING, "Locked", SOON),
)
def test_a_firewall_is_set_before_anybody_can_log_in(given: View, expected: Told) -> None:
    assert told(given) == expected


# -- a start that fails ----------------------------------------------------------------------------------------


def unstartable(failures: int, **changes: object) -> Incarnation:
    """So many starts in a row failed, the last one just now."""
    life = created(started_at=None, settled_at=NOW, failures=failures, **changes)
    return life.with_condition(
        "Started",
        ConditionStatus.FALSE,
        reason="StartFailed",
        message="container 30101 cannot be started: why",
        now=NOW,
    )


FAILED_THRICE = view(unstartable(3), live=live())
DUE = replace(FAILED_THRICE, now=NOW + 8)


@decisions(
    row("it is looked at whatever there is", view(unstartable(3)), Look(), STARTING, "Starting", CAP),
    row("but not started until its time has come", FAILED_THRICE, Rest(), STARTING, "StartFailed", NOW + 8),
    row(
        "nor where it was seen to be stopped",
        replace(FAILED_THRICE, live=live(running=False)),
        Rest(),
        STARTING,
        "StartFailed",
        NOW + 8,
    ),
    row("then it is", DUE, Start(), STARTING, "Starting", CAP),
    row("at once when the clock was set back", replace(FAILED_THRICE, now=NOW - 1), Start(), STARTING, "Starting", CAP),
    row(
        "its settings are put right meanwhile",
        replace(FAILED_THRICE, live=live(cores=7)),
        Configure({"cores": 2}, "cores=2"),
        STARTING,
        "Configuring",
        CAP,
    ),
    row(
        "why it failed is told while it is tried again",
        view(unstartable(3, task=task("vzstart"))),
        Rest(),
        STARTING,
        "StartFailed",
        CAP,
    ),
    row(
        "another operation that failed holds no start",
        view(created(started_at=None, settled_at=NOW, failures=3), live=live()),
        Start(),
        STARTING,
        "Starting",
        CAP,
    ),
    row(
        "a container that was made since is started at once",
        view(unstartable(0), live=live()),
        Start(),
        STARTING,
        "Starting",
        CAP,
    ),
)
def test_a_container_that_cannot_be_started(given: View, expected: Told) -> None:
    assert told(given) == expected


@pytest.mark.parametrize(("failures", "tried"), [(1, "once"), (2, "2 times"), (1000, "1000 times")])
def test_a_start_that_fails_is_told_in_one_sentence_with_the_reason_that_proxmox_gave(
    failures: int, tried: str
) -> None:
    said = f"container 30101 cannot be started: why (tried {tried}, and again within a minute)"
    assert decide(view(unstartable(failures), live=live())).message == said


@pytest.mark.parametrize("failures", [1, 3, 1000])
def test_a_start_that_fails_for_ever_gives_up_no_container_before_its_time_is_up(failures: int) -> None:
    for now in (NOW, NOW + 299, NOW + 301, CAP - 1):
        for seen in (None, live(), live(running=False)):
            assert isinstance(decide(view(unstartable(failures), live=seen, now=now)).step, Look | Rest | Start)
    assert isinstance(decide(view(unstartable(failures), now=CAP)).step, End)


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_as_many_containers_are_tried_as_the_site_allows(attempts: int) -> None:
    for given_up in range(attempts):
        step = decide(view(created(started_at=NOW - 300, attempts=given_up), attempts=attempts)).step
        assert isinstance(step, End if given_up == attempts - 1 else GiveUpContainer)


@pytest.mark.parametrize("brakes", [UNSYNCED, CLOCK], ids=["a source was never seen whole", "the clock jumped"])
@pytest.mark.parametrize("attempts", [0, 2], ids=["a container", "a life"])
def test_nothing_is_given_up_for_its_time_while_time_or_the_picture_cannot_be_trusted(
    brakes: Brakes, attempts: int
) -> None:
    given = view(created(started_at=NOW - 300, attempts=attempts), brakes=brakes)
    assert told(given) == (Probe(), STARTING, "Probing", CAP)


def test_the_mass_delete_brake_gives_up_what_is_never_ready() -> None:
    assert isinstance(decide(replace(LATE, brakes=MASS)).step, GiveUpContainer)


# -- clones ----------------------------------------------------------------------------------------------------

CLONED = view(created(spec=spec(source=CLONE), configured=False, started_at=None, applied=None))


@decisions(
    row("it is read first", CLONED, Look(), STARTING, "Configuring", CAP),
    row(
        "it gets its own settings even if they are the same",
        replace(CLONED, live=live()),
        Configure({}, ""),
        STARTING,
        "Configuring",
        CAP,
    ),
    row(
        "and what differs",
        replace(CLONED, live=live(cores=1, memory_mib=512, protection=False)),
        Configure({"cores": 2, "memory": 1024, "protection": 1}, "cores=2, memory=1024, protection=1"),
        STARTING,
        "Configuring",
        CAP,
    ),
    row("not while it is locked", replace(CLONED, live=live(lock="create")), Rest(), STARTING, "Locked", SOON),
)
def test_a_clone_gets_its_own_settings_before_it_is_started(given: View, expected: Told) -> None:
    assert told(given) == expected


def test_a_clone_goes_from_settings_to_disk_to_start() -> None:
    life = replace(CLONED.incarnation or created(), configured=True)
    small = live(disk_gib=4)
    assert decide(view(life)).step == Look()
    assert decide(view(life, live=small)).step == Grow(10)
    assert decide(view(life, live=live())).step == Start()

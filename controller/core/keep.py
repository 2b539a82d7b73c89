"""What a life that has a container needs next: is it there, where, running, as the spec says, and ready?

Part of the fourth rung of ``controller.core.decide``; pure as it.
"""

from __future__ import annotations

from dataclasses import replace

from controller.core.incarnation import EndReason, Incarnation, Stage
from controller.core.lifecycle import (
    STRAGGLING,
    readiness_deadline,
    retry_at,
    since_settled,
    statistics_count,
    straggles_until,
)
from controller.core.model import Phase, RestartPolicy
from controller.core.ongoing import LOOK_AGAIN, ongoing
from controller.core.steps import (
    Configure,
    Conformed,
    Decision,
    End,
    FinishTask,
    Follow,
    GiveUpContainer,
    Grow,
    Look,
    Probe,
    RecordGone,
    Rest,
    SetFirewall,
    Start,
)
from controller.core.view import Listed, Live, Presence, TaskState, View

EXISTENCE_LAG = 1.0
"""Seconds after an operation ended until its container must be listed: existence is live, the answer is on its way."""


def keep(view: View, life: Incarnation) -> Decision:
    """The container was made: is it there, where, running, as the spec says, and ready?"""
    if life.task is not None:
        return _finish_task(view, life)
    if view.live is not None:
        return _by_live(view, life, view.live)
    assert life.placement is not None  # noqa: S101 - the stage says so
    if view.listed is not None and view.listed.node != life.placement.node:
        node = view.listed.node
        return ongoing(view, life, Follow(node), "Migrated", f"it moved to {node}: followed")
    if life.stage is Stage.CREATED:
        return _towards_ready(view, life)
    return _by_list(view, life)


def _finish_task(view: View, life: Incarnation) -> Decision:
    assert life.task is not None  # noqa: S101 - the caller looked
    if view.task is None or view.task.state is TaskState.RUNNING:
        if life.task.kind == "vzstart" and life.start_failure is not None:
            return _start_fails(view, life, life.start_failure)
        return ongoing(view, life, Rest(), "Working", f"a {life.task.kind} task runs")
    if view.task.state is TaskState.FAILED:
        error = view.task.exit_status or "unknown"
        return ongoing(view, life, FinishTask(error), "TaskFailed", f"{life.task.kind} failed: {error}")
    return ongoing(view, life, FinishTask(), "TaskDone", f"{life.task.kind} ended")


def _towards_ready(view: View, life: Incarnation) -> Decision:
    """A container that was not ready yet. The bulk observation is too late for it: ask the container itself."""
    assert life.placement is not None  # noqa: S101 - the stage says so
    if not life.configured:
        return ongoing(view, life, Look(), "Configuring", "the clone gets its own settings")
    if life.unfiltered:
        return ongoing(view, life, Look(), "Filtering", "the container is looked at before its firewall is set")
    if life.started_at is None:
        return ongoing(view, life, Look(), "Starting", "the container is looked at before it is started")
    limit = readiness_deadline(life)
    if limit is not None and view.now >= limit and not view.brakes.against_expiry():
        why = f" ({view.unready})" if view.unready else ""
        message = f"container {life.placement.vmid} was not ready within {life.spec.readiness.timeout:.0f} s{why}"
        if life.attempts + 1 >= view.attempts:
            return ongoing(
                view,
                life,
                End(EndReason.NEVER_READY, f"{message}, the {life.attempts + 1}. in a row"),
                "Failed",
                message,
            )
        return ongoing(view, life, GiveUpContainer(message), "NeverReady", message)
    if _row_vanished(view, life):
        return ongoing(view, life, Look(), "Unseen", "the container is not listed any more: it is looked at")
    stopped = view.listed is not None and view.listed.status == "stopped"
    if stopped and view.observed_at is not None and statistics_count(life, view.observed_at, now=view.now):
        return ongoing(view, life, Look(status_too=True), "Stopped", "it does not seem to run: it is looked at")
    return _probe(view, life)


def _row_vanished(view: View, life: Incarnation) -> bool:
    """Not listed by an observation that was asked for well after the last operation ended."""
    if view.listed is not None or view.observed_at is None or view.brakes.blind:
        return False
    return since_settled(life, view.observed_at, now=view.now) > EXISTENCE_LAG


def _by_list(view: View, life: Incarnation) -> Decision:
    """A session that was ready: does the bulk observation show anything that calls for a closer look?"""
    listed = view.listed
    if _row_vanished(view, life):
        return ongoing(view, life, Look(), "Unseen", "the container is not listed any more: it is looked at")
    if listed is None or view.observed_at is None:
        # A container that was just made may have been taken away again: somebody has to come back to it.
        too_early = view.observed_at is not None and not view.brakes.blind
        return _steady(view, life, again_at=view.now + LOOK_AGAIN if too_early else None)
    doubt = _doubt(view, life, listed)
    if doubt is not None and statistics_count(life, view.observed_at, now=view.now):
        return doubt
    if life.spec.resources != life.applied:
        return ongoing(view, life, Look(), "Resizing", "its resources change with its spec")
    # A row that is in doubt too early may not change again.
    return _steady(view, life, again_at=view.now + LOOK_AGAIN if doubt is not None else None)


def _doubt(view: View, life: Incarnation, listed: Listed) -> Decision | None:
    """What a row shows that calls for a look at the container itself, once its statistics can be believed."""
    if listed.lock is not None:
        return None
    if listed.status == "stopped":
        return ongoing(view, life, Look(status_too=True), "Stopped", "it does not seem to run: it is looked at")
    wanted, hostname = life.spec.resources, life.session.partition(".")[0]
    if listed.status == "running" and listed.name not in (None, hostname):
        return ongoing(view, life, Look(), "Renamed", f"it is called {listed.name} now: it is looked at")
    differs = (listed.cores not in (None, wanted.cores)) or (listed.memory_mib not in (None, wanted.memory_mib))
    if listed.status == "running" and differs:
        return ongoing(view, life, Look(), "Drifted", "its resources are not those of its spec: it is looked at")
    return None


def _steady(view: View, life: Incarnation, *, again_at: float | None = None) -> Decision:
    if view.desired is None and view.missing is not None:
        return ongoing(
            view,
            life,
            Rest(),
            "ManifestMissing",
            "its manifest is missing: it ends if it stays so for the grace period",
            again_at=again_at,
        )
    if view.desired is None:
        return ongoing(
            view,
            life,
            Rest(),
            "ManifestUnknown",
            "its manifest cannot be seen now: it is kept as it was last asked for",
            again_at=again_at,
        )
    said = f"the desktop is ready at {life.address or 'an unknown address'}"
    return ongoing(view, life, Rest(), "Ready", said, again_at=again_at)


def _by_live(view: View, life: Incarnation, live: Live) -> Decision:
    """The container was just read."""
    assert life.placement is not None  # noqa: S101 - the stage says so
    vmid = life.placement.vmid
    match live.presence:
        case Presence.ABSENT if (until := straggles_until(life, now=view.now)) is not None:
            return ongoing(view, life, Rest(), "Lost", STRAGGLING.format(vmid=vmid), again_at=until)
        case Presence.ABSENT:
            return ongoing(
                view,
                life,
                RecordGone(f"container {vmid} was destroyed by somebody else"),
                "Lost",
                f"container {vmid} was destroyed by somebody else: another is made for the time that is left",
            )
        case Presence.FOREIGN:
            return ongoing(
                view,
                life,
                RecordGone(f"VMID {vmid} is somebody else's now"),
                "Lost",
                f"VMID {vmid} is somebody else's now and left alone: another container is made",
            )
        case Presence.HIDDEN | Presence.STUB:
            unreadable = ongoing(
                view,
                life,
                Rest(),
                "Hidden",
                f"container {vmid} can no longer be read (left the pool, or the token lost rights): run `winux check`",
                again_at=view.now + LOOK_AGAIN,
            )
            return replace(unreadable, phase=Phase.HELD)
        case Presence.OURS:
            return _conform(view, life, live)


def _conform(view: View, life: Incarnation, live: Live) -> Decision:
    """Ours and readable: put the configuration and the power state right."""
    assert life.placement is not None  # noqa: S101 - the stage says so
    if live.lock is not None:
        return ongoing(
            view,
            life,
            Rest(),
            "Locked",
            f"container {life.placement.vmid} is locked ({live.lock}): it is left alone meanwhile",
            again_at=view.now + LOOK_AGAIN,
        )
    if (changed := _reconfigured(view, life, live)) is not None:
        return changed
    if live.running is False:
        if life.spec.restart_policy is RestartPolicy.NEVER and life.stage is Stage.READY:
            stopped = ongoing(
                view,
                life,
                Rest(),
                "Stopped",
                "it was stopped, and spec.restartPolicy Never leaves it so",
                again_at=view.now + 30.0,
            )
            return replace(stopped, phase=Phase.HELD)
        return _start(view, life, "Restarting", "it was stopped: it is started again")
    if life.stage is Stage.CREATED and life.started_at is None:
        return _start(view, life, "Starting", "the container is being started")
    if life.applied != life.spec.resources:
        return ongoing(view, life, Conformed(), "Conforms", "its resources are those of its spec")
    if life.stage is Stage.CREATED:
        return _probe(view, life)
    # The row is about an earlier moment. Were it to stop before the next one, the list would look the same for ever.
    contradicted = live.running is True and view.listed is not None and view.listed.status == "stopped"
    return _steady(view, life, again_at=view.now + LOOK_AGAIN if contradicted else None)


def _reconfigured(view: View, life: Incarnation, live: Live) -> Decision | None:
    """What of its configuration is to be changed next; None: it is as it should be."""
    wanted = life.spec.resources
    changes: dict[str, str | int] = {}
    if live.cores != wanted.cores:
        changes["cores"] = wanted.cores
    if live.memory_mib != wanted.memory_mib:
        changes["memory"] = wanted.memory_mib
    if not live.protection:
        changes["protection"] = 1
    if changes or not life.configured:
        said = ", ".join(f"{key}={value}" for key, value in changes.items())
        return ongoing(view, life, Configure(changes, said), "Configuring", f"set on the container: {said}")
    if life.unfiltered:
        return ongoing(view, life, SetFirewall(), "Filtering", "its firewall is set, as its template asks for")
    if live.disk_gib is not None and live.disk_gib < wanted.disk_gib:
        return ongoing(view, life, Grow(wanted.disk_gib), "Growing", f"the disk grows to {wanted.disk_gib} GiB")
    return None


def _start(view: View, life: Incarnation, reason: str, message: str) -> Decision:
    """Start it; one that could not be started waits, whatever else there is to look at it for."""
    due = retry_at(life, now=view.now)
    if life.start_failure is not None and due is not None:
        return _start_fails(view, life, life.start_failure, again_at=due)
    return ongoing(view, life, Start(), reason, message)


def _start_fails(view: View, life: Incarnation, failure: str, *, again_at: float | None = None) -> Decision:
    """It is tried until its time is up: another container would hardly start better, and would have lost its data."""
    tried = "once" if life.failures == 1 else f"{life.failures} times"
    message = f"{failure} (tried {tried}, and again within a minute)"
    return ongoing(view, life, Rest(), "StartFailed", message, again_at=again_at)


def _probe(view: View, life: Incarnation) -> Decision:
    limit = readiness_deadline(life)
    return ongoing(view, life, Probe(), "Probing", "the desktop is starting: its RDP server is asked", again_at=limit)

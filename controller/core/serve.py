"""What a life that goes on needs next: a container, a start, readiness, and a configuration that follows the spec.

The fourth rung of ``controller.core.decide``; pure as it.
"""

from __future__ import annotations

from dataclasses import replace

from controller.core.edits import followed
from controller.core.errands import attended
from controller.core.incarnation import EndReason, Incarnation, Stage
from controller.core.lifecycle import deadline, readiness_deadline, retry_at, since_settled, statistics_count
from controller.core.model import Phase, RestartPolicy
from controller.core.steps import (
    Configure,
    Conformed,
    Create,
    Decision,
    Displaced,
    End,
    FinishTask,
    Follow,
    GiveUpContainer,
    Grow,
    Look,
    Place,
    Probe,
    RecordCreated,
    RecordGone,
    Resolve,
    Rest,
    Revise,
    SetFirewall,
    Start,
    Step,
)
from controller.core.view import Listed, Live, Presence, TaskState, View

LOOK_AGAIN = 5.0
EXISTENCE_LAG = 1.0
"""Seconds after an operation ended until its container must be listed: existence is live, the answer is on its way."""


def serve(view: View, life: Incarnation) -> Decision:
    """The next step of a life that is neither over nor due."""
    if held := _held(view, life):
        # What became of an operation that was in flight is found out all the same: its place is wanted by others.
        unfinished = (life.stage is Stage.CREATING or life.task is not None) and not view.brakes.paused
        decision = _by_stage(view, life) if unfinished else held
        return decision if isinstance(decision.step, FinishTask | RecordCreated | Resolve | Displaced) else held
    return revised(view, life) or attended(view, life, _by_stage(view, life))


def _by_stage(view: View, life: Incarnation) -> Decision:
    match life.stage:
        case Stage.ACCEPTED:
            return _place(view, life)
        case Stage.CREATING:
            return _creating(view, life)
        case _:
            return _keep(view, life)


def _decision(
    view: View, life: Incarnation, step: Step, reason: str, message: str, *, again_at: float | None = None
) -> Decision:
    """A decision whose phase follows from the stage; it is always looked at again when the life is due."""
    phase = {Stage.ACCEPTED: Phase.PENDING, Stage.CREATING: Phase.CREATING, Stage.CREATED: Phase.STARTING}.get(
        life.stage, Phase.READY
    )
    grace_ends = view.missing.confirmed_at(view.grace) if view.missing is not None else None
    times = [time for time in (again_at, deadline(life), grace_ends) if time is not None and time > view.now]
    return Decision(step=step, phase=phase, reason=reason, message=message, again_at=min(times, default=None))


def _held(view: View, life: Incarnation) -> Decision | None:
    spec_paused = view.desired is not None and view.desired.spec.paused
    if view.brakes.paused:
        reason, message = "Paused", view.brakes.paused
    elif life.paused:
        reason, message = "Paused", f"an administrator paused it: `winux resume {life.session}` goes on"
    elif spec_paused:
        reason, message = "PausedByManifest", "spec.paused is true: it is left as it is until its time is up"
    else:
        return None
    return replace(_decision(view, life, Rest(), reason, message), phase=Phase.HELD)


# -- an edited manifest ----------------------------------------------------------------------------------------


def revised(view: View, life: Incarnation) -> Decision | None:
    """Take an edited spec over, if there is one."""
    desired = view.desired
    if desired is None:
        return None
    # Without a container an edited template applies too: it may be what makes the next attempt succeed.
    fresh = life.stage is Stage.ACCEPTED and desired.spec != life.spec
    if desired.generation == life.generation and not fresh:
        return None
    spec, refused = followed(life, desired, now=view.now)
    message = f"the edited spec of {desired.origin} applies"
    if refused:
        message = (
            f"{', '.join(refused)} cannot change while it lives: the rest of {desired.origin} applies; "
            f"a new spec.revision asks for a new life"
        )
    return _decision(
        view, life, Revise(spec, desired.generation, refused), "NeedsNewLife" if refused else "Revised", message
    )


# -- towards a container ---------------------------------------------------------------------------------------


def _place(view: View, life: Incarnation) -> Decision:
    start_at = life.spec.start_at
    decision = _make(view, life, Place(), "Placing", "a container is about to be made")
    if isinstance(decision.step, Rest) or life.ready_at is not None or start_at is None or view.now >= start_at:
        return decision
    # Moved since it was accepted. One that was ready has begun, and its time runs.
    return _decision(view, life, Rest(), "Scheduled", "waits for spec.startAt", again_at=start_at)


def _make(view: View, life: Incarnation, step: Place | Create, reason: str, message: str) -> Decision:
    """Ask for a container, where nothing holds that."""
    if brake := view.brakes.against_creation():
        return replace(_decision(view, life, Rest(), brake[0], brake[1]), phase=Phase.HELD)
    if view.desired is None:
        return _decision(view, life, Rest(), "ManifestMissing", "its manifest is missing: no container is made now")
    return _decision(view, life, step, reason, message)


def _creating(view: View, life: Incarnation) -> Decision:
    placement = life.placement
    assert placement is not None  # noqa: S101 - the stage says so
    where = f"container {placement.vmid} on {placement.node}"
    if placement.refused:
        return _decision(view, life, Displaced(), "VmidTaken", f"VMID {placement.vmid} is taken: another is chosen")
    if life.task is not None and (view.task is None or view.task.state is TaskState.RUNNING):
        return _decision(view, life, Rest(), "Creating", f"{where} is being made")
    if life.task is not None and view.task is not None and view.task.state is TaskState.OK:
        return _decision(view, life, RecordCreated(), "Created", f"{where} was made")
    if view.live is None:
        return _decision(view, life, Resolve(), "Resolving", f"finding out what became of {where}")
    match view.live.presence:
        case Presence.OURS if view.live.lock is None:
            return _decision(view, life, RecordCreated(), "Created", f"{where} was made")
        case Presence.ABSENT if life.task is not None:
            error = view.task.exit_status if view.task is not None else ""
            return _decision(view, life, FinishTask(error or "it vanished"), "CreateFailed", f"making {where} failed")
        case Presence.ABSENT:
            return _make(view, life, Create(), "CreatingAgain", f"{where} was never made: asked for again")
        case Presence.FOREIGN:
            return _decision(view, life, Displaced(), "VmidTaken", f"VMID {placement.vmid} is somebody else's")
        case _:
            unclear = _decision(
                view,
                life,
                Rest(),
                "CreateUnclear",
                f"VMID {placement.vmid} on {placement.node} is taken by a create that is not over, or was "
                f"killed; if it stays so, an administrator runs `pct unlock {placement.vmid}` and removes it",
                again_at=view.now + LOOK_AGAIN,
            )
            return replace(unclear, phase=Phase.HELD)


# -- with a container ------------------------------------------------------------------------------------------


def _keep(view: View, life: Incarnation) -> Decision:
    """The container was made: is it there, where, running, as the spec says, and ready?"""
    if life.task is not None:
        return _finish_task(view, life)
    if view.live is not None:
        return _by_live(view, life, view.live)
    assert life.placement is not None  # noqa: S101 - the stage says so
    if view.listed is not None and view.listed.node != life.placement.node:
        node = view.listed.node
        return _decision(view, life, Follow(node), "Migrated", f"it moved to {node}: followed")
    if life.stage is Stage.CREATED:
        return _towards_ready(view, life)
    return _by_list(view, life)


def _finish_task(view: View, life: Incarnation) -> Decision:
    assert life.task is not None  # noqa: S101 - the caller looked
    if view.task is None or view.task.state is TaskState.RUNNING:
        if life.task.kind == "vzstart" and life.start_failure is not None:
            return _start_fails(view, life, life.start_failure)
        return _decision(view, life, Rest(), "Working", f"a {life.task.kind} task runs")
    if view.task.state is TaskState.FAILED:
        error = view.task.exit_status or "unknown"
        return _decision(view, life, FinishTask(error), "TaskFailed", f"{life.task.kind} failed: {error}")
    return _decision(view, life, FinishTask(), "TaskDone", f"{life.task.kind} ended")


def _towards_ready(view: View, life: Incarnation) -> Decision:
    """A container that was not ready yet. The bulk observation is too late for it: ask the container itself."""
    assert life.placement is not None  # noqa: S101 - the stage says so
    if not life.configured:
        return _decision(view, life, Look(), "Configuring", "the clone gets its own settings")
    if life.unfiltered:
        return _decision(view, life, Look(), "Filtering", "the container is looked at before its firewall is set")
    if life.started_at is None:
        return _decision(view, life, Look(), "Starting", "the container is looked at before it is started")
    limit = readiness_deadline(life)
    if limit is not None and view.now >= limit and not view.brakes.against_expiry():
        why = f" ({view.unready})" if view.unready else ""
        message = f"container {life.placement.vmid} was not ready within {life.spec.readiness.timeout:.0f} s{why}"
        if life.attempts + 1 >= view.attempts:
            return _decision(
                view,
                life,
                End(EndReason.NEVER_READY, f"{message}, the {life.attempts + 1}. in a row"),
                "Failed",
                message,
            )
        return _decision(view, life, GiveUpContainer(message), "NeverReady", message)
    if _row_vanished(view, life):
        return _decision(view, life, Look(), "Unseen", "the container is not listed any more: it is looked at")
    stopped = view.listed is not None and view.listed.status == "stopped"
    if stopped and view.observed_at is not None and statistics_count(life, view.observed_at, now=view.now):
        return _decision(view, life, Look(status_too=True), "Stopped", "it does not seem to run: it is looked at")
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
        return _decision(view, life, Look(), "Unseen", "the container is not listed any more: it is looked at")
    if listed is None or view.observed_at is None:
        # A container that was just made may have been taken away again: somebody has to come back to it.
        too_early = view.observed_at is not None and not view.brakes.blind
        return _steady(view, life, again_at=view.now + LOOK_AGAIN if too_early else None)
    doubt = _doubt(view, life, listed)
    if doubt is not None and statistics_count(life, view.observed_at, now=view.now):
        return doubt
    if life.spec.resources != life.applied:
        return _decision(view, life, Look(), "Resizing", "its resources change with its spec")
    # A row that is in doubt too early may not change again.
    return _steady(view, life, again_at=view.now + LOOK_AGAIN if doubt is not None else None)


def _doubt(view: View, life: Incarnation, listed: Listed) -> Decision | None:
    """What a row shows that calls for a look at the container itself, once its statistics can be believed."""
    if listed.lock is not None:
        return None
    if listed.status == "stopped":
        return _decision(view, life, Look(status_too=True), "Stopped", "it does not seem to run: it is looked at")
    wanted, hostname = life.spec.resources, life.session.partition(".")[0]
    if listed.status == "running" and listed.name not in (None, hostname):
        return _decision(view, life, Look(), "Renamed", f"it is called {listed.name} now: it is looked at")
    differs = (listed.cores not in (None, wanted.cores)) or (listed.memory_mib not in (None, wanted.memory_mib))
    if listed.status == "running" and differs:
        return _decision(view, life, Look(), "Drifted", "its resources are not those of its spec: it is looked at")
    return None


def _steady(view: View, life: Incarnation, *, again_at: float | None = None) -> Decision:
    if view.desired is None and view.missing is not None:
        return _decision(
            view,
            life,
            Rest(),
            "ManifestMissing",
            "its manifest is missing: it ends if it stays so for the grace period",
            again_at=again_at,
        )
    if view.desired is None:
        return _decision(
            view,
            life,
            Rest(),
            "ManifestUnknown",
            "its manifest cannot be seen now: it is kept as it was last asked for",
            again_at=again_at,
        )
    said = f"the desktop is ready at {life.address or 'an unknown address'}"
    return _decision(view, life, Rest(), "Ready", said, again_at=again_at)


def _by_live(view: View, life: Incarnation, live: Live) -> Decision:
    """The container was just read."""
    assert life.placement is not None  # noqa: S101 - the stage says so
    vmid = life.placement.vmid
    match live.presence:
        case Presence.ABSENT:
            return _decision(
                view,
                life,
                RecordGone(f"container {vmid} was destroyed by somebody else"),
                "Lost",
                f"container {vmid} was destroyed by somebody else: another is made for the time that is left",
            )
        case Presence.FOREIGN:
            return _decision(
                view,
                life,
                RecordGone(f"VMID {vmid} is somebody else's now"),
                "Lost",
                f"VMID {vmid} is somebody else's now and left alone: another container is made",
            )
        case Presence.HIDDEN | Presence.STUB:
            unreadable = _decision(
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
        return _decision(
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
            stopped = _decision(
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
        return _decision(view, life, Conformed(), "Conforms", "its resources are those of its spec")
    if life.stage is Stage.CREATED:
        return _probe(view, life)
    return _steady(view, life)


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
        return _decision(view, life, Configure(changes, said), "Configuring", f"set on the container: {said}")
    if life.unfiltered:
        return _decision(view, life, SetFirewall(), "Filtering", "its firewall is set, as its template asks for")
    if live.disk_gib is not None and live.disk_gib < wanted.disk_gib:
        return _decision(view, life, Grow(wanted.disk_gib), "Growing", f"the disk grows to {wanted.disk_gib} GiB")
    return None


def _start(view: View, life: Incarnation, reason: str, message: str) -> Decision:
    """Start it; one that could not be started waits, whatever else there is to look at it for."""
    due = retry_at(life, now=view.now)
    if life.start_failure is not None and due is not None:
        return _start_fails(view, life, life.start_failure, again_at=due)
    return _decision(view, life, Start(), reason, message)


def _start_fails(view: View, life: Incarnation, failure: str, *, again_at: float | None = None) -> Decision:
    """It is tried until its time is up: another container would hardly start better, and would have lost its data."""
    tried = "once" if life.failures == 1 else f"{life.failures} times"
    message = f"{failure} (tried {tried}, and again within a minute)"
    return _decision(view, life, Rest(), "StartFailed", message, again_at=again_at)


def _probe(view: View, life: Incarnation) -> Decision:
    limit = readiness_deadline(life)
    return _decision(view, life, Probe(), "Probing", "the desktop is starting: its RDP server is asked", again_at=limit)

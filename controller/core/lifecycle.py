"""How long a life lasts. Pure: every time is an argument."""

from __future__ import annotations

from dataclasses import replace

from controller.core.incarnation import Incarnation
from controller.core.model import SessionSpec, Timestamp

STATISTICS_LAG = 15.0
"""Seconds for which ``/cluster/resources`` may still show the state before an operation (10 s cycle, two caches)."""

STRAGGLES = 60.0
"""Seconds after its answer was lost for which a call may still be carried out. A worker of Proxmox's waits 10 s for a
lock and calls are cut off after 30 s (measured on PVE 9.2); twice that is for workers that hang."""
STRAGGLING = "container {vmid} is gone, and a lost call may still make it anew: its VMID is watched for a minute"


def cap(incarnation: Incarnation) -> Timestamp:
    """The latest end that extensions and edits can reach: the template's maximum, counted from acceptance.

    A ``startAt`` that was moved later since counts instead: whoever waits for it uses up nothing.
    """
    return max(incarnation.accepted_at, incarnation.spec.start_at or 0.0) + incarnation.spec.max_ttl


def deadline(incarnation: Incarnation) -> Timestamp:
    """When this life ends. Before it is ready only a fixed ``expiresAt`` and the cap count."""
    return min(_planned_end(incarnation.spec, incarnation.ready_at, incarnation.extension), cap(incarnation))


def _planned_end(spec: SessionSpec, ready_at: Timestamp | None, extension: float) -> Timestamp:
    if spec.expires_at is not None:
        return spec.expires_at + extension
    if ready_at is None:
        return float("inf")
    return ready_at + spec.ttl + extension


def extended(incarnation: Incarnation, seconds: float) -> float:
    """The new ``extension`` after granting ``seconds`` more.

    Raises:
        ValueError: a sentence, when the end would pass the template's maximum.
    """
    room = cap(incarnation) - deadline(incarnation)
    if seconds > room + 1e-6:
        raise ValueError(
            f"session {incarnation.session} can be extended by {max(0, int(room))} s at most: its template "
            f"{incarnation.spec.template} allows {int(incarnation.spec.max_ttl)} s in all"
        )
    return incarnation.extension + seconds


def readiness_deadline(incarnation: Incarnation) -> Timestamp | None:
    """When a container that is still not ready is given up; None before it was started."""
    if incarnation.started_at is None:
        return None
    return incarnation.started_at + incarnation.spec.readiness.timeout


def backoff(incarnation: Incarnation) -> float:
    """Seconds to wait after an operation failed: 2, 4, 8 … up to a minute."""
    return float(min(60.0, 2.0 * 2 ** min(incarnation.failures, 6)))


def retry_at(incarnation: Incarnation, *, now: Timestamp) -> Timestamp | None:
    """When an operation that failed is due again; None where none failed, or that time has come."""
    settled_at = incarnation.settled_at
    if not incarnation.failures or settled_at is None or settled_at > now:  # the clock was set back since
        return None
    due = settled_at + backoff(replace(incarnation, failures=incarnation.failures - 1))
    return due if now < due else None


def straggles_until(incarnation: Incarnation, *, now: Timestamp) -> Timestamp | None:
    """Until when a lost call may still make a container under the VMID, though there is none now; None: it cannot."""
    placement = incarnation.placement
    if placement is None or placement.refused or placement.unclear_at is None:
        return None
    until = placement.unclear_at + STRAGGLES
    return until if placement.unclear_at <= now < until else None  # else it is over, or the clock was set back


def since_settled(incarnation: Incarnation, observed_at: Timestamp, *, now: Timestamp) -> float:
    """Seconds from the end of our last operation on the container to an observation; infinite if there was none."""
    settled_at = incarnation.settled_at
    if settled_at is None or settled_at > now:  # the clock was set back since: every observation of today is later
        return float("inf")
    return observed_at - settled_at


def statistics_count(incarnation: Incarnation, observed_at: Timestamp, *, now: Timestamp) -> bool:
    """Whether an observation is late enough after our last operation for its statistics to be about it."""
    return since_settled(incarnation, observed_at, now=now) >= STATISTICS_LAG

"""What the admin API says about how the controller itself is doing, as pydantic models. How they are filled is in
``vitals``.
"""

from __future__ import annotations

from controller.admin.models import Time, View


class QueueVitals(View):
    """Sessions that are to be looked at."""

    depth: int
    """Due and not taken."""
    delayed: int
    """They wait for a moment."""
    processing: int
    retries: int
    """Since the start."""
    longest_seconds: float
    """Since the oldest that is worked on was taken; 0 without one."""


class CallVitals(View):
    """Calls to Proxmox."""

    window_seconds: float
    """How far the numbers look back: a minute, less soon after the start."""
    ended: int
    errors: int
    median_seconds: float | None
    slow_seconds: float | None
    """95 of 100 took no longer."""
    last_error: str | None
    """As ``create: Timeout``."""
    in_flight: int
    waiting: int
    """For a place among those in flight."""


class NodeVitals(View):
    name: str
    online: bool | None
    """None while it is not known."""
    calls: int
    """In flight."""
    operations: int
    """Creates, starts and destroys in progress."""
    operations_limit: int
    """How many there may be now: lock waits lower it for a while."""


class VmidVitals(View):
    """The controller's range of VMIDs, both ends included."""

    first: int
    last: int
    used: int
    """By sessions."""
    resting: int
    """Freed a while ago, not handed out again yet."""
    foreign: int
    """Taken by others."""

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    @property
    def taken(self) -> int:
        return self.used + self.resting + self.foreign


class SinkVitals(View):
    """Where events are sent on to."""

    name: str
    waiting: int
    oldest_seconds: float


class Vitals(View):
    """One moment. Ages are seconds, None for what never happened."""

    now: Time
    url: str | None
    """Of Proxmox."""
    observed_seconds: float | None
    """Since all containers were last seen."""
    scanned_seconds: float | None
    """Since all manifests were last read."""
    queue: QueueVitals
    calls: CallVitals
    nodes: tuple[NodeVitals, ...]
    vmids: VmidVitals
    ready_median_seconds: float | None
    """From acceptance to Ready, of the last sessions that came to be."""
    ready_counted: int
    """How many those are."""
    sinks: tuple[SinkVitals, ...] = ()
    token_expires_at: Time | None = None
    certificate_expires_at: Time | None = None

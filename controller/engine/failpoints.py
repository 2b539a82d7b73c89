"""Places where a test stops the real process, exactly between two steps, as a power cut would.

``WINUX_FAILPOINT=create.called`` kills the process with SIGKILL at that point, ``create.called:3`` when it is reached
for the third time. Without the variable a point costs one comparison.
"""

from __future__ import annotations

import os
import signal
import threading
from enum import StrEnum

VARIABLE = "WINUX_FAILPOINT"


class Failpoint(StrEnum):
    """Every point there is, in the order of a session's life."""

    ACCEPT_RECORDED = "accept.recorded"
    """The life is in the ledger; nothing was asked of Proxmox."""
    CREATE_INTENT_RECORDED = "create.intent-recorded"
    """Node and VMID are in the ledger; create or clone was not called."""
    CREATE_CALLED = "create.called"
    """The call was answered; its UPID is not recorded."""
    CREATE_TASK_RECORDED = "create.task-recorded"
    """The UPID is recorded; the task runs."""
    CREATE_TASK_DONE = "create.task-done"
    """The task was seen to end; its outcome is not recorded."""
    FIREWALL_ON = "firewall.on"
    """The options of the container's firewall are set; its rules are not."""
    FIREWALL_RULE_ADDED = "firewall.rule-added"
    """A rule was added, and others may be missing."""
    FIREWALL_SET = "firewall.set"
    """The firewall was read and is as it has to be; the ledger does not say so yet."""
    START_CALLED = "start.called"
    """The start was answered; its UPID is not recorded."""
    START_TASK_RECORDED = "start.task-recorded"
    """The start's UPID is recorded; the task runs."""
    READY_BEFORE_RECORD = "ready.before-record"
    """The desktop answered; the ledger does not say so yet."""
    READY_RECORDED = "ready.recorded"
    """The session is Ready in the ledger."""
    EXPIRY_DECIDED = "expiry.decided"
    """The life is to end; the ledger does not say so yet."""
    EXPIRY_RECORDED = "expiry.recorded"
    """The end is in the ledger; nothing was destroyed."""
    DESTROY_UNPROTECTED = "destroy.unprotected"
    """The protection is lifted; delete was not called."""
    DESTROY_CALLED = "destroy.called"
    """Delete was answered; its UPID is not recorded."""
    DESTROY_TASK_RECORDED = "destroy.task-recorded"
    """The delete's UPID is recorded; the task runs."""
    DESTROY_TASK_DONE = "destroy.task-done"
    """The task was seen to end; its outcome is not recorded."""
    DESTROY_BEFORE_TOMBSTONE = "destroy.before-tombstone"
    """The container was seen to be gone; the tombstone is not written."""


class _Trap:
    """The one armed point and how often it is still to be passed."""

    def __init__(self, point: Failpoint, hits: int) -> None:
        self._point = point
        self._left = hits
        self._lock = threading.Lock()

    def hit(self, point: Failpoint) -> None:
        if point is not self._point:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _arm(text: str | None) -> _Trap | None:
    if not text:
        return None
    name, _, hits = text.partition(":")
    if name not in set(Failpoint) or (hits and not (hits.isdecimal() and int(hits) > 0)):
        allowed = ", ".join(Failpoint)
        raise ValueError(f"{VARIABLE} is {text!r}; allowed is NAME or NAME:COUNT, where NAME is one of {allowed}")
    return _Trap(Failpoint(name), int(hits or 1))


_trap = _arm(os.environ.get(VARIABLE))


def hit(point: Failpoint) -> None:
    """Be killed here if the environment said so when the process began."""
    if _trap is not None:
        _trap.hit(point)

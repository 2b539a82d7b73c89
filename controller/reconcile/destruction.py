"""Destroying a container: the protection is lifted with the digest that was read, and only then is it deleted.

Every container of ours is made with ``protection: 1``. Whoever recreates or changes it between our read and our write
changes the digest; whoever recreates it between the two writes gets a protected or foreign one, which Proxmox refuses
to delete.
"""

from __future__ import annotations

from dataclasses import replace

from controller.core.incarnation import EndReason, Incarnation, Stage, Task
from controller.core.lifecycle import backoff, deadline
from controller.core.model import Timestamp
from controller.core.view import Live
from controller.engine.failpoints import Failpoint, hit
from controller.ledger.ledger import Note
from controller.proxmox.port import Conflict, NotFound, OutcomeUnknown, Protected, Transient
from controller.reconcile.tools import Next, Outcome, Tools, Waits, key_of

WITHOUT_TOMBSTONE = frozenset({EndReason.MANIFEST_REMOVED, EndReason.UNKNOWN_ORPHAN})
"""Their manifest was seen to be missing: one that comes back is a new wish."""
BEFORE_CREATION = 10
"""Priority of a destroy among the operations that wait for a slot."""


class Destruction:
    """The steps Destroy, RecordGone and Bury."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def destroy(self, life: Incarnation, live: Live) -> Outcome:
        """``live`` was read in this pass and found to be ours; its digest ties the acts to that reading."""
        tools, placement = self._tools, life.placement
        assert placement is not None  # noqa: S101 - it was just read
        if not tools.slots.try_acquire(live.node, key_of(life.session), priority=BEFORE_CREATION):
            return Waits("WaitingForSlot", "other operations run on the node: it waits for its turn")
        try:
            # Also where the protection is off already: the digest has to be the one that was read.
            tools.port.update(live.node, placement.vmid, {"protection": 0}, digest=live.digest)
            hit(Failpoint.DESTROY_UNPROTECTED)
            upid = tools.port.delete(live.node, placement.vmid)
        except (Conflict, Protected, NotFound) as error:
            return Waits("ChangedMeanwhile", f"{error}: it is looked at again", after=1.0)
        except (OutcomeUnknown, Transient) as error:
            note = Note("DestroyUnclear", str(error), warning=True)
            tools.ledger.change(life, lambda current: replace(current, failures=current.failures + 1), note)
            return Waits("DestroyUnclear", f"{error}: it is looked at again", after=backoff(life))
        hit(Failpoint.DESTROY_CALLED)
        task = Task(upid=upid, kind="vzdestroy", node=live.node, begun_at=tools.clock.now())
        tools.ledger.change(
            life,
            lambda current: replace(current, task=task),
            Note("Destroying", f"container {placement.vmid} on {live.node} is being destroyed"),
        )
        hit(Failpoint.DESTROY_TASK_RECORDED)
        tools.board.watch(upid, node=live.node, key=key_of(life.session))
        return Next()

    def record_gone(self, life: Incarnation, message: str) -> Outcome:
        """The container is gone but the life is not over: another one is made."""
        self._rest(life)
        given_up = life.discard is not None
        self._tools.ledger.change(
            life,
            lambda current: replace(
                current,
                stage=Stage.ACCEPTED,
                placement=None,
                task=None,
                started_at=None,
                address=None,
                fingerprint=None,
                filtered=False,
                applied=None,
                guest=current.guest.anew(),
                discard=None,
                last_failure=current.discard or current.last_failure,
                attempts=current.attempts + 1 if given_up else current.attempts,
            ).not_ready(reason="ContainerGone", message=message, now=self._tools.clock.now()),
            Note("ContainerGone", message, warning=True),
        )
        return Next()

    def bury(self, life: Incarnation) -> Outcome:
        """The container was seen to be gone: only now is the life over."""
        hit(Failpoint.DESTROY_BEFORE_TOMBSTONE)
        now, placement = self._tools.clock.now(), life.placement
        self._rest(life)
        where = f"container {placement.vmid} is gone" if placement is not None else "it had no container"
        credential, candidate = self._tools.ledger.credential(life.session), self._tools.ledger.candidate(life.session)
        tombstone = self._tools.ledger.bury(
            life,
            lambda current: replace(current, stage=Stage.ENDED, placement=None, task=None, ended_at=now, address=None),
            Note("Ended", f"{where}: {life.ending.message if life.ending is not None else 'it ended'}"),
        )
        for password in (credential.password if credential is not None else None, candidate):
            if password is not None:
                self._tools.retire_password(password)
        self._measure(life, now)
        if life.ending is not None and life.ending.reason in WITHOUT_TOMBSTONE:
            self._tools.ledger.forget(tombstone)
        return Next()

    def _measure(self, life: Incarnation, now: Timestamp) -> None:
        """Only once the tombstone is written: a pass that broke off before is made again."""
        if life.ending is None:
            return
        self._tools.measures.ended(life.ending.reason)
        if life.placement is not None and life.ending.reason is EndReason.EXPIRED:
            self._tools.measures.expiry_lag(max(0.0, now - deadline(life)))

    def _rest(self, life: Incarnation) -> None:
        if life.placement is not None and not life.placement.refused:
            self._tools.ledger.rest_vmid(life.placement.vmid, seconds=self._tools.policy.vmid_rest)

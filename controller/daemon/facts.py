"""What a scrape asks of a life and that changes only with it: worked out once for each version of a life. Pure."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass

from controller.core.incarnation import Incarnation, Stage
from controller.core.launch import launch_of, wanted_since
from controller.core.lifecycle import deadline
from controller.core.model import Timestamp


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one version of a life."""

    life: Incarnation
    kind: tuple[str, str]
    """Template and launch."""
    ended: bool
    vmid: int | None
    """Of its container, or of the one it is about to have."""
    address: int | None
    """The IPv4 address handed out, as a number."""
    due: Timestamp
    """When it has to be over."""
    doomed: bool
    """Its container is to be destroyed."""
    unready_since: Timestamp | None
    """Since when somebody waits for its desktop; None where it is ready, over, or paused."""


def facts_of(life: Incarnation) -> Facts:
    at = life.placement
    return Facts(
        life=life,
        kind=(life.spec.template, launch_of(life.spec)),
        ended=life.ended,
        vmid=at.vmid if at is not None else None,
        address=number_of(at.address) if at is not None and at.address is not None else None,
        due=deadline(life),
        doomed=life.ending is not None or life.discard is not None,
        unready_since=_unready_since(life),
    )


class Known:
    """The facts of all lives, as of the last time somebody asked."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}

    def of(self, lives: Iterable[Incarnation]) -> dict[str, Facts]:
        """By session. From any thread: whoever asks at the same time works out the same."""
        before, now = self._facts, {}
        for life in lives:
            facts = before.get(life.session)
            now[life.session] = facts if facts is not None and facts.life is life else facts_of(life)
        self._facts = now
        return now


def number_of(address: str) -> int:
    """``ipaddress`` takes six times as long, and a scrape may have thousands."""
    return int.from_bytes(socket.inet_aton(address))


def _unready_since(life: Incarnation) -> Timestamp | None:
    if life.ended or life.stage is Stage.READY or life.ending is not None or life.paused or life.spec.paused:
        return None
    ready = life.condition("Ready")
    if ready is not None:
        return ready.last_transition  # it lost its desktop then
    # Taken over from a lost ledger: when it was made says nothing about when it was last ready.
    return life.started_at if life.ready_at is not None and life.started_at is not None else wanted_since(life)

"""The brakes that stop destruction when the picture looks wrong. Pure state machines: observe in, verdict out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from controller.core.model import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class MassDelete:
    """Freezes orphan deletion when too many of our containers lose their manifest at once.

    Engaged from the moment that more than ``max(minimum, percent)`` of ours are orphans until that is no longer so
    or an administrator confirms. A confirmation is for the orphans of that moment, not for later ones.
    """

    minimum: int = 3
    percent: float = 20.0
    engaged: bool = False
    orphans: frozenset[str] = frozenset()
    """uids that wait for a verdict, those that were confirmed left out."""
    ours: int = 0
    confirmed: frozenset[str] = frozenset()

    @property
    def limit(self) -> float:
        return max(self.minimum, self.ours * self.percent / 100)

    def observe(self, *, orphans: frozenset[str], ours: int) -> MassDelete:
        """``orphans``: uids of living containers without a manifest whose destruction has not begun."""
        confirmed = self.confirmed & orphans
        waiting = orphans - confirmed
        engaged = len(waiting) > max(self.minimum, ours * self.percent / 100)
        return replace(self, engaged=engaged, orphans=waiting, ours=ours, confirmed=confirmed)

    def confirm(self) -> MassDelete:
        return replace(self, engaged=False, orphans=frozenset(), confirmed=self.confirmed | self.orphans)

    def holds(self, uid: str) -> bool:
        return self.engaged and uid not in self.confirmed

    @property
    def sentence(self) -> str | None:
        """Why the brake is on and what releases it."""
        if not self.engaged:
            return None
        return (
            f"{len(self.orphans)} of {self.ours} containers lost their manifest at once (allowed: {int(self.limit)}): "
            f"none is destroyed until the manifests are back or an administrator runs `winux confirm`"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJump:
    """Freezes expiry and orphan deletion when the wall clock jumps against the monotonic one."""

    tolerance: float = 60.0
    offset: float | None = None
    """Wall minus monotonic, as it was last believed."""
    jumped: float = 0.0
    """Seconds by which the wall clock is off what is believed; 0 when all is well."""

    def observe(self, *, now: Timestamp, monotonic: float) -> ClockJump:
        offset = now - monotonic
        if self.offset is None:
            return replace(self, offset=offset)
        drift = offset - self.offset
        if abs(drift) <= self.tolerance:
            # Small steps are what NTP does: believe them, so that they do not add up to a jump.
            return replace(self, offset=offset if not self.jumped else self.offset, jumped=0.0)
        return replace(self, jumped=drift)

    def confirm(self, *, now: Timestamp, monotonic: float) -> ClockJump:
        return replace(self, offset=now - monotonic, jumped=0.0)

    @property
    def sentence(self) -> str | None:
        if not self.jumped:
            return None
        direction = "forwards" if self.jumped > 0 else "back"
        return (
            f"the wall clock jumped {direction} by {abs(self.jumped):.0f} s: nothing expires and no orphan is "
            f"destroyed until it is right again or an administrator runs `winux confirm`"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Brakes:
    """Why destruction, or anything at all, has to wait: one sentence each, None where it need not."""

    unsynced: str | None = None
    """A source has not been seen whole since the start: nothing is created and nothing is ended."""
    unscanned: bool = False
    """Of the sources it is the manifests that were not seen whole yet; what there is to say is in ``unsynced``."""
    blind: str | None = None
    """The picture of Proxmox is missing or incomplete now: nothing is created, no absence counts."""
    mass_delete: MassDelete = MassDelete()
    clock: str | None = None
    paused: str | None = None
    """An administrator holds the whole controller."""

    def against_expiry(self) -> tuple[str, str] | None:
        """Reason code and sentence of the first brake that holds an expiry."""
        return _first(Paused=self.paused, NotSynced=self.unsynced, ClockJumped=self.clock)

    def against_orphan(self, uid: str) -> tuple[str, str] | None:
        """Reason code and sentence of the first brake that holds the deletion of this orphan."""
        mass = self.mass_delete.sentence if self.mass_delete.holds(uid) else None
        return self.against_expiry() or _first(NotObserved=self.blind, MassDelete=mass)

    def against_creation(self) -> tuple[str, str] | None:
        return _first(Paused=self.paused, NotSynced=self.unsynced, NotObserved=self.blind)


def _first(**sentences: str | None) -> tuple[str, str] | None:
    return next(((reason, sentence) for reason, sentence in sentences.items() if sentence), None)

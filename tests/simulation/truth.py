"""What people really want and really did, and what therefore may not happen: the judge of a history.

It knows the manifests as they were written, not as they were read. Whatever a controller concludes has to be borne out
by them; a controller that is more careful than it has to be is never wrong here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from controller.core.guards import ClockJump, MassDelete
from controller.core.incarnation import EndReason, Incarnation
from controller.core.lifecycle import deadline
from controller.ledger.events import Event, EventType
from controller.node.guest import Guest
from tests.scenarios.witness import Broken
from tests.scenarios.world import World

TOMBSTONED = frozenset({EndReason.EXPIRED, EndReason.DELETED, EndReason.NEVER_READY})
"""Ends after which the same spec may not bring the session back."""
ROUNDING = 0.01


@dataclass
class Wish:
    """One manifest file, named after the session that it holds."""

    spec: dict[str, object]
    readable: bool = True
    """False: it is broken or cannot be read now, so that nobody can tell what it says."""


@dataclass(frozen=True)
class Absence:
    """Since when, by both clocks, and for how many scans in a row a session was not asked for."""

    monotonic: float
    wall: float
    scans: int = 0

    def seconds(self, world: World) -> float:
        """By the clock that says more: a wall clock that is put right by less than the guard minds is believed."""
        return max(world.now - self.monotonic, world.clock.now() - self.wall)


@dataclass
class Truth:
    """Told of all that people do, of every scan and every event; raises ``Broken`` at what contradicts it."""

    world: World
    wishes: dict[str, Wish] = field(default_factory=dict)
    directory: str = "there"
    empty_is_meant: bool = False
    paused: bool = False
    absent: dict[str, Absence] = field(default_factory=dict)
    """By session that plainly is not asked for."""
    confirmed: set[str] = field(default_factory=set)
    """Sessions that an administrator confirmed as gone."""
    to_be_found: dict[str, Guest] = field(default_factory=dict)
    """By session, a container that a lost ledger knew and a new one does not yet."""
    _judged: set[str] = field(default_factory=set)
    """Lives whose end was told."""
    tombstones: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By session that ended for good, the generation and the revision of its last life."""

    # -- what people do ----------------------------------------------------------------------------------------

    def confirm(self) -> None:
        self.empty_is_meant = True
        self.confirmed |= set(self.absent)

    def restarted(self) -> None:
        """A process that starts counts absences anew."""
        self.absent.clear()
        self.confirmed.clear()

    def ledger_lost(self, guests: Iterable[tuple[str, Guest]]) -> None:
        """``guests`` are all of ours that can be seen, with their sessions: each has to be found again."""
        self.restarted()
        self.to_be_found = dict(guests)
        self.tombstones.clear()
        self.paused = False

    def files_may_be_gone(self) -> None:
        """An order to the controller may have removed a manifest."""
        if self.directory == "there":
            there = {path.name for path in self.world.manifests.iterdir()}
            self.wishes = {name: wish for name, wish in self.wishes.items() if f"{name}.yaml" in there}

    # -- what the controller does ------------------------------------------------------------------------------

    def scanned(self) -> None:
        """The directory was read just now."""
        fresh = Absence(self.world.now, self.world.clock.now())
        known = {life.session for life in self.world.controller.tools.ledger.lives()}
        before, self.absent = self.absent, {}
        for session in known:
            if self._plainly_absent(session):
                absence = before.get(session, fresh)
                self.absent[session] = replace(absence, scans=absence.scans + 1)
        self.confirmed &= set(self.absent)
        if self.directory == "there":
            self.empty_is_meant = False

    def _plainly_absent(self, session: str) -> bool:
        if self.directory == "emptied":
            return self.empty_is_meant
        return self.directory == "there" and session not in self.wishes

    def told(self, event: Event) -> None:
        match event.reason:
            case EndReason.MANIFEST_REMOVED if event.message.startswith("its manifest was removed"):
                self._orphan_ended(event)
            case EndReason.UNKNOWN_ORPHAN if event.type is EventType.NORMAL:
                self._orphan_ended(event)
            case EndReason.EXPIRED if event.message == "its time was up":
                self._expired(event)
            case "Ended":
                self._buried(event)
            case "Adopted" | EndReason.UNKNOWN_ORPHAN:
                self.to_be_found.pop(event.session.partition(".")[0], None)
            case "Forgotten":
                self.tombstones.pop(event.session, None)
            case "Accepted":
                self._accepted(event)

    def _orphan_ended(self, event: Event) -> None:
        if event.count > 1 or not self._just_decided(event):
            return
        self._not_braked(event)
        absence = self.absent.get(event.session, Absence(self.world.now, self.world.clock.now()))
        seconds, grace = absence.seconds(self.world), self.world.controller.tools.policy.grace
        if absence.scans < 2 or seconds < grace - ROUNDING:
            raise Broken(
                f"{event.session} was ended as an orphan after {absence.scans} scans, {seconds:.1f} s of absence"
            )
        lives = [life for life in self._lives() if life.placement is not None and not life.ended]
        ours = [life for life in lives if life.ending is None or life.session == event.session]
        orphans = [life.session for life in ours if life.session in self.absent and life.session not in self.confirmed]
        guard = MassDelete()
        if event.session in orphans and len(orphans) > max(guard.minimum, len(ours) * guard.percent / 100):
            raise Broken(f"{event.session} was ended though {len(orphans)} of {len(ours)} were orphans: {orphans}")

    def _expired(self, event: Event) -> None:
        if event.count > 1 or not self._just_decided(event):
            return
        self._not_braked(event)
        life = self._life(event.session)
        if life is not None and self.world.clock.now() < deadline(life) - ROUNDING:
            raise Broken(f"{event.session} was ended {deadline(life) - self.world.clock.now():.1f} s early")

    def _just_decided(self, event: Event) -> bool:
        """Not a status that is told again, such as after a restart."""
        life = self._life(event.session)
        if life is None or life.ending is None or life.uid in self._judged:
            return False
        self._judged.add(life.uid)
        return True

    def _not_braked(self, event: Event) -> None:
        if self.paused:
            raise Broken(f"{event.session} was ended ({event.reason}) though the controller is paused")
        if abs(self.clock_error) > ClockJump().tolerance:
            raise Broken(
                f"{event.session} was ended ({event.reason}) with a clock that is off by {self.clock_error:.0f} s"
            )

    @property
    def clock_error(self) -> float:
        """Seconds by which the wall clock is off what the controller last had reason to believe."""
        clock, believed = self.world.clock, self.world.controller.picture._clock_jump.offset
        return clock.now() - clock.monotonic() - believed if believed is not None else 0.0

    def _buried(self, event: Event) -> None:
        life = self._life(event.session)
        if life is not None and life.ending is not None and life.ending.reason in TOMBSTONED:
            self.tombstones[event.session] = (life.generation, life.revision)

    def _accepted(self, event: Event) -> None:
        life, before = self._life(event.session), self.tombstones.pop(event.session, None)
        guest = self.to_be_found.pop(event.session, None)
        cluster = self.world.cluster
        if guest is not None and cluster.guests.get(guest.vmid) is guest and guest.vmid in cluster.access.pool_of:
            raise Broken(f"{event.session} was begun anew though container {guest.vmid} carries its marker")
        if life is not None and before == (life.generation, life.revision):
            raise Broken(f"{event.session} had ended for good and came back though its spec is the same")

    def _lives(self) -> Iterable[Incarnation]:
        return self.world.controller.tools.ledger.lives()

    def _life(self, session: str) -> Incarnation | None:
        return self.world.controller.tools.ledger.life(session)

"""What an administrator may tell a running controller about its sessions: extend, delete, pause, resume, confirm.

An order is a change in the ledger and a key in the queue; the reconciler does the rest. Each is noted as an event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from controller.admin.models import Outcome
from controller.admin.refusals import Impossible, Unknown
from controller.api.quantities import format_duration, format_instant
from controller.core.guest import Rotation
from controller.core.incarnation import Ending, EndReason, Incarnation, Stage
from controller.core.lifecycle import cap, deadline, extended
from controller.core.model import Credentials
from controller.ledger.ledger import Note, Superseded
from controller.reconcile.picture import Picture
from controller.reconcile.tools import Tools

ADMINISTRATOR = "an administrator"
"""Who gives an order where nothing more is known."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of a manifest that was to be removed, as a sentence."""

    removed: bool
    sentence: str


class Orders:
    """Safe to use from several threads. Refuses with a ``Refusal``: one sentence. ``by``: who orders it, for events."""

    def __init__(
        self,
        tools: Tools,
        picture: Picture,
        *,
        enqueue: Callable[[str], None],
        rescan: Callable[[], None],
        accept_empty: Callable[[], None],
        remove_manifest: Callable[[str, str], Removal],
        arriving: Callable[[str], bool] = lambda _session: False,
    ) -> None:
        """All but ``rescan`` and ``accept_empty`` take the name of a session, ``remove_manifest`` also who orders it;
        ``arriving``: its manifest was just written."""
        self._tools = tools
        self._picture = picture
        self._enqueue = enqueue
        self._rescan = rescan
        self._accept_empty = accept_empty
        self._remove_manifest = remove_manifest
        self._arriving = arriving

    def extend(self, name: str, seconds: float, *, by: str = ADMINISTRATOR) -> Outcome:
        """Grant more time, up to the template's maximum."""
        life = self._going_on(name, "extended")
        if life.ready_at is None and life.spec.expires_at is None:
            raise Impossible(f"session {name} is not ready yet: its time has not begun to count")

        def longer(current: Incarnation) -> Incarnation:
            try:
                return replace(current, extension=extended(current, seconds))
            except ValueError:
                raise Impossible(_too_long(current)) from None

        granted, end = format_duration(seconds), format_instant(int(deadline(longer(life))))
        note = Note("Extended", f"{by} granted {granted} more: it ends at {end}")
        after = self._change(life, "extended", longer, note)
        self._enqueue(name)
        return Outcome(messages=(f"session {name} ends at {format_instant(int(deadline(after)))}, {granted} later",))

    def delete(self, name: str, *, by: str = ADMINISTRATOR) -> Outcome:
        """End a session now and remove its manifest; where that cannot be, its tombstone keeps it ended."""
        life = self._tools.ledger.life(name)
        mentioned = self._mentioned(name)
        if life is None and not mentioned:
            raise no_session(name)
        messages = []
        if life is not None and not life.ended and life.ending is None:
            message = f"{by} deleted it"
            ending = Ending(reason=EndReason.DELETED, message=message, since=self._tools.clock.now())
            self._change(life, "deleted", lambda current: replace(current, ending=ending), Note("Deleted", message))
            messages.append(f"session {name} is ending")
        elif life is not None and not life.ended:
            messages.append(f"session {name} is ending already: {_why(life)}")
        elif life is not None:
            messages.append(f"session {name} has ended already: {_why(life)}")
        self._enqueue(name)
        if not mentioned:
            return Outcome(messages=tuple(messages))
        removal = self._remove_manifest(name, by)
        if removal.removed:
            # An administrator emptied the directory, if this was the last: that is no lost directory.
            self._accept_empty()
        self._rescan()
        if removal.removed:
            return Outcome(messages=(*messages, removal.sentence))
        if life is None:
            raise Impossible(removal.sentence)
        stays = f"session {name} stays ended as long as its manifest does not change"
        return Outcome(messages=tuple(messages), warnings=(f"{removal.sentence}; {stays}",))

    def rotate(self, name: str, *, by: str = ADMINISTRATOR) -> Outcome:
        """Have a new password set in the guest; the old one is shown until that is done."""
        life = self._going_on(name, "given a new password")
        if (why := self._no_rotation(life)) is not None:
            raise Impossible(f"session {name} cannot be given a new password: {why}")
        order = Rotation(by=by, ordered_at=self._tools.clock.now())
        self._change(
            life,
            "given a new password",
            lambda current: replace(current, guest=replace(current.guest, rotation=order, failures=0)),
            Note("RotationOrdered", f"{by} ordered a new password"),
        )
        self._enqueue(name)
        return Outcome(
            messages=(f"session {name} gets a new password: `winux rdp {name} --show` shows it when it is set",)
        )

    def _no_rotation(self, life: Incarnation) -> str | None:
        if self._tools.guests.public_key is None:
            return "that is done over SSH; set guest.sshKeyFile in the settings"
        if life.spec.logs_in_by is not Credentials.PASSWORD:
            return f"its template {life.spec.template} has credentials: {life.spec.logs_in_by}"
        if life.paused:
            return f"it is paused; `winux resume {life.session}` goes on"
        if life.stage is not Stage.READY:
            return "it is not ready"
        return None

    def pause(self, name: str | None, *, by: str = ADMINISTRATOR) -> Outcome:
        """Leave a session, or everything, as it is: nothing is made, changed or repaired."""
        if name is None:
            self._picture.pause(True, by=by)
            self._enqueue_all()
            return Outcome(messages=("the controller is paused: nothing is made, changed or ended",))
        life = self._going_on(name, "paused")
        notes = () if life.paused else (Note("Paused", f"{by} paused it"),)
        self._change(life, "paused", lambda current: replace(current, paused=True), *notes)
        self._enqueue(name)
        said = f"session {name} is paused{' already' if life.paused else ''}: it is left as it is until its time is up"
        return Outcome(messages=(said,))

    def resume(self, name: str | None, *, by: str = ADMINISTRATOR) -> Outcome:
        """Go on with what was paused."""
        if name is None:
            self._picture.pause(False)
            self._enqueue_all()
            return Outcome(messages=("the controller goes on",))
        life = self._going_on(name, "resumed")
        notes = (Note("Resumed", f"{by} let it go on"),) if life.paused else ()
        self._change(life, "resumed", lambda current: replace(current, paused=False), *notes)
        self._enqueue(name)
        return Outcome(messages=(f"session {name} {'goes on' if life.paused else 'was not paused'}",))

    def confirm(self, *, by: str = ADMINISTRATOR) -> Outcome:
        """The picture is right: release the brakes, and take an empty directory at its word."""
        self._tools.ledger.prove_writable()
        desired = self._picture.desired
        incomplete = desired is None or not desired.complete
        released = self._picture.confirm(by=by)
        self._accept_empty()
        self._rescan()
        self._enqueue_all()
        if incomplete:
            released.append("the manifest directory is scanned anew; if it is empty, that is taken at its word")
        return Outcome(messages=tuple(released) or ("nothing was held",))

    # -- inside ------------------------------------------------------------------------------------------------

    def _desired(self, name: str) -> bool:
        desired = self._picture.desired
        return (desired is not None and name in desired.sessions) or self._arriving(name)

    def _mentioned(self, name: str) -> bool:
        """Whether a manifest asks for it, or tries to."""
        desired = self._picture.desired
        faulty = desired is not None and any(problem.session == name for problem in desired.problems)
        return faulty or self._desired(name)

    def _going_on(self, name: str, what: str) -> Incarnation:
        """The life, if it is neither over nor ending."""
        life = self._tools.ledger.life(name)
        if life is None and self._desired(name):
            raise Impossible(f"session {name} was not made yet and cannot be {what}: edit its manifest instead")
        if life is None:
            raise no_session(name)
        if life.ended or life.ending is not None:
            raise Impossible(_over(life, what))
        return life

    def _change(
        self, life: Incarnation, what: str, change: Callable[[Incarnation], Incarnation], *notes: Note
    ) -> Incarnation:
        """Change a life unless it ended since it was looked at."""

        def unless_over(current: Incarnation) -> Incarnation:
            if current.ended or current.ending is not None:
                raise Impossible(_over(current, what))
            return change(current)

        try:
            return self._tools.ledger.change(life, unless_over, *notes)
        except Superseded:
            raise Impossible(f"session {life.session} has another life by now: look at it again") from None

    def _enqueue_all(self) -> None:
        for name in self._picture.all_sessions():
            self._enqueue(name)


def no_session(name: str) -> Unknown:
    return Unknown(f"there is no session {name}: `winux get sessions` lists all")


def _too_long(life: Incarnation) -> str:
    room = format_duration(max(0.0, cap(life) - deadline(life)))
    spec = life.spec
    return (
        f"session {life.session} can be extended by {room} at most: its template {spec.template} allows "
        f"{format_duration(spec.max_ttl)} in all"
    )


def _over(life: Incarnation, what: str) -> str:
    return f"session {life.session} {'has ended' if life.ended else 'is ending'} and cannot be {what}: {_why(life)}"


def _why(life: Incarnation) -> str:
    return life.ending.message if life.ending is not None else "its life is over"

"""What is done inside a guest, over SSH: the step Attend, carried out and recorded.

Whether and when is decided in ``controller.core.errands``; the commands are in ``controller.guest.commands``. Nothing
waits here: the call is carried out elsewhere, and the session is looked at again when it has an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from controller.core import notices
from controller.core.errands import seen, trusted
from controller.core.guest import Errand, Greet, Guest, Notify, ReadLog, Rotate, SetUp, TakeHostKey, Told
from controller.core.incarnation import Incarnation
from controller.core.model import ConditionStatus, Credentials
from controller.core.steps import Attend, Decision
from controller.core.view import View
from controller.guest import commands
from controller.guest.ssh import Call, Done, Failed
from controller.ledger.ledger import Note
from controller.ledger.passwords import Credential
from controller.proxmox.port import ProxmoxError
from controller.reconcile.tools import Next, Outcome, Tools, Waits, key_of

REACHED_ANEW = 4
"""Failures in a row after which the address of a guest that is being set up is asked for anew."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What an errand that was done changes."""

    change: Callable[[Guest], Guest]
    notes: tuple[Note, ...] = ()


class Attendance:
    """The step Attend."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def attend(self, view: View, life: Incarnation, decision: Decision, step: Attend) -> Outcome:
        errand = step.errand
        if isinstance(errand, ReadLog):
            return self._read_log(life, decision)
        address = life.guest.answering if isinstance(errand, SetUp | TakeHostKey) else None
        address = address or life.address
        if address is None:
            return Waits("NoAddress", "the guest has no address yet", after=1.0)
        answer = self._tools.guests.ask(key_of(life.session), self._call(view, life, errand, address))
        if answer is None:
            return Waits(decision.reason, decision.message)
        if isinstance(answer, Failed):
            return self._failed(life, answer.reason, answer.message)
        if answer.status != 0:
            said = commands.printable(self._scrubbed(life, answer.output)) or "it said nothing"
            message = f"{_named(errand)} failed in the guest (exit status {answer.status}): {said}"
            return self._failed(life, "ErrandFailed", message, shown=answer.host_key)
        return self._done(life, errand, answer)

    def _call(self, view: View, life: Incarnation, errand: Errand, address: str) -> Call:
        """Passwords are in the ledger before they are sent: whoever dies in between knows them afterwards."""
        user, stdin = life.spec.desktop_user, None
        match errand:
            case SetUp():
                name, command = f"set-up {errand}", commands.set_up(errand, user=user)
                if errand.password:
                    stdin = commands.credentials(user, password_of(self._tools, life))
            case Rotate():
                name, command = "rotate", commands.SET_PASSWORD
                stdin = commands.credentials(user, self._candidate(life))
            case TakeHostKey():
                name, command = "take-host-key", commands.TAKE_HOST_KEY
            case Notify():
                left = max(errand.end - self._tools.clock.now(), 0.0)
                name = f"notify {errand.end} {errand.lead}"
                command = commands.notify(*notices.words(seconds_left=left, language=self._language(view)))
            case _:
                name, command = "greet", commands.NOTHING
        return Call(name=name, address=address, command=command, stdin=stdin, host_keys=trusted(life))

    def _candidate(self, life: Incarnation) -> str:
        known = self._tools.ledger.candidate(life.session)
        return known if known is not None else self._tools.ledger.propose(life, self._tools.new_password())

    def _language(self, view: View) -> str:
        wanted = view.desired.annotations.get(notices.LANGUAGE) if view.desired is not None else None
        return wanted if wanted in notices.LANGUAGES else self._tools.policy.language

    def _done(self, life: Incarnation, errand: Errand, answer: Done) -> Outcome:
        outcome: _Outcome
        match errand:
            case SetUp():
                new_key = commands.new_host_key(answer.output) if errand.host_key else None
                if errand.host_key and new_key is None:
                    return self._failed(life, "ErrandFailed", "the guest made no host key of its own")
                outcome = _set_up(errand, new_key)
            case Rotate():
                return self._rotated(life, answer)
            case TakeHostKey() if life.guest.renewed and answer.host_key != life.guest.next_host_key:
                # Its SSH server was told to take the new key, and goes on showing the old one.
                return self._failed(life, "ErrandFailed", "the guest does not use its new host key")
            case TakeHostKey():
                outcome = _Outcome(lambda guest: replace(guest, renewed=True))
            case Notify():
                told = Told(end=errand.end, lead=errand.lead)
                minutes = "one minute" if errand.lead <= 60 else f"{errand.lead / 60:.0f} minutes"
                note = Note("Notified", f"the desktop was told, {minutes} before, that it ends")
                outcome = _Outcome(lambda guest: replace(guest, told=told), (note,))
            case _:
                outcome = _Outcome(lambda guest: guest)
        self._record(life, answer.host_key, outcome)
        return Next()

    def _rotated(self, life: Incarnation, answer: Done) -> Outcome:
        tools, order, before = self._tools, life.guest.rotation, self._tools.ledger.credential(life.session)
        by = order.by if order is not None else "nobody any more"

        def rotated(current: Incarnation) -> Incarnation:
            # An order that was given while this one was carried out still stands.
            rest = current.guest.rotation if current.guest.rotation != order else None
            after = replace(current, guest=replace(seen(current.guest, answer.host_key), rotation=rest))
            return self._credentials_known(self._reachable(after))

        tools.ledger.confirm(
            life, life.spec.desktop_user, rotated, Note("Rotated", f"a new password was set, as ordered by {by}")
        )
        if before is not None:
            tools.retire_password(before.password)
        return Next()

    def _record(self, life: Incarnation, shown: str, outcome: _Outcome) -> None:
        def recorded(current: Incarnation) -> Incarnation:
            after = replace(current, guest=seen(outcome.change(current.guest), shown))
            if after.guest.password_set and not current.guest.password_set:
                after = self._credentials_known(after)
            return self._reachable(after)

        self._tools.ledger.change(life, recorded, *outcome.notes)

    def _failed(self, life: Incarnation, reason: str, message: str, *, shown: str | None = None) -> Outcome:
        """Kept as one event that counts on; when it is tried again is decided by what is known then."""
        now = self._tools.clock.now()

        def failed(current: Incarnation) -> Incarnation:
            before = current.guest
            guest = seen(before, shown) if shown is not None else before
            failures = before.failures + 1
            answering = None if failures % REACHED_ANEW == 0 else guest.answering
            guest = replace(guest, failures=failures, failed_at=now, answering=answering)
            return replace(current, guest=guest).with_condition(
                "GuestReachable", ConditionStatus.FALSE, reason=reason, message=message, now=now
            )

        self._tools.ledger.change(life, failed, Note(reason, message, warning=True))
        return Next()

    def _read_log(self, life: Incarnation, decision: Decision) -> Outcome:
        """Once, and whatever comes of it: a guest that cannot be asked is given up without last words."""
        text = ""
        address = self._any_address(life)
        if address is not None:
            call = Call(name="read-log", address=address, command=commands.READ_LOG, host_keys=trusted(life))
            answer = self._tools.guests.ask(key_of(life.session), call)
            if answer is None:
                return Waits(decision.reason, decision.message)
            if isinstance(answer, Done):
                text = commands.printable(self._scrubbed(life, answer.output))
        self._tools.ledger.change(life, lambda current: replace(current, guest=replace(current.guest, log=text)))
        return Next()

    def _any_address(self, life: Incarnation) -> str | None:
        placement = life.placement
        known = life.guest.answering or life.address or (placement.address if placement is not None else None)
        if known is not None or placement is None:
            return known
        try:
            return next(iter(self._tools.port.addresses(placement.node, placement.vmid)), None)
        except ProxmoxError:
            return None  # it does not run, or is gone: there is nothing to be read then

    def _scrubbed(self, life: Incarnation, text: str) -> str:
        """Without this session's passwords, nor any other secret that the controller knows."""
        credential = self._tools.ledger.credential(life.session)
        for secret in (credential.password if credential is not None else None, self._candidate_if_any(life)):
            text = text.replace(secret, "[hidden]") if secret else text
        return self._tools.scrub(text)

    def _candidate_if_any(self, life: Incarnation) -> str | None:
        return self._tools.ledger.candidate(life.session)

    def _reachable(self, life: Incarnation) -> Incarnation:
        if life.condition("GuestReachable") is None:
            return life
        return life.with_condition(
            "GuestReachable",
            ConditionStatus.TRUE,
            reason="Reachable",
            message="the guest answers over SSH",
            now=self._tools.clock.now(),
        )

    def _credentials_known(self, life: Incarnation) -> Incarnation:
        if life.condition("CredentialsKnown") is None:
            return life
        return life.with_condition(
            "CredentialsKnown",
            ConditionStatus.TRUE,
            reason="Set",
            message="a new password was set over SSH",
            now=self._tools.clock.now(),
        )


def password_of(tools: Tools, life: Incarnation) -> str:
    """The password of a life that has one of its own, made now if nobody did; it is in the ledger on return."""
    credential = tools.ledger.credential(life.session)
    if credential is None:
        credential = tools.ledger.give(life, Credential(username=life.spec.desktop_user, password=tools.new_password()))
    return credential.password


def password_at_creation(tools: Tools, life: Incarnation) -> str | None:
    """What an archive's container is made with."""
    return password_of(tools, life) if life.spec.logs_in_by is Credentials.PASSWORD else None


def _set_up(errand: SetUp, new_key: str | None) -> _Outcome:
    def done(guest: Guest) -> Guest:
        return replace(
            guest,
            password_set=guest.password_set or errand.password,
            sudo_set=guest.sudo_set or errand.sudo,
            next_host_key=new_key or guest.next_host_key,
        )

    parts = ["its password"] if errand.password else []
    parts += ["sudo for its user"] if errand.sudo else []
    parts += ["a host key of its own"] if errand.host_key else []
    return _Outcome(done, (Note("SetUp", f"set up in the guest: {', '.join(parts)}"),))


def _named(errand: Errand) -> str:
    return {
        SetUp: "the set-up",
        TakeHostKey: "the change of its host key",
        Rotate: "the new password",
        Notify: "the notice of its end",
        Greet: "the first contact",
        ReadLog: "reading its log",
    }[type(errand)]

"""What has to be done inside a guest, and when: worked into the decision that ``controller.core.serve`` came to. Pure.

Before a session is Ready: its password (clones), sudo, a host key of its own (clones). While it is Ready: the password
that was ordered anew, the notices before its end, the first contact. Before a container that never answered is given
up: its last log lines. A step that is done is recorded; after a crash the one that was under way is done again, which
changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from controller.core import notices
from controller.core.guest import Errand, Greet, Guest, Notify, ReadLog, Rotate, SetUp, TakeHostKey
from controller.core.incarnation import EndReason, Incarnation, Stage
from controller.core.lifecycle import deadline
from controller.core.model import CloneSource, Credentials, Phase, SessionSpec, Timestamp
from controller.core.steps import Attend, Create, Decision, End, GiveUpContainer, Place, Probe, Rest
from controller.core.view import View

FIRST_RETRY, SLOWEST_RETRY = 0.25, 60.0
"""Seconds until an errand that failed is tried again: at first, and at most."""
GREETINGS = 8
"""First contacts that are tried with a guest of which nothing else is wanted; some images have no SSH server."""


def needs_key(spec: SessionSpec) -> str | None:
    """What of a spec only the controller's SSH key makes possible, as the name of its field; None: nothing."""
    if spec.sudo:
        return "sudo: true"
    clone = isinstance(spec.source, CloneSource)
    return "credentials: password of a clone" if clone and spec.logs_in_by is Credentials.PASSWORD else None


def set_up(life: Incarnation) -> SetUp | None:
    """What has to be done in the guest before it is Ready; None: nothing more."""
    spec, guest = life.spec, life.guest
    clone = isinstance(spec.source, CloneSource)
    wanted = SetUp(
        password=clone and spec.logs_in_by is Credentials.PASSWORD and not guest.password_set,
        sudo=spec.sudo and not guest.sudo_set,
        host_key=clone and needs_key(spec) is not None and not guest.renewed and guest.next_host_key is None,
    )
    return wanted if wanted != SetUp() else None


def before_ready(life: Incarnation) -> Errand | None:
    """The next errand before it is Ready."""
    taken = life.guest.next_host_key is None or life.guest.renewed
    return set_up(life) or (None if taken else TakeHostKey())


def trusted(life: Incarnation) -> tuple[str, ...]:
    """The host keys by which the guest may be known. Empty: whichever it shows, for this is the first contact."""
    guest = life.guest
    first = guest.host_key if guest.host_key is not None else _pinned(life)
    return tuple(key for key in (first, guest.next_host_key) if key is not None)


def seen(guest: Guest, shown: str) -> Guest:
    """After a contact in which the guest showed this host key: it is the one from now on, if it is new."""
    if shown == guest.next_host_key:
        guest = replace(guest, host_key=shown, next_host_key=None, renewed=True)
    elif guest.host_key is None:
        guest = replace(guest, host_key=shown)
    return replace(guest, failures=0, failed_at=None)


def retry_at(guest: Guest, *, now: Timestamp) -> Timestamp | None:
    """When an errand that failed is due again; None where that time has come."""
    if not guest.failures or guest.failed_at is None or guest.failed_at > now:  # the clock was set back since
        return None
    due = guest.failed_at + min(SLOWEST_RETRY, FIRST_RETRY * 2 ** min(guest.failures - 1, 16))
    return due if now < due else None


def attended(view: View, life: Incarnation, decision: Decision) -> Decision:
    """The decision, or the errand that comes before it."""
    match decision.step:
        case Place() | Create() if not view.guest_access and (what := needs_key(life.spec)):
            return _no_key(decision, what)
        case Probe() if life.guest.answering is not None and (errand := before_ready(life)):
            return _set_up(view, life, decision, errand)
        case GiveUpContainer() | End(reason=EndReason.NEVER_READY):
            return _last_words(view, life, decision)
        case Rest() if life.stage is Stage.READY and decision.phase is Phase.READY and view.guest_access:
            return _while_ready(view, life, decision)
    return decision


def _no_key(decision: Decision, what: str) -> Decision:
    message = (
        f"its template has {what}, which needs the controller's SSH key: set guest.sshKeyFile in the settings, "
        "or change the template"
    )
    return replace(decision, step=Rest(), phase=Phase.HELD, reason="NoGuestKey", message=message)


def _set_up(view: View, life: Incarnation, decision: Decision, errand: Errand) -> Decision:
    if not view.guest_access:
        return _no_key(decision, needs_key(life.spec) or "a host key to renew")
    if (due := retry_at(life.guest, now=view.now)) is not None:
        failed = life.condition("GuestReachable")
        message = failed.message if failed is not None else "the guest could not be reached over SSH"
        return replace(
            decision,
            step=Rest(),
            reason="GuestUnreachable",
            message=f"{message}: tried again",
            again_at=_sooner(decision.again_at, due),
        )
    return replace(decision, step=Attend(errand), reason="SettingUp", message="the desktop is set up inside, over SSH")


def _last_words(view: View, life: Incarnation, decision: Decision) -> Decision:
    """A container is given up: what it said last is read first, once, while it can still be asked."""
    step = decision.step
    assert isinstance(step, GiveUpContainer | End)  # noqa: S101 - the caller looked
    if view.guest_access and life.guest.log is None and life.placement is not None:
        return replace(decision, step=Attend(ReadLog()), reason="ReadingLog", message="its last log lines are read")
    said = [step.message]
    failed = life.condition("GuestReachable")
    if failed is not None and life.guest.failures:
        said.append(failed.message)
    if life.guest.log:
        said.append(f"its last log lines: {life.guest.log}")
    return replace(decision, step=replace(step, message="; ".join(said)))


def _while_ready(view: View, life: Incarnation, decision: Decision) -> Decision:
    guest, end = life.guest, deadline(life)
    began = life.ready_at if life.ready_at is not None else life.accepted_at
    lead = notices.due(end=end, began=began, told=guest.told, now=view.now)
    rest = replace(decision, again_at=_sooner(decision.again_at, notices.next_at(end=end, began=began, now=view.now)))
    errand: Errand | None = None
    if guest.rotation is not None:
        errand, reason, message = Rotate(), "Rotating", "a new password is set"
    elif lead is not None:
        errand, reason, message = Notify(end=end, lead=lead), "Notifying", "the desktop is told when it ends"
    elif guest.next_host_key is not None:
        errand, reason, message = TakeHostKey(), "Greeting", "its new host key is looked at"
    elif guest.host_key is None and guest.failures < GREETINGS:
        errand, reason, message = Greet(), "Greeting", "its host key is remembered"
    if errand is None:
        return rest
    if (due := retry_at(guest, now=view.now)) is not None:
        return replace(rest, again_at=_sooner(rest.again_at, due))
    return replace(rest, step=Attend(errand), reason=reason, message=message)


def _sooner(one: Timestamp | None, other: Timestamp | None) -> Timestamp | None:
    return min((time for time in (one, other) if time is not None), default=None)


def _pinned(life: Incarnation) -> str | None:
    """The host key that the settings of its container template name, as long as it must still have that."""
    source, placement = life.spec.source, life.placement
    if life.guest.renewed or not isinstance(source, CloneSource) or placement is None:
        return None
    return next((one.host_key for one in source.templates if one.vmid == placement.template), None)

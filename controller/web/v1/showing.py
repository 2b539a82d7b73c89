"""From what the desk knows to what ``/api/v1`` says. Pure: the time is an argument."""

from __future__ import annotations

from datetime import datetime

from controller.admin.models import CredentialView, EventView, SessionView, TemplateView, moment
from controller.api.quantities import parse_duration
from controller.core.model import Timestamp
from controller.web.desktops import Desktop
from controller.web.progress import OVER, Progress, Step
from controller.web.rules import Rules
from controller.web.v1.models import Credential, Event, LaunchedSession, ProgressShown, Session, Template


def session(desktop: Desktop, rules: Rules, *, now: Timestamp) -> Session:
    """What a person sees of a session; of what is neither theirs nor theirs to look after, how it stands."""
    view, known = desktop.view, desktop.mine or desktop.may_control
    return Session(
        name=view.name,
        phase=view.phase,
        reason=view.reason if known else "",
        message=view.message if known else "",
        failing=view.failing and known,
        template=view.template if known else None,
        mine=desktop.mine,
        may_control=desktop.may_control,
        may_log_in=desktop.may_log_in,
        owner=view.owner if known else None,
        address=view.address if known else None,
        port=view.port if known and view.address is not None else None,
        accepted_at=view.accepted_at,
        ready_at=view.ready_at,
        expires_at=view.expires_at,
        ended_at=view.ended_at,
        seconds_left=_left(view, now=now),
        extendable_seconds=_extendable(desktop, rules),
        server_time=moment(now),
        progress=_progress(desktop.progress, view, now=now),
    )


def launched(shown: Session, ticket: str) -> LaunchedSession:
    return LaunchedSession(**{name: getattr(shown, name) for name in Session.model_fields}, ticket=ticket)


def credential(view: CredentialView) -> Credential:
    return Credential(
        username=view.username,
        password=view.password,
        next_password=view.next_password,
        credentials=view.credentials,
        address=view.address,
        port=view.port,
        fingerprint=view.fingerprint,
    )


def event(view: EventView) -> Event:
    return Event(
        id=view.id,
        session=view.session,
        type=view.type,
        reason=view.reason,
        message=view.message,
        count=view.count,
        first_at=view.first_at,
        last_at=view.last_at,
    )


def template(view: TemplateView, rules: Rules) -> Template:
    most = longest(view, rules)
    usual = parse_duration(view.ttl) if view.ttl is not None else None
    return Template(
        name=view.name,
        cores=view.resources.cores if view.resources is not None else None,
        memory=view.resources.memory if view.resources is not None else None,
        disk=view.resources.disk if view.resources is not None else None,
        ttl_seconds=min(usual, most) if usual is not None else None,
        max_ttl_seconds=most,
        description=None,
    )


def longest(view: TemplateView, rules: Rules) -> float:
    """Seconds that a desktop of this kind may live."""
    return min(rules.max_duration, parse_duration(view.max_ttl)) if view.max_ttl is not None else rules.max_duration


def _left(view: SessionView, *, now: Timestamp) -> float | None:
    if view.seconds_left is None or view.expires_at is None:
        return None
    return round(max(0.0, view.expires_at.timestamp() - now), 3)


def _extendable(desktop: Desktop, rules: Rules) -> float:
    """Up to the template's maximum, which counts from acceptance, and to the settings', which counts from Ready."""
    view = desktop.view
    going_on = desktop.progress.step is not Step.ENDING and desktop.progress.step not in OVER
    if not (desktop.may_control and going_on and view.ready_at and view.expires_at and view.max_ttl):
        return 0.0
    begun = max(_at(view.accepted_at), _at(view.starts_at))
    end = view.expires_at.timestamp()
    by_template = begun + parse_duration(view.max_ttl) - end
    by_settings = rules.max_duration - (end - view.ready_at.timestamp())
    return float(max(0, int(min(by_template, by_settings))))


def _at(time: datetime | None) -> float:
    return time.timestamp() if time is not None else 0.0


def _progress(progress: Progress, view: SessionView, *, now: Timestamp) -> ProgressShown:
    until = view.ready_at or view.ended_at
    elapsed = (until.timestamp() if until is not None else now) - _at(view.accepted_at) if view.accepted_at else 0.0
    return ProgressShown(
        step=progress.step,
        estimate_seconds=round(progress.estimate, 1) if progress.estimate is not None else None,
        elapsed_seconds=round(max(0.0, elapsed), 1),
        fraction=round(min(1.0, progress.fraction), 3) if progress.fraction is not None else None,
        late=progress.late,
    )

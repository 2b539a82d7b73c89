"""A session of today in the old API's words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from controller.admin.models import SessionView
from controller.api.quantities import parse_duration
from controller.core.model import Timestamp
from controller.web.desk import Desk
from controller.web.desktops import Desktop
from controller.web.people import Person
from controller.web.progress import Step
from controller.web.refusals import Refused
from controller.web.seed.models import SeedDesktop, SeedSession, Status

_STATUSES = {
    Step.QUEUED: Status.CREATING,
    Step.CREATING: Status.CREATING,
    Step.STARTING: Status.CREATING,
    Step.READY: Status.ACTIVE,
    Step.ENDING: Status.ENDING,
    Step.ENDED: Status.ENDED,
    Step.FAILED: Status.FAILED,
}


def status_of(desktop: Desktop) -> Status:
    step = desktop.progress.step
    if step is Step.HELD:
        return Status.HELD if desktop.view.ready_at is not None else Status.CREATING
    return _STATUSES[step]


def written(time: datetime) -> str:
    """With an offset in digits: every client's library reads that, which is not so of a ``Z``."""
    return time.astimezone(UTC).isoformat(timespec="seconds")


def instant(seconds: Timestamp) -> str:
    return written(datetime.fromtimestamp(seconds, UTC))


def session_of(desktop: Desktop, *, now: Timestamp, asked: float | None = None) -> SeedSession:
    """``asked``: the minutes that were just asked for, where nothing more is known yet."""
    view, status = desktop.view, status_of(desktop)
    minutes = _minutes(view)
    minutes = asked if minutes is None else minutes
    expires = view.expires_at
    if expires is None and status is Status.CREATING and minutes is not None:
        expires = datetime.fromtimestamp(now, UTC) + timedelta(minutes=minutes)
    return SeedSession(
        session_id=view.name,
        container_id=view.vmid,
        container_ip=view.address,
        created_at=None if view.accepted_at is None else written(view.accepted_at),
        duration_minutes=minutes,
        status=status,
        expires_at=None if expires is None else written(expires),
        remaining_seconds=_remaining(status, expires, now=now),
        message=view.message,
    )


def shown(desk: Desk, person: Person, desktop: Desktop, *, now: Timestamp) -> SeedSession:
    """With what to log in by, for who may, as long as there is something to log in to."""
    session = session_of(desktop, now=now)
    if not (desktop.may_log_in and session.status in {Status.ACTIVE, Status.HELD}):
        return session
    try:
        credential = desk.credential(person, session.session_id)
    except Refused as refused:
        if refused.status >= 500:
            raise
        return session  # it ended within the last moment
    return SeedDesktop(**session.model_dump(), username=credential.username, password=credential.password)


def _minutes(view: SessionView) -> float | None:
    """For how long it lives once it is ready, extensions included."""
    if view.ready_at is not None and view.expires_at is not None:
        return _rounded((view.expires_at - view.ready_at).total_seconds())
    return None if view.ttl is None else _rounded(parse_duration(view.ttl) + view.extension)


def _rounded(seconds: float) -> float:
    """Whole minutes where it is meant as that: times are kept to the millisecond."""
    minutes = round(seconds) / 60
    return int(minutes) if minutes == int(minutes) else round(minutes, 2)


def _remaining(status: Status, expires: datetime | None, *, now: Timestamp) -> int:
    if expires is None or status in {Status.ENDED, Status.FAILED, Status.ENDING}:
        return 0
    return max(0, round(expires.timestamp() - now))

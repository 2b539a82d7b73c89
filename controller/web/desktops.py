"""A session as one person may see it, and the marks by which sessions that were launched here are known. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.admin.models import SessionView
from controller.core.model import Timestamp
from controller.core.notices import LANGUAGE
from controller.web.people import Person, may_control, may_log_in, may_see_all
from controller.web.progress import Progress, Recent, progress_of
from controller.web.tickets import opens

MADE_BY, WEB = "winux.dev/made-by", "web"
"""The label of sessions that were launched here."""
TICKET = "winux.dev/ticket"
"""Annotation: the SHA-256 of the ticket of who launched it."""
CLIENT = "winux.dev/client"
"""Annotation: a keyed hash of the address that it was launched from."""
IDEMPOTENCY = "winux.dev/idempotency"
"""Annotation: a keyed hash of who launched it and the idempotency key."""
PRIVATE = frozenset({TICKET, CLIENT, IDEMPOTENCY})
"""Annotations that are shown to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a manifest of this web's says about a launch."""

    made_here: bool = False
    ticket: str | None = field(default=None, repr=False)
    client: str | None = None
    idempotency: str | None = None
    language: str | None = None


NO_MARKS = Marks()


def marks_of(view: SessionView) -> Marks:
    notes: Mapping[str, str] = view.annotations
    return Marks(
        made_here=view.labels.get(MADE_BY) == WEB,
        ticket=notes.get(TICKET),
        client=notes.get(CLIENT),
        idempotency=notes.get(IDEMPOTENCY),
        language=notes.get(LANGUAGE),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Desktop:
    """One session for one person."""

    view: SessionView
    """What this person may see of it: for others' sessions without owner, place, address and reasons."""
    mine: bool
    """It was launched with this person's ticket, or carries this person's name."""
    may_control: bool
    """Whether this person may extend and end it."""
    may_log_in: bool
    """Whether this person may see by what to log in."""
    progress: Progress
    made_here: bool
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    session: Desktop
    ticket: str = field(repr=False)
    """To be handed to who asked, in the cookie or the body; nobody else ever gets it."""
    repeated: bool = False
    """The same order was carried out before: nothing was made by this one."""


def is_mine(person: Person, view: SessionView, marks: Marks) -> bool:
    if person.name is not None and view.owner == person.name:
        return True
    return opens(person.ticket, marks.ticket)


def may_look(person: Person, view: SessionView, marks: Marks) -> bool:
    """What was not launched here is nobody's business but its owner's and the operators'."""
    return marks.made_here or may_see_all(person) or is_mine(person, view, marks)


def desktop(person: Person, view: SessionView, marks: Marks, *, recent: Recent, now: Timestamp) -> Desktop:
    mine = is_mine(person, view, marks)
    shown = _for_owner(view) if mine or may_see_all(person) else _for_others(view)
    return Desktop(
        view=shown,
        mine=mine,
        may_control=may_control(person, mine=mine),
        may_log_in=may_log_in(person, mine=mine),
        progress=progress_of(view, recent=recent, now=now),
        made_here=marks.made_here,
        language=marks.language,
    )


def _for_owner(view: SessionView) -> SessionView:
    open_notes = {key: text for key, text in view.annotations.items() if key not in PRIVATE}
    return view.model_copy(update={"annotations": open_notes})


def _for_others(view: SessionView) -> SessionView:
    """That it is there, and how it stands."""
    return SessionView(
        name=view.name,
        phase=view.phase,
        reason=view.reason,
        message="",
        template=view.template,
        accepted_at=view.accepted_at,
        ready_at=view.ready_at,
        starts_at=view.starts_at,
        expires_at=view.expires_at,
        seconds_left=view.seconds_left,
        ended_at=view.ended_at,
    )

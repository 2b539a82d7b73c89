"""The front desk: everything that people may ask for, by all the rules there are. Both APIs stand before it.

Who asks is known by then (``identity``); what is written and ordered goes through ``backend``. Nothing is kept here
that a restart would lose but promises of the last moments.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import structlog

from controller.admin.models import (
    ControllerStatus,
    CredentialView,
    EventView,
    NoticeView,
    SessionView,
    TemplateView,
)
from controller.api.quantities import format_duration
from controller.core.model import Phase
from controller.engine.clock import Clock
from controller.web.backend import Backend, asking
from controller.web.desktops import Desktop, Launched, Marks, desktop, is_mine, may_look
from controller.web.launching import Launching, Puzzle, no_puzzle
from controller.web.limits import Buckets
from controller.web.names import checked
from controller.web.people import Person, may_control, may_log_in, may_see_all
from controller.web.places import Places
from controller.web.progress import OVER, Recent, step_of
from controller.web.refusals import Refused, not_yours, unknown
from controller.web.roster import Roster, Snapshot
from controller.web.rules import Rules

_LOG = structlog.get_logger("winux.web")
_PUBLIC_NOTICES = {
    "Paused": "the administrators hold everything at the moment: what is launched now has to wait",
}
_ANY_NOTICE = "something keeps the controller from its work: what is launched now may have to wait"


class Desk:
    """Safe to use from several threads. Refuses with ``Refused``."""

    def __init__(
        self, backend: Backend, *, rules: Rules, clock: Clock, random: Random, puzzle: Puzzle = no_puzzle
    ) -> None:
        """``random`` makes names, no secrets. ``puzzle`` refuses whoever has to solve one and did not."""
        self._backend = backend
        self._rules = rules
        self._clock = clock
        self._roster = Roster(backend, clock=clock)
        self._places = Places(self._roster)
        self._buckets = Buckets(rules.rate, clock=clock)
        self._launching = Launching(
            backend, self._roster, self._places, self._buckets, clock=clock, random=random, puzzle=puzzle
        )

    @property
    def rules(self) -> Rules:
        return self._rules

    def set_rules(self, rules: Rules) -> None:
        """Others from now on, from settings that were loaded anew."""
        self._rules = rules
        self._buckets.set_rate(rules.rate)

    # -- orders ------------------------------------------------------------------------------------------------

    def launch(
        self,
        person: Person,
        *,
        template: str | None = None,
        seconds: float | None = None,
        name: str | None = None,
        language: str | None = None,
        idempotency: str | None = None,
        captcha: str | None = None,
    ) -> Launched:
        """Ask for a desktop; returns when its manifest is written.

        ``seconds``: how long it lives once it is ready; None: as its template says. ``name`` None: one is made up.
        ``language``: of notices on the desktop, ``en`` or ``fr``. ``idempotency``: at least 16 characters of chance;
        the same again from the same person gives the same session. ``captcha``: the answer to the puzzle.
        """
        launched = self._launching.launch(
            person,
            self._rules,
            template=template,
            seconds=seconds,
            name=name,
            language=language,
            idempotency=idempotency,
            captcha=captcha,
        )
        view, marks = self._now(launched.name)
        shown = self._desktop(launched.person, view, marks)
        return Launched(session=shown, ticket=launched.ticket, repeated=launched.repeated)

    def extend(self, person: Person, name: str, seconds: float) -> Desktop:
        """Grant so many seconds more."""
        view, _ = self._controlled(person, name)
        if not (math.isfinite(seconds) and seconds >= 1):
            raise Refused(400, "BadDuration", "a session can be extended by one second or more")
        self._within_maximum(view, seconds)
        with asking():
            self._backend.extend(name, seconds, by=self._launching.said(person))
        self._roster.forget()
        _LOG.info("web.extended", session=name, seconds=seconds, by=person.said, client=person.client)
        return self._desktop(person, *self._now(name))

    def end(self, person: Person, name: str) -> Desktop:
        """End a session now, and remove its manifest."""
        view, marks = self._controlled(person, name)
        with asking():
            self._backend.delete(name, by=self._launching.said(person))
        self._roster.forget()
        _LOG.info("web.ended", session=name, by=person.said, client=person.client)
        try:
            view, _ = self._now(name)
        except Refused as gone:
            if gone.status != 404:
                raise
            # There was nothing but its manifest.
            over = {"phase": Phase.EXPIRED, "reason": "Deleted", "message": "it was ended before it was made"}
            view = view.model_copy(update=over)
        return self._desktop(person, view, marks)

    # -- questions ---------------------------------------------------------------------------------------------

    def look(self, person: Person, name: str) -> Desktop:
        """One session, as of moments ago at most."""
        snapshot = self._roster.snapshot()
        view = snapshot.views.get(checked(name))
        marks = snapshot.marks.get(name)
        if view is None or marks is None or self._is_former(view, snapshot):
            view, marks = self._now(name)
        if not may_look(person, view, marks):
            raise unknown(name)
        return self._desktop(person, view, marks)

    def list(self, person: Person, *, everybody: bool = False) -> tuple[Desktop, ...]:
        """A person's own sessions, by name. ``everybody``: all there are, for operators and administrators."""
        if everybody and not may_see_all(person):
            raise _forbidden(person, "all sessions are for operators to see: log in as one")
        snapshot = self._roster.snapshot()
        known = {name: (view, snapshot.marks[name]) for name, view in snapshot.views.items()}
        for name in self._places.unseen(snapshot):
            if name in known and not self._is_former(known[name][0], snapshot):
                continue
            if (found := self._found(name)) is not None:
                known[name] = found
        return tuple(
            self._desktop(person, view, marks)
            for name, (view, marks) in sorted(known.items())
            if everybody or is_mine(person, view, marks)
        )

    def credential(self, person: Person, name: str) -> CredentialView:
        """By what to log in. Raises ``Refused`` with 409 as long as there is nothing to log in to."""
        before = self._permitted(person, name, may_log_in)
        with asking():
            credential = self._backend.credential(name)
        after, _ = self._now(name)
        if before.uid is not None and after.uid != before.uid:
            raise unknown(name)  # it became somebody else's meanwhile
        _LOG.info("web.credential-shown", session=name, to=person.said, client=person.client)
        return credential

    def events(self, person: Person, name: str | None, *, after: int = 0, limit: int = 100) -> tuple[EventView, ...]:
        """The newest ones, oldest first. ``name`` None: of everything, for operators."""
        if name is None:
            if not may_see_all(person):
                raise _forbidden(person, "all events are for operators to see: log in as one")
            with asking():
                return self._backend.events(after=after, limit=limit)
        view, _ = self._controlled(person, name)
        with asking():
            events = self._backend.events(session=name, after=after, limit=limit)
        if may_see_all(person):
            return events
        # Under the same name somebody else may have had a session before.
        return tuple(event for event in events if view.uid is not None and event.uid == view.uid)

    def templates(self, person: Person) -> tuple[TemplateView, ...]:
        """What is offered, the usual one first; operators see all there is, unusable ones too."""
        found = self._roster.templates()
        if may_see_all(person):
            return found
        rules = self._rules
        offered = [_public(one) for one in found if rules.offers(one.name) and not one.problems]
        order = {name: place for place, name in enumerate(rules.templates or (rules.usual_template,))}
        return tuple(sorted(offered, key=lambda one: (order.get(one.name, len(order)), one.name)))

    def status(self, person: Person) -> ControllerStatus:
        """How everything stands; for who is no operator only what helps to wait."""
        with asking():
            status = self._backend.status()
        if may_see_all(person):
            return status
        notices = {notice.reason: _PUBLIC_NOTICES.get(notice.reason, _ANY_NOTICE) for notice in status.notices}
        return status.model_copy(
            update={
                "controller": "",
                "manifests": "",
                "files": 0,
                "problems": (),
                "notices": tuple(NoticeView(reason=reason, sentence=said) for reason, said in notices.items()),
            }
        )

    def key(self) -> bytes:
        """32 secret bytes, the same after a restart; for what else has to be signed here."""
        return self._roster.key()

    def recent(self) -> Recent:
        """How long the last sessions took to be ready."""
        return self._roster.recent()

    # -- inside ------------------------------------------------------------------------------------------------

    def _desktop(self, person: Person, view: SessionView, marks: Marks) -> Desktop:
        return desktop(person, view, marks, recent=self._roster.recent(), now=self._clock.now())

    def _is_former(self, view: SessionView, snapshot: Snapshot) -> bool:
        """Whether it is over, and another one of that name was launched since."""
        return step_of(view) in OVER and view.name in self._places.unseen(snapshot)

    def _now(self, name: str) -> tuple[SessionView, Marks]:
        """A session as it is at this moment. What decides about rights must not be moments old."""
        try:
            with asking():
                view = self._backend.session(checked(name))
        except Refused as refused:
            raise (unknown(name) if refused.status == 404 else refused) from None
        return view, self._roster.marks_of(view)

    def _found(self, name: str) -> tuple[SessionView, Marks] | None:
        try:
            return self._now(name)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def _controlled(self, person: Person, name: str) -> tuple[SessionView, Marks]:
        view, marks = self._now(name)
        self._require(person, view, marks, may_control(person, mine=is_mine(person, view, marks)))
        return view, marks

    def _permitted(self, person: Person, name: str, may: Callable[..., bool]) -> SessionView:
        view, marks = self._now(name)
        self._require(person, view, marks, may(person, mine=is_mine(person, view, marks)))
        return view

    @staticmethod
    def _require(person: Person, view: SessionView, marks: Marks, permitted: bool) -> None:
        if not permitted:
            raise not_yours(view.name) if may_look(person, view, marks) else unknown(view.name)

    def _within_maximum(self, view: SessionView, seconds: float) -> None:
        if view.ready_at is None or view.expires_at is None:
            return  # the controller says that it is too early
        most = self._rules.max_duration
        left = most - (view.expires_at - view.ready_at).total_seconds()
        if seconds > left + 1.0:
            room = f"by {format_duration(left)} at most" if left >= 1 else "no further"
            raise Refused(
                409,
                "TooLong",
                f"session {view.name} can be extended {room}: {format_duration(most)} are allowed in all",
            )


def _forbidden(person: Person, sentence: str) -> Refused:
    return Refused(401 if person.name is None else 403, "Forbidden", sentence)


def _public(view: TemplateView) -> TemplateView:
    """Without what only concerns who runs the site."""
    return TemplateView(
        name=view.name,
        origin="",
        resources=view.resources,
        limits=view.limits,
        ttl=view.ttl,
        max_ttl=view.max_ttl,
        sessions=view.sessions,
    )

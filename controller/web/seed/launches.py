"""A launch by the old API: asked for, waited for, and told as what it became. Never as more than it became."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool

from controller.engine.clock import Clock
from controller.web.desk import Desk
from controller.web.desktops import Desktop
from controller.web.people import Person
from controller.web.refusals import Refused
from controller.web.seed.lookout import Lookout
from controller.web.seed.models import Launched, LaunchOrder, NotMade, SeedSession, Status
from controller.web.seed.sessions import instant, session_of, shown

AT_ONCE = 4
"""Launches that are written at once: a crowd that launches must not take all threads from those who only look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is answered, whatever it is, goes with the ticket: without it nobody could end the session."""

    status: int
    body: Launched | NotMade
    ticket: str


class Launches:
    """Of one event loop."""

    def __init__(self, *, clock: Clock, lookout: Lookout) -> None:
        self._clock = clock
        self._lookout = lookout
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def launch(self, desk: Desk, person: Person, order: LaunchOrder, *, within: float) -> Told:
        """Waits so many seconds for it to become ready. Raises ``Refused`` where nothing was made."""
        seconds = None if order.duration_minutes is None else order.duration_minutes * 60.0
        async with self._turn:
            made = await run_in_threadpool(desk.launch, person, name=order.session_id or None, seconds=seconds)
        session = self._young(made.session, order)
        owner = replace(person, ticket=made.ticket)
        status, body = await self._outcome(desk, owner, session, within=within)
        return Told(status=status, body=body, ticket=made.ticket)

    async def _outcome(
        self, desk: Desk, owner: Person, session: SeedSession, *, within: float
    ) -> tuple[int, Launched | NotMade]:
        name = session.session_id
        try:
            settled = await self._lookout.settled(desk, owner, name, within=within)
            if settled is None:
                return 202, Launched(session=session, message=f"session {name} is being made: ask for it again")
            found = await run_in_threadpool(shown, desk, owner, settled, now=self._clock.now())
        except Refused as refused:
            if refused.status >= 500:
                return 202, Launched(session=session, message=f"session {name} was asked for: {refused.detail}")
            return 409, _not_made(session.model_copy(update={"status": Status.ENDED}), "was ended meanwhile")
        if found.status is Status.FAILED:
            return 500, _not_made(found, f"could not be made: {found.message}")
        if found.status in {Status.ENDING, Status.ENDED}:
            return 409, _not_made(found, "was ended meanwhile")
        return 201, Launched(session=found, message=f"session {name} is ready")

    def _young(self, launched: Desktop, order: LaunchOrder) -> SeedSession:
        """Right after the launch, when the controller may not have taken it up."""
        now = self._clock.now()
        session = session_of(launched, now=now, asked=order.duration_minutes)
        return session.model_copy(
            update={"status": Status.CREATING, "created_at": session.created_at or instant(now)},
        )


def _not_made(session: SeedSession, what: str) -> NotMade:
    sentence = f"session {session.session_id} {what}"
    return NotMade(session=session, error=sentence, message=sentence)

"""Waiting until sessions are ready, for any number of people at once: one look serves everybody who waits.

Somebody who waits takes no thread. Who waits is bounded, and for how long is each one's own business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from controller.core.incarnation import EndReason
from controller.web.desk import Desk
from controller.web.desktops import Desktop
from controller.web.people import Person
from controller.web.progress import WAITING, Step
from controller.web.refusals import Refused

MOST = 500
"""How many may wait at once."""
EVERY = 0.25
"""Seconds from the end of one look to the next."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Waiter:
    desk: Desk
    person: Person
    name: str
    settled: asyncio.Future[Desktop] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Lookout:
    """Of one event loop."""

    def __init__(self, *, most: int = MOST, every: float = EVERY) -> None:
        self._most = most
        self._every = every
        self._waiters: dict[_Waiter, None] = {}
        self._looking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiters)

    async def settled(self, desk: Desk, person: Person, name: str, *, within: float) -> Desktop | None:
        """The session as soon as nothing is to be waited for any more. None: not in time, or too many wait already.

        Raises:
            Refused: it is gone, or not this person's any more.
        """
        if within <= 0 or len(self._waiters) >= self._most:
            return None
        waiter = _Waiter(desk=desk, person=person, name=name)
        self._waiters[waiter] = None
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())
        try:
            async with asyncio.timeout(within):
                return await waiter.settled
        except TimeoutError:
            return None
        finally:
            del self._waiters[waiter]

    async def _look_on(self) -> None:
        """As long as somebody waits."""
        while self._waiters:
            for waiter, found in await run_in_threadpool(_look, tuple(self._waiters)):
                if waiter.settled.done():
                    continue
                if isinstance(found, Refused):
                    waiter.settled.set_exception(found)
                else:
                    waiter.settled.set_result(found)
            await asyncio.sleep(self._every)


def is_settled(desktop: Desktop) -> bool:
    """Whether waiting would change nothing."""
    step, view = desktop.progress.step, desktop.view
    if step is Step.HELD:
        return view.ready_at is not None
    # A container is given up before the next attempt at one as well as at the end of all attempts.
    given_up = step is Step.ENDING and view.reason == EndReason.NEVER_READY
    return step not in WAITING and not given_up


def _look(waiters: Sequence[_Waiter]) -> list[tuple[_Waiter, Desktop | Refused]]:
    """Those who need not wait any more."""
    found: list[tuple[_Waiter, Desktop | Refused]] = []
    for waiter in waiters:
        try:
            desktop = waiter.desk.look(waiter.person, waiter.name)
        except Refused as refused:
            if refused.status < 500:  # otherwise the controller cannot answer at the moment: that may pass
                found.append((waiter, refused))
        else:
            if is_settled(desktop):
                found.append((waiter, desktop))
    return found

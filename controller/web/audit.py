"""What has to be found again in the log: who logged in, and who was refused what. Launches are the controller's events.

How much one address can fill the log is bounded.
"""

from __future__ import annotations

import structlog
from fastapi import Request

from controller.engine.clock import Clock, SystemClock
from controller.web.hops import client_of
from controller.web.limits import Buckets, Rate, address_key
from controller.web.people import Person
from controller.web.refusals import Refused

TOLD = frozenset({401, 403, 421})
"""Statuses of refusals that are about rights."""
RATE = Rate(times=60, per=60.0)
"""Lines about one address."""
_LOG = structlog.get_logger("winux.web")
_PERSON = "winux.person"
_LONGEST = 200


class Audit:
    """Safe to use from several threads."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._buckets = Buckets(RATE, clock=clock or SystemClock())

    def refused(self, request: Request, refused: Refused) -> None:
        """Any refusal; tells those that are about rights."""
        client = client_of(request)
        if refused.status not in TOLD or self._buckets.take(address_key(client)) is not None:
            return
        person = request.scope.get(_PERSON)
        _LOG.warning(
            "web.refused",
            title=refused.title,
            status=refused.status,
            method=request.method,
            path=request.url.path[:_LONGEST],
            by=person.said if isinstance(person, Person) else None,
            client=client,
        )


def remember(request: Request, person: Person) -> None:
    """Who asks, should what follows be refused."""
    request.scope[_PERSON] = person


def logged_in(request: Request, *, name: str, role: str, by: str) -> None:
    """``by``: the kind of proof, ``token`` or ``oidc``."""
    _LOG.info("web.logged-in", name=name, role=role, by=by, client=client_of(request))


def logged_out(request: Request, *, name: str | None) -> None:
    _LOG.info("web.logged-out", name=name, client=client_of(request))

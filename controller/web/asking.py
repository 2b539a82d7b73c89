"""What every route needs: who asks, the desk, the options; and the ticket's cookie.

Use the three annotations as types of parameters: ``def launch(person: Who, desk: TheDesk, options: TheOptions)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Protocol, cast

from fastapi import APIRouter, Depends, Request, Response

from controller.web.audit import remember
from controller.web.desk import Desk
from controller.web.identity.carried import COOKIE
from controller.web.people import Person
from controller.web.refusals import Refused

_YEAR = 365 * 86_400


class Identify(Protocol):
    """How people are recognised; one for each mode."""

    def identify(self, request: Request) -> Person:
        """Called in a thread of the server's pool. Raises ``Refused`` with 401 for a proof that is wrong.

        Somebody without any proof is a guest where the mode asks for one.
        """
        ...


Answer = Callable[[Request, Refused], Response]
"""How an API says that it refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One API, or the page."""

    prefix: str
    """Of its paths, as ``/api/v1``; empty for what is left."""
    router: APIRouter
    answer: Answer
    """Also for paths below the prefix that lead nowhere, for bodies that cannot be read, and for bugs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What of the settings the routes need. Replaced as a whole when they are loaded anew."""

    mode: str = "open"
    """``open``, ``token``, ``proxy`` or ``oidc``."""
    public_url: str | None = None
    """``https://desktops.example.org``, without a slash at its end."""
    wait: float = 25.0
    """Seconds that a launch by the old API waits for Ready."""
    captcha_site_key: str | None = None


def _who(request: Request) -> Person:
    person = cast("Identify", request.app.state.identify).identify(request)
    remember(request, person)
    return person


async def _desk(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)


async def _options(request: Request) -> Options:
    return cast("Callable[[], Options]", request.app.state.options)()


Who = Annotated[Person, Depends(_who)]
TheDesk = Annotated[Desk, Depends(_desk)]
TheOptions = Annotated[Options, Depends(_options)]


def is_secure(request: Request) -> bool:
    """Whether the browser came by https; trusted proxies tell."""
    return request.scope.get("scheme") == "https"


def hand_over(request: Request, response: Response, ticket: str) -> None:
    """Put the ticket into the browser's cookie."""
    response.set_cookie(
        COOKIE, ticket, max_age=_YEAR, path="/", secure=is_secure(request), httponly=True, samesite="strict"
    )

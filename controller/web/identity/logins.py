"""Who has logged in: one signed cookie for each browser, for a working day.

Its name begins with ``__Host-`` over https: browsers take such a one from this very host only, so that no neighbour in
the same domain can log somebody in as somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request, Response

from controller.web.asking import is_secure
from controller.web.identity.seals import Seals

LOGIN, LOGOUT = "/login", "/logout"
"""Where one logs in, and out; in the modes that have it."""
LASTS = 12 * 3600.0
"""Seconds. A token that is taken back counts no longer at once; a login by ``oidc`` does until it is over."""
NAME = "name"
"""The part of a login that says whose it is."""
_COOKIE = "winux_login"


class Logins:
    """Safe to use from several threads."""

    def __init__(self, seals: Seals, *, kind: str, lasts: float = LASTS) -> None:
        """``kind`` of proof: a login of another one does not count."""
        self._seals = seals
        self._purpose = f"login/{kind}"
        self._lasts = lasts

    def begin(self, request: Request, response: Response, document: Mapping[str, str]) -> None:
        """What the browser shows from now on."""
        response.set_cookie(
            cookie_name(request, _COOKIE),
            self._seals.seal(self._purpose, document, seconds=self._lasts),
            max_age=int(self._lasts),
            path="/",
            secure=is_secure(request),
            httponly=True,
            samesite="lax",
        )

    def found(self, request: Request) -> dict[str, str] | None:
        """What was begun with and is not over."""
        return self._seals.open(self._purpose, request.cookies.get(cookie_name(request, _COOKIE)))

    @staticmethod
    def end(request: Request, response: Response) -> None:
        response.delete_cookie(
            cookie_name(request, _COOKIE), path="/", secure=is_secure(request), httponly=True, samesite="lax"
        )


def cookie_name(request: Request, name: str) -> str:
    return f"__Host-{name}" if is_secure(request) else name

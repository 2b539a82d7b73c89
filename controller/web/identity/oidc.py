"""The mode ``oidc``: people log in with an OpenID Connect provider, and a signed cookie says so for a working day.

What the provider says of groups counts from one login to the next. Logging out here does not log out there.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from controller.web.asking import Part, is_secure
from controller.web.audit import logged_in
from controller.web.hops import client_of
from controller.web.identity.carried import bearer, carried_ticket
from controller.web.identity.claims import Groups, is_name
from controller.web.identity.doors import add_logout, answer
from controller.web.identity.logins import LOGIN, NAME, Logins, cookie_name
from controller.web.identity.provider import Provider
from controller.web.identity.seals import Seals
from controller.web.people import Person, Role
from controller.web.refusals import Refused
from controller.web.tickets import is_ticket

CALLBACK = f"{LOGIN}/callback"
"""Where the provider sends browsers back to, below the public address."""
_COOKIE = "winux_login_flow"
_PURPOSE = "oidc/flow"
_ROLE = "role"
_MINUTES = 600.0
"""Seconds that a login may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Which claims of an ID token say what."""

    name: str = "preferred_username"
    groups: str = "groups"


class OidcIdentity:
    """Who has not logged in is a guest."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    def identify(self, request: Request) -> Person:
        shown = bearer(request)
        if shown is not None and not is_ticket(shown):
            raise Refused(401, "BadToken", "tokens count for nothing here: log in with a browser")
        login = self._logins.found(request) or {}
        ticket, client = carried_ticket(request), client_of(request)
        name, role = login.get(NAME), login.get(_ROLE, Role.GUEST)
        return Person(client=client, name=name, role=Role(role), ticket=ticket)


def oidc_doors(provider: Provider, logins: Logins, seals: Seals, *, claims: Claims, groups: Groups) -> Part:
    """The routes of the mode ``oidc``."""
    router = APIRouter(include_in_schema=False)

    def log_in(request: Request) -> Response:
        flow = {part: secrets.token_urlsafe(32) for part in ("state", "nonce", "verifier")}
        response = RedirectResponse(provider.authorization_url(**flow), status_code=303)
        response.set_cookie(
            cookie_name(request, _COOKIE),
            seals.seal(_PURPOSE, flow, seconds=_MINUTES),
            max_age=int(_MINUTES),
            path="/",
            secure=is_secure(request),
            httponly=True,
            samesite="lax",  # it has to come along when the provider sends the browser back
        )
        return response

    def come_back(request: Request) -> Response:
        flow = seals.open(_PURPOSE, request.cookies.get(cookie_name(request, _COOKIE)))
        state, code = request.query_params.get("state", ""), request.query_params.get("code", "")
        if flow is None or not hmac.compare_digest(state.encode(), flow["state"].encode()):
            raise Refused(400, "NoLogin", "this login was not begun with this browser, or too long ago: begin again")
        if not code:
            raise Refused(401, "LoginFailed", "the service for logging in did not let you in: begin again")
        said = provider.claims(code=code, verifier=flow["verifier"], nonce=flow["nonce"])
        name, role = _name(said, claims), groups.role_of(_groups(said, claims))
        response = RedirectResponse("../", status_code=303)
        logins.begin(request, response, {NAME: name, _ROLE: role})
        response.delete_cookie(
            cookie_name(request, _COOKIE), path="/", secure=is_secure(request), httponly=True, samesite="lax"
        )
        logged_in(request, name=name, role=role, by="oidc")
        return response

    router.add_api_route(LOGIN, log_in, methods=["GET"])
    router.add_api_route(CALLBACK, come_back, methods=["GET"])
    add_logout(router, logins)
    return Part(prefix=LOGIN, router=router, answer=answer)


def _name(said: Mapping[str, object], claims: Claims) -> str:
    name = said.get(claims.name)
    if not isinstance(name, str) or not is_name(name):
        raise Refused(403, "NoName", f"the service for logging in says no usable {claims.name}: ask the administrator")
    return name


def _groups(said: Mapping[str, object], claims: Claims) -> list[str]:
    """A list, or one text with blanks or commas between them."""
    found = said.get(claims.groups)
    if isinstance(found, str):
        return found.replace(",", " ").split()
    return [group for group in found if isinstance(group, str)] if isinstance(found, list) else []

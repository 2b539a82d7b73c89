"""Where people log in with a token, and log out again: two small forms. How one logs in elsewhere is in ``oidc``."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from controller.engine.clock import Clock
from controller.web.asking import Part
from controller.web.audit import Audit, logged_in, logged_out
from controller.web.headers import CONTENT_SECURITY, FORMS
from controller.web.hops import client_of
from controller.web.identity.forms import language_of, login_page, logout_page
from controller.web.identity.logins import LOGIN, LOGOUT, NAME, Logins
from controller.web.identity.token import DIGEST, TokenIdentity
from controller.web.limits import Buckets, Rate, address_key
from controller.web.refusals import Refused

ATTEMPTS = Rate(times=20, per=60.0)
"""Of one address. Nobody guesses a token; this bounds what the log and the processor have to take."""
_MOST_FIELDS = 8
HOME = "./"
"""Relative: the page may be served below any path."""


def answer(_request: Request, refused: Refused) -> Response:
    """A refusal in words: these paths are for people."""
    return PlainTextResponse(f"{refused.detail}\n", status_code=refused.status, headers=refused.headers)


def form_page(html: str, *, status: int = 200) -> Response:
    return HTMLResponse(html, status_code=status, headers={CONTENT_SECURITY: FORMS})


def home() -> Response:
    """To the page, by GET."""
    return RedirectResponse(HOME, status_code=303)


async def _sent(request: Request) -> str:
    """The token of the form."""
    try:
        fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Refused(400, "Malformed", f"a form has {_MOST_FIELDS} fields at most: use the one of this page") from None
    return fields.get("token", [""])[0].strip()


Sent = Annotated[str, Depends(_sent)]


def token_doors(identity: TokenIdentity, logins: Logins, *, clock: Clock) -> Part:
    """The routes of the mode ``token``."""
    router = APIRouter(include_in_schema=False)
    attempts, audit = Buckets(ATTEMPTS, clock=clock), Audit(clock=clock)

    def ask(request: Request) -> Response:
        return form_page(login_page(_language(request)))

    def log_in(request: Request, token: Sent) -> Response:
        wait = attempts.take(address_key(client_of(request)))
        if wait is not None:
            raise Refused(429, "TooOften", f"too many attempts: try again in {wait:.0f} s", retry_after=wait)
        try:
            holder = identity.holder(token)
        except Refused as refused:
            if refused.status != 401:
                raise
            audit.refused(request, refused)
            return form_page(login_page(_language(request), wrong=True), status=401)
        response = home()
        logins.begin(request, response, {NAME: holder.name, DIGEST: holder.digest})
        logged_in(request, name=holder.name, role=holder.role, by="token")
        return response

    router.add_api_route(LOGIN, ask, methods=["GET"])
    router.add_api_route(LOGIN, log_in, methods=["POST"])
    add_logout(router, logins)
    return Part(prefix=LOGIN, router=router, answer=answer)


def add_logout(router: APIRouter, logins: Logins) -> None:
    """A question first: a link that logs out could stand on any page."""

    def ask(request: Request) -> Response:
        return form_page(logout_page(_language(request)))

    def log_out(request: Request) -> Response:
        login = logins.found(request)
        response = home()
        logins.end(request, response)
        if login is not None:
            logged_out(request, name=login.get(NAME))
        return response

    router.add_api_route(LOGOUT, ask, methods=["GET"])
    router.add_api_route(LOGOUT, log_out, methods=["POST"])


def _language(request: Request) -> str:
    return language_of(request.headers.get("accept-language", ""))

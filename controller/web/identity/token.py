"""The mode ``token``: programs send their token with each request, people log in with it once.

``Authorization: Bearer wxk_…``, or the signed cookie of a login, which counts as long as its token is in the file.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from fastapi import Request

from controller.web.backend import AGAIN_IN
from controller.web.hops import client_of
from controller.web.identity.carried import bearer, carried_ticket
from controller.web.identity.logins import Logins
from controller.web.identity.tokens import Holder, NoTokens, TokensFile, is_token
from controller.web.people import Person, Role
from controller.web.refusals import Refused
from controller.web.tickets import is_ticket

_LOG = structlog.get_logger("winux.web")
DIGEST = "sha256"
"""The part of a login that says by which token."""


class TokenIdentity:
    """Without any proof one is a guest; a wrong one is refused."""

    def __init__(self, tokens: TokensFile, logins: Logins) -> None:
        self._tokens = tokens
        self._logins = logins

    def identify(self, request: Request) -> Person:
        ticket, client = carried_ticket(request), client_of(request)
        holder = self._holder(request)
        if holder is None:
            return Person(client=client, role=Role.GUEST, ticket=ticket)
        return Person(client=client, name=holder.name, role=holder.role, ticket=ticket)

    def _holder(self, request: Request) -> Holder | None:
        shown = bearer(request)
        if shown is not None and not is_ticket(shown):
            return self.holder(shown)
        login = self._logins.found(request)
        return None if login is None else _usable(lambda: self._tokens.by_digest(login.get(DIGEST, "")))

    def holder(self, token: str) -> Holder:
        """Whose it is. Raises ``Refused`` with 401."""
        found = _usable(lambda: self._tokens.holder(token)) if is_token(token) else None
        if found is None:
            raise Refused(401, "BadToken", "this token is none of those that were given out here")
        return found


def _usable(find: Callable[[], Holder | None]) -> Holder | None:
    try:
        return find()
    except NoTokens as problem:
        _LOG.error("web.no-tokens", problem=str(problem))
        sentence = "nobody can be recognised at the moment: the administrators find why in the log"
        raise Refused(503, "NoTokens", sentence, retry_after=AGAIN_IN) from None

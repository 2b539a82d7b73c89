"""Who calls: API tokens and tickets, with the 401s of pveproxy. What they may do lives in ``access``.

A ticket is the user's name and the time, signed; writes made with one need the CSRF token that came with it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import unquote

from controller.node.access import Access, Identity, Token, User
from controller.node.errors import Refusal

TICKET_SECONDS = 7200
_TOKEN_HEADER = re.compile(r"PVEAPIToken[=\s]\s*(.+)")
_COOKIE = re.compile(r"(?:^|;\s*)PVEAuthCookie=([^;]*)")


def refused(text: str) -> Refusal:
    """A 401: empty body, and the dispatcher delays it by three seconds."""
    return Refusal(401, text, body=False)


class Authentication:
    """Checks credentials against user.cfg and signs tickets with a key of its own."""

    def __init__(self, access: Access, *, key: bytes) -> None:
        self._access = access
        self._key = key

    def identify(self, headers: Mapping[str, str], *, method: str, now: float) -> Identity:
        """The caller, or raises a 401."""
        if match := _TOKEN_HEADER.fullmatch(headers.get("authorization", "")):
            return self._by_token(match[1], now)
        if match := _COOKIE.search(headers.get("cookie", "")):
            identity = self.by_ticket(unquote(match[1]), now)
            if method != "GET" and not self._csrf_is_valid(identity.user, headers.get("csrfpreventiontoken", ""), now):
                raise refused("Permission denied - invalid csrf token")
            return identity
        raise refused("No ticket")

    def _by_token(self, text: str, now: float) -> Identity:
        authid, _, secret = text.partition("=")
        user, _, name = authid.partition("!")
        token = self._access.tokens.get(authid)
        if token is None or not hmac.compare_digest(token.secret.encode(), secret.encode()):
            raise refused("Authentication failed!")
        self._check_alive(user, now, token)
        return Identity(user, name)

    def _check_alive(self, name: str, now: float, token: Token | None = None) -> None:
        user: User | None = self._access.users.get(name)
        if user is None or not user.enabled:
            raise refused("Authentication failed!")
        if any(0 < expires <= now for expires in (user.expires, token.expires if token else 0)):
            raise refused("Authentication failed!")

    # tickets

    def log_in(self, name: str, password: str, now: float) -> Identity:
        """A user by password, or by an old ticket in its place; else a 401."""
        user = self._access.users.get(name)
        if password.startswith("PVE:"):
            identity = self.by_ticket(password, now)
            if identity.user == name:
                return identity
        elif user and user.password is not None and hmac.compare_digest(user.password.encode(), password.encode()):
            self._check_alive(name, now)
            return Identity(name)
        raise refused("authentication failure")

    def ticket(self, name: str, now: float) -> str:
        plain = f"PVE:{name}:{int(now):08X}"
        return f"{plain}::{self._sign(plain)}"

    def csrf(self, name: str, now: float) -> str:
        stamp = f"{int(now):08X}"
        return f"{stamp}:{self._sign(f'{stamp}:{name}')}"

    def by_ticket(self, text: str, now: float) -> Identity:
        plain, _, signature = text.partition("::")
        kind, _, rest = plain.partition(":")
        name, _, stamp = rest.rpartition(":")
        if kind != "PVE" or not hmac.compare_digest(signature.encode(), self._sign(plain).encode()):
            raise refused("Authentication failed!")
        if not _is_fresh(stamp, now):
            raise refused("Authentication failed!")
        self._check_alive(name, now)
        return Identity(name)

    def _csrf_is_valid(self, name: str, text: str, now: float) -> bool:
        stamp, _, signature = text.partition(":")
        genuine = hmac.compare_digest(signature.encode(), self._sign(f"{stamp}:{name}").encode())
        return genuine and _is_fresh(stamp, now)

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _is_fresh(stamp: str, now: float) -> bool:
    """Five minutes of clock difference between nodes are tolerated."""
    try:
        age = now - int(stamp, 16)
    except ValueError:
        return False
    return -300 <= age <= TICKET_SECONDS

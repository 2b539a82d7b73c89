"""Who calls: API tokens and tickets, with the 401s of pveproxy. What they may do lives in ``access``.

A ticket is the user's name and the time, signed; writes made with one need the CSRF token that came with it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import unquote

from controller.node.access import ROOT, Access, Identity
from controller.node.errors import Refusal
from controller.node.release import NEWEST, Release

TICKET_SECONDS = 7200
CONSOLE_SECONDS, CLOCK_DIFFERENCE = 40, -20
_TOKEN_HEADER = re.compile(r"PVEAPIToken[=\s]\s*(.+)")
_COOKIE = re.compile(r"(?:^|;\s*)PVEAuthCookie=([^;]*)")


def refused(text: str) -> Refusal:
    """A 401: empty body, and the dispatcher delays it by three seconds."""
    return Refusal(401, text, body=False)


class Authentication:
    """Checks credentials against user.cfg and signs tickets with a key of its own."""

    def __init__(self, access: Access, *, key: bytes, release: Release = NEWEST) -> None:
        self._access = access
        self._key = key
        self._release = release

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
        authid, equals, secret = text.rpartition("=")
        user, mark, name = authid.partition("!")
        if not equals:
            raise self._failed("no tokenid specified")
        if not mark:
            raise self._failed(f"'{authid}' is not a valid token ID - not able to split into user and token parts")
        self._check_alive(user, now)
        token = self._access.tokens.get(authid)
        if token is None:
            raise self._failed(f"no such token '{name}' for user '{user}'")
        if 0 < token.expires < now:
            raise self._failed(f"token '{name}' access expired")
        if not hmac.compare_digest(token.secret.encode(), secret.encode()):
            raise self._failed("invalid token value!")
        return Identity(user, name)

    def _check_alive(self, name: str, now: float) -> None:
        user = self._access.users.get(name)
        if user is None:
            raise self._failed(f"no such user ('{name}')")
        if not user.enabled:
            raise self._failed(f"user '{name}' is disabled")
        if 0 < user.expires < now:
            raise self._failed(f"user '{name}' access expired")

    def _failed(self, why: str) -> Refusal:
        """Since pve-manager 9.1.5 nobody is told why."""
        return refused("Authentication failed!" if self._release.one_text_for_401 else why)

    # tickets

    def log_in(self, name: str, password: str, now: float) -> Identity:
        """A user by password, or by an old ticket in its place, which root's does for everybody; else a 401."""
        try:
            self._check_alive(name, now)
            if password.startswith("PVE:"):
                known = self.by_ticket(password, now).user in (name, ROOT)
            else:
                kept = self._access.users[name].password
                known = kept is not None and hmac.compare_digest(kept.encode(), password.encode())
        except Refusal:
            known = False
        if not known:
            raise refused("authentication failure")
        return Identity(name)

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
        genuine = kind == "PVE" and hmac.compare_digest(signature.encode(), self._sign(plain).encode())
        if not genuine or not _is_fresh(stamp, now):
            raise self._failed("permission denied - invalid PVE ticket")
        self._check_alive(name, now)
        return Identity(name)

    def _csrf_is_valid(self, name: str, text: str, now: float) -> bool:
        stamp, _, signature = text.partition(":")
        genuine = hmac.compare_digest(signature.encode(), self._sign(f"{stamp}:{name}").encode())
        return genuine and _is_fresh(stamp, now)

    def console_ticket(self, authid: str, path: str, port: int, now: float) -> str:
        """For the console of one guest at one port. It does not name the user, only its signature knows."""
        plain = f"PVEVNC:{int(now):08X}"
        return f"{plain}::{self._sign(f'{plain}:{authid}:{path}:{port}')}"

    def is_console_ticket(self, text: str, authid: str, path: str, *, port: int, now: float) -> bool:
        """Whether it was made for them, at most 40 seconds ago."""
        plain, _, signature = text.partition("::")
        genuine = hmac.compare_digest(signature.encode(), self._sign(f"{plain}:{authid}:{path}:{port}").encode())
        try:
            age = int(now) - int(plain.removeprefix("PVEVNC:"), 16)
        except ValueError:
            return False
        return genuine and CLOCK_DIFFERENCE <= age <= CONSOLE_SECONDS

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _is_fresh(stamp: str, now: float) -> bool:
    """Five minutes of clock difference between nodes are tolerated."""
    try:
        age = now - int(stamp, 16)
    except ValueError:
        return False
    return -300 <= age <= TICKET_SECONDS

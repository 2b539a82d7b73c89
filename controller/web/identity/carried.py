"""What a request carries of proofs: the ticket of the cookie, and the token of the Authorization header."""

from __future__ import annotations

from fastapi import Request

from controller.web.tickets import is_ticket

COOKIE = "winux_ticket"
_LONGEST = 4096


def bearer(request: Request) -> str | None:
    """The token of ``Authorization: Bearer …``; None where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and 0 < len(token) <= _LONGEST else None


def carried_ticket(request: Request) -> str | None:
    """A ticket by its form, whatever it is worth. A header wins: whoever sends one means it."""
    token = bearer(request)
    if is_ticket(token):
        return token
    cookie = request.cookies.get(COOKIE)
    return cookie if is_ticket(cookie) else None

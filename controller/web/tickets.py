"""Tickets: what proves that a browser or a program launched a session. Only a ticket's SHA-256 is kept.

A ticket has 256 bits of chance, so that a plain hash tells nothing about it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

PREFIX = "wxt_"
_TICKET = re.compile(r"wxt_[A-Za-z0-9_-]{43}\Z", re.ASCII)


def new_ticket() -> str:
    return _ticket(secrets.token_bytes(32))


def derived_ticket(key: bytes, *about: str) -> str:
    """The same for the same texts: a launch whose answer was lost can be answered again. ``key`` is secret."""
    return _ticket(hmac.digest(key, _joined("ticket", *about), hashlib.sha256))


def is_ticket(text: str | None) -> bool:
    """Whether it has the form of one."""
    return text is not None and _TICKET.match(text) is not None


def ticket_hash(ticket: str) -> str:
    """As manifests carry it."""
    return hashlib.sha256(ticket.encode()).hexdigest()


def opens(ticket: str | None, kept: str | None) -> bool:
    """Whether the ticket is the one whose hash was kept. Takes as long for a wrong one as for a right one."""
    if ticket is None or kept is None or not is_ticket(ticket):
        return False
    return hmac.compare_digest(ticket_hash(ticket).encode(), kept.encode())


def digest(key: bytes, purpose: str, *about: str) -> str:
    """Something to compare by what must not be read back, such as an address: a keyed hash, as hex."""
    return hmac.digest(key, _joined(purpose, *about), hashlib.sha256).hex()[:32]


def _ticket(raw: bytes) -> str:
    return PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _joined(*parts: str) -> bytes:
    """Each with its length before it: no two lists of texts give the same bytes."""
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))

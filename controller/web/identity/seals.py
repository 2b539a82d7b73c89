"""Texts that come back unchanged or not at all: small documents in cookies, signed, each for one purpose and a while.

They are signed and not hidden: whoever has the cookie can read them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping

from controller.core.model import Timestamp
from controller.engine.clock import Clock

_LONGEST = 4000
"""Characters. Browsers keep 4096 bytes of a cookie with its name and attributes."""


class Seals:
    """Safe to use from several threads."""

    def __init__(self, key: Callable[[], bytes], *, clock: Clock) -> None:
        """``key``: 32 secret bytes that stay the same over restarts; asked for when they are needed."""
        self._key = key
        self._clock = clock

    def seal(self, purpose: str, document: Mapping[str, str], *, seconds: float) -> str:
        """A text for a cookie or a query. Raises ``ValueError`` for a document that no cookie has room for."""
        until = self._clock.now() + seconds
        raw = json.dumps({"until": until, "is": dict(document)}, separators=(",", ":")).encode()
        sealed = f"{_text(raw)}.{_text(self._signature(purpose, raw))}"
        if len(sealed) > _LONGEST:
            raise ValueError(f"{len(sealed)} characters are too many for a cookie")
        return sealed

    def open(self, purpose: str, sealed: str | None) -> dict[str, str] | None:
        """The document; None for what was not sealed here for this purpose, or too long ago."""
        if sealed is None or len(sealed) > _LONGEST or not sealed.isascii():
            return None
        body, _, signature = sealed.partition(".")
        try:
            raw, signed = _bytes(body), _bytes(signature)
        except (binascii.Error, ValueError):
            return None
        # Nothing is read of what is not ours.
        if not hmac.compare_digest(signed, self._signature(purpose, raw)):
            return None
        found = json.loads(raw)
        until: Timestamp = found["until"]
        return found["is"] if self._clock.now() < until else None

    def _signature(self, purpose: str, raw: bytes) -> bytes:
        derived = hmac.digest(self._key(), f"winux.dev/seal/{purpose}".encode(), hashlib.sha256)
        return hmac.digest(derived, raw, hashlib.sha256)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

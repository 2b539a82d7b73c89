"""Passwords of desktops: how they are made, and a wrapper that keeps them out of logs. Stores and sends nothing."""

from __future__ import annotations

import hmac
import secrets
from typing import NoReturn

ALPHABET = "bcdefghijknoprstuvx"
"""Letters on the same key of English, French and German keyboards (no a, q, w, z, m, y): RDP sends keys, and
the login screen may have another layout than its user. Digits need Shift in France; capitals need it everywhere, and
some look like other letters, as l does. One of nineteen is 4.2 bits."""

LENGTH = 20
"""Letters: 84 bits."""


class Secret:
    """A text that shows itself to nobody who did not ask for it: not to logs, reprs, f-strings, JSON or pickle."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled: reveal it where it has to go")


def generate_password() -> Secret:
    """A new password of ``LENGTH`` letters from the machine's source of randomness."""
    return Secret("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))

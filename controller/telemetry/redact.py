"""Secrets stay out of texts: by the name of a field, and by their very value wherever it turns up.

The values are registered by whoever reads or makes them; nothing here knows where secrets come from.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

HIDDEN = "[hidden]"

_SECRET_WORDS = frozenset(
    {"password", "passwd", "passphrase", "token", "secret", "authorization", "cookie", "credential", "credentials"}
)
_SECRET_ENDS = ("password", "token", "secret")
"""For names written in one word, such as ``proxytoken``."""
_HARMLESS_LAST_WORDS = frozenset({"id", "file", "path", "name", "count", "total", "seconds"})
"""``token_id`` and ``token_secret_file`` name a secret and are none."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MAX_DEPTH = 12


def secret_looking(name: str) -> bool:
    """Whether a field of this name would hold a secret: ``tokenSecret``, ``X-Api-Token``, but not ``token_id``."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _HARMLESS_LAST_WORDS:
        return False
    return any(word in _SECRET_WORDS or word.rstrip("s").endswith(_SECRET_ENDS) for word in words)


class Redactor:
    """Registered values by their length, so that the cost grows with a text and not with the number of secrets."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_length: dict[int, set[str]] = {}

    def register(self, secret: str) -> None:
        """From now on this value, and what URLs and JSON make of it, is hidden. An empty one raises ``ValueError``."""
        if not secret:
            raise ValueError("an empty secret would be found everywhere")
        with self._lock:
            for form in _forms(secret):
                self._by_length.setdefault(len(form), set()).add(form)

    def forget(self, secret: str) -> None:
        """The value is no secret any more, such as the password of a session that ended."""
        with self._lock:
            for form in _forms(secret):
                known = self._by_length.get(len(form), set())
                known.discard(form)
                if not known:
                    self._by_length.pop(len(form), None)

    def clean(self, text: str) -> str:
        """The text without any registered value."""
        with self._lock:
            lengths = sorted(self._by_length.items(), reverse=True)
        for length, secrets in lengths:
            position = 0
            while position + length <= len(text):
                if text[position : position + length] in secrets:
                    text = text[:position] + HIDDEN + text[position + length :]
                    position += len(HIDDEN)
                else:
                    position += 1
        return text

    def clean_fields(self, fields: Mapping[str, object], *, depth: int = 0) -> dict[str, object]:
        """A copy in which secret-looking fields lose their values altogether, and the others are clean."""
        return {
            self.clean(name): HIDDEN if secret_looking(name) else self.clean_value(value, depth=depth)
            for name, value in fields.items()
        }

    def clean_value(self, value: object, *, depth: int = 0) -> object:
        """Text, numbers, mappings and sequences, as deep as they go; anything else becomes text."""
        if isinstance(value, str):
            return self.clean(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth >= _MAX_DEPTH:
            return HIDDEN
        if isinstance(value, Mapping):
            return self.clean_fields({str(name): part for name, part in value.items()}, depth=depth + 1)
        if isinstance(value, list | tuple | set | frozenset):
            return [self.clean_value(part, depth=depth + 1) for part in value]
        # Whatever a renderer would make of it must not differ from what was looked at.
        return self.clean(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def _forms(secret: str) -> set[str]:
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
    }


_redactor = Redactor()
register = _redactor.register
forget = _redactor.forget
clean = _redactor.clean
clean_fields = _redactor.clean_fields

"""Signed documents in cookies."""

from __future__ import annotations

import base64
import json

import pytest

from controller.engine.clock import VirtualClock
from controller.web.identity.seals import Seals

KEY = b"k" * 32
DOCUMENT = {"name": "Zoë", "groups": "a,b"}


def _seals(key: bytes = KEY, clock: VirtualClock | None = None) -> Seals:
    return Seals(lambda: key, clock=clock or VirtualClock())


def test_what_was_sealed_comes_back_as_it_was() -> None:
    sealed = _seals().seal("login", DOCUMENT, seconds=60)
    assert _seals().open("login", sealed) == DOCUMENT
    assert sealed.isascii()
    assert not set(sealed) & set(' ",;\\=')  # what a cookie cannot have, or browsers quote


def test_it_is_for_one_purpose_and_of_one_key() -> None:
    sealed = _seals().seal("login/token", DOCUMENT, seconds=60)
    assert _seals().open("login/oidc", sealed) is None
    assert _seals(b"x" * 32).open("login/token", sealed) is None


def test_it_is_for_a_while() -> None:
    clock = VirtualClock()
    seals = _seals(clock=clock)
    sealed = seals.seal("login", DOCUMENT, seconds=60)
    clock.advance(59)
    assert seals.open("login", sealed) == DOCUMENT
    clock.advance(1)
    assert seals.open("login", sealed) is None


def test_no_changed_character_gets_through() -> None:
    sealed = _seals().seal("login", DOCUMENT, seconds=60)
    for place, character in enumerate(sealed):
        other = "A" if character != "A" else "B"
        changed = sealed[:place] + other + sealed[place + 1 :]
        found = _seals().open("login", changed)
        # The last character of base64 has bits that say nothing: what is signed is still the same.
        assert found is None or (found == DOCUMENT and place in {sealed.index(".") - 1, len(sealed) - 1})


def _forged(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "sealed",
    [
        None,
        "",
        ".",
        "x",
        "x.y",
        "é.é",
        "a b.c d",
        f"{_forged({'until': 9e12, 'is': DOCUMENT})}.",
        f"{_forged({'until': 9e12, 'is': DOCUMENT})}.AAAA",
        "A" * 100_000,
    ],
)
def test_what_was_never_sealed_is_none(sealed: str | None) -> None:
    assert _seals().open("login", sealed) is None


def test_what_no_cookie_has_room_for_is_not_sealed() -> None:
    with pytest.raises(ValueError, match="too many for a cookie"):
        _seals().seal("login", {"name": "x" * 4000}, seconds=60)

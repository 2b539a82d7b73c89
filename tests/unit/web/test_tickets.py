"""Tickets, and what is kept of them."""

from __future__ import annotations

import pytest

from controller.web.tickets import derived_ticket, digest, is_ticket, new_ticket, opens, ticket_hash

KEY = bytes(range(32))


def test_a_ticket_opens_what_its_hash_was_kept_of_and_nothing_else() -> None:
    ticket, other = new_ticket(), new_ticket()
    assert is_ticket(ticket)
    assert len(ticket_hash(ticket)) == 64
    assert opens(ticket, ticket_hash(ticket))
    assert not opens(other, ticket_hash(ticket))


@pytest.mark.parametrize("kept", [None, "", "0" * 64])
def test_without_a_hash_nothing_opens(kept: str | None) -> None:
    assert not opens(new_ticket(), kept)


@pytest.mark.parametrize(
    "shown", [None, "", "wxt_", "wxt_short", "x" * 47, "wxt_" + "é" * 43, "wxt_" + "a" * 43 + "\n"]
)
def test_what_has_not_the_form_of_one_opens_nothing_not_even_its_own_hash(shown: str | None) -> None:
    assert not is_ticket(shown)
    assert not opens(shown, ticket_hash(shown or ""))


def test_a_derived_one_is_the_same_for_the_same_and_for_nothing_else() -> None:
    ticket = derived_ticket(KEY, "a", "bc")
    assert is_ticket(ticket)
    assert ticket == derived_ticket(KEY, "a", "bc")
    assert ticket not in {
        derived_ticket(KEY, "ab", "c"),
        derived_ticket(KEY, "a"),
        derived_ticket(bytes(32), "a", "bc"),
    }


def test_a_digest_depends_on_key_and_purpose() -> None:
    said = digest(KEY, "client", "192.0.2.1")
    assert said == digest(KEY, "client", "192.0.2.1")
    assert said not in {digest(KEY, "idempotency", "192.0.2.1"), digest(bytes(32), "client", "192.0.2.1")}

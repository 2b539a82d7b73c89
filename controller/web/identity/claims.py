"""What a proxy or a provider says about a person, and what it comes to here: a name, and a role by groups. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from controller.web.people import Role

LONGEST_NAME = 253
"""Characters, as of an owner in a manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Of the settings; each a name as the proxy or the provider writes it."""

    users: frozenset[str] = frozenset()
    """Empty: everybody who proves a name."""
    operators: frozenset[str] = frozenset()
    admins: frozenset[str] = frozenset()

    def role_of(self, groups: Iterable[str]) -> Role:
        """The highest one; a guest where it takes a group to launch and none of them is among these."""
        found = set(groups)
        if found & self.admins:
            return Role.ADMIN
        if found & self.operators:
            return Role.OPERATOR
        return Role.USER if not self.users or found & self.users else Role.GUEST


def is_name(text: str) -> bool:
    """Whether it can be the owner of sessions: one name, on one line, that looks like what it is.

    A comma is what two values of a header are joined by; what is not printable, such as a mark that turns the direction
    of writing, only serves to look like somebody else.
    """
    return 0 < len(text) <= LONGEST_NAME and text == text.strip() and text.isprintable() and "," not in text

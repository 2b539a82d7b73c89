"""Who asks, and who may do what. Pure; how a person is recognised is in ``identity``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """Each may do what those before it may."""

    GUEST = "guest"
    """Nobody in particular: sees whether the house is open."""
    USER = "user"
    """Launches desktops, and does as they please with their own."""
    OPERATOR = "operator"
    """Sees all sessions, and extends and ends them."""
    ADMIN = "admin"
    """Sees how to log in to all of them, too."""

    def covers(self, other: Role) -> bool:
        """Whether this role may do what the other one may."""
        return _ORDER.index(self) >= _ORDER.index(other)


_ORDER = tuple(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is behind a request."""

    client: str
    """The address that the request came from, behind proxies that are trusted."""
    name: str | None = None
    """By which sessions are theirs; None where nobody proves a name, as in the open mode."""
    role: Role = Role.GUEST
    ticket: str | None = field(default=None, repr=False)
    """What the browser or the program showed of an earlier launch, whatever it is worth."""

    @property
    def said(self) -> str:
        """As events name them."""
        return self.name if self.name is not None else "a visitor"


def may_launch(person: Person) -> bool:
    return person.role.covers(Role.USER)


def may_see_all(person: Person) -> bool:
    return person.role.covers(Role.OPERATOR)


def may_control(person: Person, *, mine: bool) -> bool:
    """Extend and end a session. Whose ticket it is may do so in whatever role: the ticket is the proof."""
    return mine or person.role.covers(Role.OPERATOR)


def may_log_in(person: Person, *, mine: bool) -> bool:
    """See by what to log in to a session."""
    return mine or person.role.covers(Role.ADMIN)

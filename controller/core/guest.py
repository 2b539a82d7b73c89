"""What is known about the controller's way into a guest, and what can be done on it. Pure values.

The way is SSH, as root, with the controller's key. Whether and when something is done is decided in
``controller.core.errands``; how it is done stands in ``controller.guest``.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.core.model import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """An order for a new password, until that is set."""

    by: str
    ordered_at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The last notice that the desktop was given: of which end, and how long before it, in seconds."""

    end: Timestamp
    lead: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """How far things have come inside a container. A new container begins anew."""

    host_key: str | None = None
    """By which the guest is known (``ssh-ed25519 AAAA…``); None before the first contact."""
    next_host_key: str | None = None
    """Made in the guest and about to take the place of the template's; both are trusted until it was seen."""
    renewed: bool = False
    """The host key is no longer the template's, as far as we know: a pin no longer applies."""
    answering: str | None = None
    """The address at which the desktop answered, while something is still to be set up before it is Ready."""
    password_set: bool = False
    sudo_set: bool = False
    rotation: Rotation | None = None
    told: Told | None = None
    log: str | None = None
    """The last lines that a guest said that never became ready; empty where they could not be read."""
    failures: int = 0
    """Errands that failed in a row."""
    failed_at: Timestamp | None = None

    def anew(self) -> Guest:
        """For the next container of the same life: an order that was given still stands."""
        return Guest(rotation=self.rotation)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What has to be done in the guest before a person may log in, in one go."""

    password: bool = False
    sudo: bool = False
    host_key: bool = False
    """Make a host key of its own, beside the one from the template."""


@dataclass(frozen=True, slots=True)
class TakeHostKey:
    """Use the guest's own host key from now on."""


@dataclass(frozen=True, slots=True)
class Greet:
    """Make contact for the first time, to remember by which key the guest is known."""


@dataclass(frozen=True, slots=True)
class Rotate:
    """Set the new password that was ordered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Tell whoever sits at the desktop when it ends."""

    end: Timestamp
    lead: float


@dataclass(frozen=True, slots=True)
class ReadLog:
    """Read the last lines of the journal of a guest that is given up."""


Errand = SetUp | TakeHostKey | Greet | Rotate | Notify | ReadLog

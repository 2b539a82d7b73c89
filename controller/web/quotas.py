"""How many sessions people may have at once. Pure; who counts, and since when, is the desk's business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controller.web.refusals import Refused

FULL_FOR = 30.0
"""Seconds after which it is worth asking again where all is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """Sessions that were launched here and are not over. None: as many as there is room for."""

    total: int | None = None
    per_person: int | None = None
    """By name; a visitor without one counts by the ticket of the browser."""
    per_address: int | None = None
    """Of visitors without a name: a class that logs in may sit behind one address."""
    per_template: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One session that takes room, or is to."""

    template: str
    owner: str | None
    ticket: str | None
    """The hash of its ticket."""
    address: str | None
    """The keyed hash of the address that it was launched from."""
    leaving: bool = False
    """It is ending: it takes room as long as its container is there, but its owner may have another one."""


def check(quotas: Quotas, claims: Iterable[Claim], wanted: Claim) -> None:
    """Whether there may be one more. Raises ``Refused``: 429 where the person has enough, 503 where all is taken."""
    there = tuple(claims)
    theirs = [claim for claim in there if not claim.leaving and _same_person(claim, wanted)]
    if _reached(quotas.per_person, len(theirs)):
        raise Refused(
            429, "TooManyOfYours", f"you have {_desktops(len(theirs))} already, which is as many as allowed: end one"
        )
    if wanted.owner is None:
        nearby = sum(not claim.leaving and claim.owner is None and claim.address == wanted.address for claim in there)
        if _reached(quotas.per_address, nearby):
            raise Refused(
                429,
                "TooManyFromYourAddress",
                f"{_desktops(nearby)} were launched from your address already, which is as many as allowed: "
                "end one, or wait until one ends",
            )
    alike = sum(claim.template == wanted.template for claim in there)
    if _reached(quotas.per_template.get(wanted.template), alike):
        raise Refused(
            503,
            "TemplateFull",
            f"all {alike} desktops of the kind {wanted.template} are taken: try again later",
            retry_after=FULL_FOR,
        )
    if _reached(quotas.total, len(there)):
        raise Refused(503, "Full", f"all {len(there)} desktops are taken: try again later", retry_after=FULL_FOR)


def _same_person(claim: Claim, wanted: Claim) -> bool:
    if wanted.owner is not None:
        return claim.owner == wanted.owner
    return wanted.ticket is not None and claim.owner is None and claim.ticket == wanted.ticket


def _reached(most: int | None, count: int) -> bool:
    return most is not None and count >= most


def _desktops(count: int) -> str:
    return f"{count} desktop{'' if count == 1 else 's'}"

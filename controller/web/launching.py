"""A launch, step by step: may they, how often, with what, is there room; then one manifest in a file of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

import structlog
from pydantic import ValidationError

from controller.admin.models import TemplateView
from controller.api.dump import dump
from controller.api.manifest import API_VERSION
from controller.api.quantities import format_duration, parse_duration
from controller.api.session import Session
from controller.core.notices import LANGUAGE, LANGUAGES
from controller.engine.clock import Clock
from controller.web.backend import AGAIN_IN, Backend, asking
from controller.web.desktops import CLIENT, IDEMPOTENCY, MADE_BY, TICKET, WEB
from controller.web.limits import Buckets, address_key
from controller.web.names import checked, made_up
from controller.web.people import Person, may_launch
from controller.web.places import Place, Places
from controller.web.quotas import Claim
from controller.web.refusals import Refused
from controller.web.roster import Roster
from controller.web.rules import Rules
from controller.web.tickets import derived_ticket, digest, is_ticket, new_ticket, ticket_hash

_LOG = structlog.get_logger("winux.web")
_NAMES = 20
"""How many names are made up until one is free."""
_PATIENCE = 15.0
"""Seconds to wait for the same launch that is under way already."""
SHORTEST = 10.0
"""Seconds that a session may be asked for at least."""
KEY_LENGTHS = range(16, 201)
"""Characters of an idempotency key: a short one may be guessed, and who guesses it gets the same session."""


Puzzle = Callable[[Person, str | None], None]
"""Raises ``Refused`` where the person has to solve one and the answer is not right."""


def no_puzzle(_person: Person, _answer: str | None) -> None:
    """Everybody may pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What came of a launch."""

    name: str
    person: Person
    """Who launched it, with the ticket."""
    ticket: str = field(repr=False)
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A launch that is permitted."""

    person: Person
    ticket: str = field(repr=False)
    client: str
    """The keyed hash of the address."""
    template: str
    seconds: float | None
    name: str | None
    language: str | None
    idempotency: str | None

    @property
    def claim(self) -> Claim:
        return Claim(
            template=self.template,
            owner=self.person.name,
            ticket=ticket_hash(self.ticket),
            address=self.client,
        )


class Launching:
    """Safe to use from several threads."""

    def __init__(
        self,
        backend: Backend,
        roster: Roster,
        places: Places,
        buckets: Buckets,
        *,
        clock: Clock,
        random: Random,
        puzzle: Puzzle,
    ) -> None:
        self._backend = backend
        self._roster = roster
        self._places = places
        self._buckets = buckets
        self._clock = clock
        self._random = random
        self._puzzle = puzzle

    def said(self, person: Person) -> str:
        """As events name who gave an order: visitors by a part of their address's hash."""
        if person.name is not None:
            return person.name
        return f"a visitor ({self._client(person)[:8]})"

    def launch(
        self,
        person: Person,
        rules: Rules,
        *,
        template: str | None,
        seconds: float | None,
        name: str | None,
        language: str | None,
        idempotency: str | None,
        captcha: str | None,
    ) -> Made:
        self._admit(person)
        chosen = self._template(template, rules)
        repeatable = self._repeatable(person, idempotency)
        wish = _Wish(
            person=person,
            ticket=self._ticket(person, repeatable),
            client=self._client(person),
            template=chosen.name,
            seconds=_seconds(seconds, chosen, rules),
            name=None if name is None else checked(name),
            language=_language(language),
            idempotency=repeatable,
        )
        if repeatable is None or self._places.twin(repeatable) is None:
            self._puzzle(person, captcha)  # an answer counts once: not again for the same launch
        place = self._place(wish, rules)
        if isinstance(place, str):
            return self._again(wish, place)
        made = self._create(wish, place, rules)
        _LOG.info("web.launched", session=made, template=wish.template, by=person.said, client=person.client)
        return self._made(wish, made, repeated=False)

    # -- what is permitted -------------------------------------------------------------------------------------

    def _admit(self, person: Person) -> None:
        if not may_launch(person):
            if person.name is None:
                raise Refused(401, "NotLoggedIn", "launching a desktop takes a login: log in and try again")
            raise Refused(403, "Forbidden", f"{person.name} may not launch desktops: ask an administrator")
        who = f"person {person.name}" if person.name is not None else f"address {address_key(person.client)}"
        wait = self._buckets.take(who)
        if wait is not None:
            seconds = max(1, math.ceil(wait))
            raise Refused(
                429, "TooOften", f"too many desktops were asked for: try again in {seconds} s", retry_after=seconds
            )

    def _template(self, wanted: str | None, rules: Rules) -> TemplateView:
        name = wanted if wanted is not None else rules.usual_template
        found = next((one for one in self._roster.templates() if one.name == name), None)
        if found is None or not rules.offers(name):
            raise Refused(422, "NoSuchTemplate", f"{name[:63]!a} is none of the desktops that are offered here")
        if found.problems:
            raise Refused(
                503,
                "TemplateUnusable",
                f"desktops of the kind {name} cannot be made at the moment: ask the administrator",
            )
        return found

    def _repeatable(self, person: Person, idempotency: str | None) -> str | None:
        """What the same launch is known by."""
        if idempotency is None:
            return None
        if len(idempotency) not in KEY_LENGTHS or not idempotency.isprintable():
            raise Refused(
                400,
                "BadIdempotencyKey",
                f"an idempotency key has {KEY_LENGTHS.start} to {KEY_LENGTHS.stop - 1} characters: send a random UUID",
            )
        who = ("person", person.name) if person.name is not None else ("address", address_key(person.client))
        return digest(self._roster.key(), "idempotency", *who, idempotency)

    def _ticket(self, person: Person, repeatable: str | None) -> str:
        """A browser's own where it has one: all its desktops go by the same."""
        if person.ticket is not None and is_ticket(person.ticket):
            return person.ticket
        return new_ticket() if repeatable is None else derived_ticket(self._roster.key(), repeatable)

    def _client(self, person: Person) -> str:
        return digest(self._roster.key(), "client", address_key(person.client))

    # -- room --------------------------------------------------------------------------------------------------

    def _place(self, wish: _Wish, rules: Rules) -> Place | str:
        """A place for a new session, or the name of the one that the same launch made before."""
        deadline = self._clock.monotonic() + _PATIENCE
        while True:
            place = self._take(wish, rules)
            if place is not None:
                return place
            twin = self._places.twin(wish.idempotency or "")
            if isinstance(twin, str):
                return twin
            if twin is not None:
                if twin.written_by is not None:
                    return twin.name
                left = deadline - self._clock.monotonic()
                if left <= 0 or not self._clock.wait(twin.settled, left):
                    raise Refused(
                        409, "InProgress", "the same launch is under way: ask again in a moment", retry_after=AGAIN_IN
                    )

    def _take(self, wish: _Wish, rules: Rules) -> Place | None:
        """As ``Places.take``; a name that was made up, and that somebody else is just launching, is drawn anew."""
        if wish.name is not None:
            return self._places.take(wish.name, wish.claim, rules.quotas, idempotency=wish.idempotency)
        for _ in range(_NAMES):
            name = made_up(self._random)
            if name in self._roster.snapshot().views:
                continue
            try:
                return self._places.take(name, wish.claim, rules.quotas, idempotency=wish.idempotency)
            except Refused as refused:
                if refused.title != "Exists":
                    raise
        raise Refused(503, "Full", "no free name was found: try again", retry_after=AGAIN_IN)

    # -- making ------------------------------------------------------------------------------------------------

    def _create(self, wish: _Wish, place: Place, rules: Rules) -> str:
        """Returns the name. One that was made up and is taken after all is replaced by another."""
        for _ in range(_NAMES):
            try:
                text = _manifest(wish, place.name)
                with asking():
                    self._backend.create(text, name=place.name, by=self.said(wish.person))
            except Refused as refused:
                self._places.give_back(place)
                if refused.status != 409 or refused.title != "Exists" or wish.name is not None:
                    raise
            except BaseException:
                self._places.give_back(place)
                raise
            else:
                self._places.written(place)
                return place.name
            another = self._place(wish, rules)
            if isinstance(another, str):
                return another
            place = another
        raise Refused(503, "Full", "no free name was found: try again", retry_after=AGAIN_IN)

    def _again(self, wish: _Wish, name: str) -> Made:
        """The same launch as before: the same answer."""
        if wish.name is not None and wish.name != name:
            raise Refused(
                422, "IdempotencyKeyReused", f"this idempotency key belongs to the launch of {name}: use a new one"
            )
        return self._made(wish, name, repeated=True)

    @staticmethod
    def _made(wish: _Wish, name: str, *, repeated: bool) -> Made:
        person = replace(wish.person, ticket=wish.ticket)
        return Made(name=name, person=person, ticket=wish.ticket, repeated=repeated)


def _seconds(wanted: float | None, template: TemplateView, rules: Rules) -> float | None:
    most = rules.max_duration
    if template.max_ttl is not None:
        most = min(most, parse_duration(template.max_ttl))
    if wanted is None:
        usual = parse_duration(template.ttl) if template.ttl is not None else 0.0
        return most if usual > most else None
    if not math.isfinite(wanted) or wanted < SHORTEST:
        raise Refused(422, "BadDuration", f"a desktop lives {format_duration(SHORTEST)} at least: ask for more")
    if wanted > most:
        raise Refused(
            422,
            "TooLong",
            f"{format_duration(min(wanted, 1e9))} are too long: desktops of the kind {template.name} live "
            f"{format_duration(most)} at most",
        )
    return wanted


def _language(wanted: str | None) -> str | None:
    if wanted is not None and wanted not in LANGUAGES:
        raise Refused(422, "BadLanguage", f"{wanted[:20]!a} is none of the languages {', '.join(LANGUAGES)}")
    return wanted


def _manifest(wish: _Wish, name: str) -> str:
    annotations = {TICKET: ticket_hash(wish.ticket), CLIENT: wish.client}
    if wish.language is not None:
        annotations[LANGUAGE] = wish.language
    if wish.idempotency is not None:
        annotations[IDEMPOTENCY] = wish.idempotency
    spec: dict[str, object] = {"template": wish.template}
    if wish.person.name is not None:
        spec["owner"] = wish.person.name
    if wish.seconds is not None:
        spec["ttl"] = format_duration(wish.seconds)
    metadata = {"name": name, "labels": {MADE_BY: WEB}, "annotations": annotations}
    try:
        manifest = Session.model_validate(
            {"apiVersion": API_VERSION, "kind": "Session", "metadata": metadata, "spec": spec}
        )
    except ValidationError as error:
        detail = "; ".join(str(one["msg"]) for one in error.errors(include_url=False, include_input=False))
        raise Refused(422, "Invalid", f"no manifest can be made of this: {detail}") from None
    return dump(manifest)

"""The open mode: anybody may launch, within limits; what is whose is proved by tickets alone."""

from __future__ import annotations

from fastapi import Request

from controller.web.hops import client_of
from controller.web.identity.carried import carried_ticket
from controller.web.people import Person, Role


class OpenIdentity:
    """Everybody is a user without a name."""

    def identify(self, request: Request) -> Person:
        return Person(client=client_of(request), role=Role.USER, ticket=carried_ticket(request))

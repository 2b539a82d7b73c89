"""The mode ``proxy``: a proxy in front has asked who it is, and says so in headers.

Believed is only a proxy whose address the settings name: anybody else who sends such a header is refused, and the log
says so, because that is no mistake. The proxy has to remove these headers from what browsers send.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from controller.web.hops import Network, client_of, is_trusted, peer_of
from controller.web.identity.carried import carried_ticket
from controller.web.identity.claims import Groups, is_name
from controller.web.people import Person, Role
from controller.web.refusals import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyHeaders:
    """Which headers say what, in whatever case."""

    name: str
    groups: str | None = None
    """Separated by commas."""


class ProxyIdentity:
    """Without a name one is a guest."""

    def __init__(self, headers: ProxyHeaders, *, groups: Groups, trusted: Sequence[Network]) -> None:
        self._headers = headers
        self._groups = groups
        self._trusted = tuple(trusted)

    def identify(self, request: Request) -> Person:
        names = request.headers.getlist(self._headers.name)
        groups = request.headers.getlist(self._headers.groups) if self._headers.groups else []
        if (names or groups) and not is_trusted(peer_of(request), self._trusted):
            raise Refused(
                403, "NotTheProxy", "a header says who you are, and you are not the proxy that may say so: ask there"
            )
        if len(names) > 1 or len(groups) > 1:
            raise Refused(
                400, "BadIdentity", "the proxy says more than once who you are: its settings are to be mended"
            )
        name = _text(names[0]) if names else ""
        ticket, client = carried_ticket(request), client_of(request)
        if not name:
            return Person(client=client, role=Role.GUEST, ticket=ticket)
        if not is_name(name):
            raise Refused(400, "BadIdentity", "what the proxy says of who you are is no name of one person")
        said = _text(groups[0]).split(",") if groups else []
        role = self._groups.role_of(group.strip() for group in said)
        return Person(client=client, name=name, role=role, ticket=ticket)


def _text(value: str) -> str:
    """Proxies write UTF-8; what is read of headers is taken for Latin-1."""
    try:
        return value.encode("latin-1").decode().strip(" \t")
    except UnicodeError:
        return value.strip(" \t")

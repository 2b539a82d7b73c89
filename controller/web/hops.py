"""From which address, and by which scheme, a request came in truth: what trusted proxies say counts, else the peer."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNKNOWN = "unknown"
"""The address of who comes through a unix socket, and names none."""
_CLIENT = "winux.client"


def true_client(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """The right-most address that no trusted proxy has. Pure.

    ``peer``: at the other end of the connection; None for a unix socket, whose mode says who may connect: a proxy.
    ``forwarded``: the values of all X-Forwarded-For headers, in order; what stands left of an untrusted address may be
    anybody's invention.
    """
    if peer is not None and not is_trusted(peer, trusted):
        return peer
    nearest = peer
    for said in reversed([part.strip() for value in forwarded for part in value.split(",")]):
        address = _address(said)
        if address is None:
            break  # what stands left of it is no better
        nearest = address
        if not is_trusted(address, trusted):
            break
    return nearest if nearest is not None else UNKNOWN


def is_trusted(peer: str | None, trusted: Sequence[Network]) -> bool:
    if peer is None:
        return True
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in trusted)


def peer_of(connection: HTTPConnection) -> str | None:
    """The address at the other end of the connection; None for a unix socket."""
    client = connection.scope.get("client")
    return None if client is None or client[0] == "uid" else str(client[0])


def client_of(connection: HTTPConnection) -> str:
    """The address that ``Hops`` found."""
    return str(connection.scope.get(_CLIENT, UNKNOWN))


class Hops:
    """Middleware: finds the true client, and the true scheme behind trusted proxies. The outermost of all."""

    def __init__(self, app: ASGIApp, *, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, peer = Headers(scope=scope), peer_of(HTTPConnection(scope))
        told = {_CLIENT: true_client(peer, headers.getlist("x-forwarded-for"), self._trusted)}
        scheme = headers.get("x-forwarded-proto", "").strip().lower()
        if is_trusted(peer, self._trusted) and scheme in {"http", "https"}:
            told["scheme"] = scheme
        await self._app({**scope, **told}, receive, send)


def _address(said: str) -> str | None:
    """An address as proxies write it: some add the port."""
    host = said
    if said.startswith("["):
        host = said[1:].partition("]")[0]
    elif said.count(":") == 1:
        host = said.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host.strip('"')))
    except ValueError:
        return None

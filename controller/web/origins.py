"""Which site a request is meant for, and from the page of which site it comes. Pure.

Browsers say both truthfully, whatever a page wants; programs may say what they like, but they carry nobody's cookies.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from controller.web.refusals import Refused

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
_PORTS = {"http": 80, "https": 443}
Host = tuple[str, int | None]


def misdirected(headers: Headers, *, public_url: str | None) -> Refused | None:
    """Whether the request is meant for a name that is not this site's; None where it is right.

    A page whose name was made to resolve to this address would be of the same origin as this site. Addresses cannot be
    such a name, so that they are served too, and ``localhost``.
    """
    if public_url is None:
        return None
    public = _host(public_url)
    asked = _host(f"//{headers.get('host', '')}")
    if asked is None or public is None or not (asked[0] == public[0] or _is_local_or_address(asked[0])):
        return Refused(421, "Misdirected", f"this site is {public_url}: ask there")
    return None


def foreign(method: str, headers: Headers, *, public_url: str | None) -> Refused | None:
    """Why an order may not come from the page that it comes from; None where it may.

    Who shows a bearer token proves more than a browser does on its own: no page can make it do so without asking this
    site first, which never allows it.
    """
    if method in SAFE or headers.get("authorization", "")[:7].lower() == "bearer ":
        return None
    sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
    if sites:
        own = sites in (["same-origin"], ["none"])
    elif origins:
        own = len(origins) == 1 and _is_own(origins[0], headers, public_url)
    else:
        own = True  # no browser: those that still exist send one of the two with every order
    if own:
        return None
    return Refused(403, "ForeignPage", "a page of another site asked for this: use the page of this site")


def _is_own(origin: str, headers: Headers, public_url: str | None) -> bool:
    found = _host(origin)
    if found is None:
        return False
    if public_url is not None and found == _host(public_url) and origin.partition(":")[0] == _scheme(public_url):
        return True
    # The scheme is not compared: where TLS ends at a proxy, only the proxy knows it.
    asked = _host(f"{_scheme(origin)}://{headers.get('host', '')}")
    return found == asked


def _scheme(url: str) -> str:
    return url.partition(":")[0].lower()


def _host(url: str) -> Host | None:
    """Name and port; None for what is no URL with a host, such as ``null``."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None
    return parts.hostname.rstrip("."), port if port is not None else _PORTS.get(parts.scheme)


def _is_local_or_address(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

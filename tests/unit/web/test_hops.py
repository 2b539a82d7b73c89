"""From which address a request came in truth."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from controller.web.hops import UNKNOWN, true_client

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))

TABLE: list[tuple[str, str | None, list[str], str]] = [
    ("no proxy", "192.0.2.1", [], "192.0.2.1"),
    ("a header from somebody else counts for nothing", "192.0.2.1", ["198.51.100.9"], "192.0.2.1"),
    ("a trusted proxy tells", "10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
    ("what the client invented stands left", "10.0.0.1", ["1.1.1.1, 198.51.100.9"], "198.51.100.9"),
    ("over several proxies", "10.0.0.1", ["1.1.1.1, 198.51.100.9, 10.0.0.2"], "198.51.100.9"),
    ("over several headers", "10.0.0.1", ["198.51.100.9", "10.0.0.2"], "198.51.100.9"),
    ("all are proxies", "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    ("a proxy that tells nothing", "10.0.0.1", [], "10.0.0.1"),
    ("a proxy that tells nonsense", "10.0.0.1", ["198.51.100.9, <b>"], "10.0.0.1"),
    ("with a port", "10.0.0.1", ["198.51.100.9:4711"], "198.51.100.9"),
    ("IPv6 in brackets", "10.0.0.1", ["[2001:db9::1]:4711"], "2001:db9::1"),
    ("IPv6", "2001:db8::7", ["2001:db9::1"], "2001:db9::1"),
    ("IPv4 in IPv6", "::ffff:10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
    ("a proxy on a unix socket", None, ["1.1.1.1, 198.51.100.9"], "198.51.100.9"),
    ("a unix socket and no word", None, [], UNKNOWN),
    ("a name is no address", "testclient", ["198.51.100.9"], "testclient"),
]


@pytest.mark.parametrize(("peer", "forwarded", "client"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_right_most_address_that_no_trusted_proxy_has(peer: str | None, forwarded: list[str], client: str) -> None:
    assert true_client(peer, forwarded, TRUSTED) == client


def test_without_trusted_proxies_no_header_counts() -> None:
    assert true_client("10.0.0.1", ["198.51.100.9"], ()) == "10.0.0.1"

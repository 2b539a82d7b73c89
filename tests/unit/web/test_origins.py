"""Where a request comes from, and for which site it is meant."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from controller.web.origins import foreign, misdirected

PUBLIC = "https://desktops.example.org"
SAME, CROSS, NEIGHBOUR = "same-origin", "cross-site", "same-site"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),  # a program
        ({"sec-fetch-site": SAME}, True),
        ({"sec-fetch-site": "none"}, True),  # typed in by a person
        ({"sec-fetch-site": CROSS}, False),
        ({"sec-fetch-site": NEIGHBOUR}, False),
        ({"sec-fetch-site": "anything"}, False),
        ({"sec-fetch-site": CROSS, "origin": "http://here:8080"}, False),
        ({"origin": "http://here:8080"}, True),
        ({"origin": "HTTP://HERE:8080"}, True),
        ({"origin": "https://here:8080"}, True),  # TLS ends at a proxy
        ({"origin": "http://here"}, False),
        ({"origin": "http://here:8081"}, False),
        ({"origin": "http://here:8080.evil.example"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"origin": "http://evil.example", "authorization": "Bearer wxk_x"}, True),
        ({"sec-fetch-site": CROSS, "authorization": "bearer wxk_x"}, True),
        ({"origin": "http://evil.example", "authorization": "Basic eA=="}, False),
        ({"origin": "http://evil.example", "cookie": "winux_ticket=x"}, False),
    ],
)
def test_orders_come_from_our_own_page_or_a_program(headers: dict[str, str], allowed: bool) -> None:
    found = foreign("POST", Headers({"host": "here:8080", **headers}), public_url=None)
    assert (found is None) is allowed
    if found is not None:
        assert found.status == 403


def test_two_origins_are_none() -> None:
    twice = [(b"host", b"here"), (b"origin", b"http://here"), (b"origin", b"http://here")]
    assert foreign("POST", Headers(raw=twice), public_url=None) is not None
    twice = [(b"host", b"here"), (b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"same-origin")]
    assert foreign("POST", Headers(raw=twice), public_url=None) is not None


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_questions_may_come_from_anywhere(method: str) -> None:
    assert foreign(method, Headers({"host": "here", "sec-fetch-site": CROSS}), public_url=None) is None


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH", "BREW"])
def test_whatever_is_no_question_is_an_order(method: str) -> None:
    assert foreign(method, Headers({"host": "here", "sec-fetch-site": CROSS}), public_url=None) is not None


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (PUBLIC, True),
        (f"{PUBLIC}:443", True),
        ("http://desktops.example.org", False),
        ("https://other.example.org", False),
        ("http://127.0.0.1:8080", True),  # as asked for: by whoever sits at the machine itself
    ],
)
def test_behind_a_proxy_the_public_address_is_our_own(origin: str, allowed: bool) -> None:
    found = foreign("POST", Headers({"host": "127.0.0.1:8080", "origin": origin}), public_url=PUBLIC)
    assert (found is None) is allowed


@pytest.mark.parametrize(
    ("host", "right"),
    [
        ("desktops.example.org", True),
        ("DESKTOPS.example.org.", True),
        ("desktops.example.org:443", True),
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("localhost:8080", True),
        ("rebound.evil.example", False),
        ("desktops.example.org.evil.example", False),
        ("desktops.example.org:99999", False),
        ("", False),
        ("a b", False),
    ],
)
def test_a_request_for_another_name_is_misdirected(host: str, right: bool) -> None:
    found = misdirected(Headers({"host": host}), public_url=PUBLIC)
    assert (found is None) is right
    if found is not None:
        assert (found.status, str(found)) == (421, f"this site is {PUBLIC}: ask there")


def test_without_a_public_address_every_name_is_right() -> None:
    assert misdirected(Headers({"host": "whatever.example"}), public_url=None) is None

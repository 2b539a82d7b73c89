"""The mode ``proxy``: whose headers are believed, and what they may say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network

import httpx
import pytest
from starlette.types import ASGIApp
from structlog.testing import capture_logs

from controller.web.identity.claims import Groups
from controller.web.identity.proxy import ProxyHeaders, ProxyIdentity
from tests.unit.web.entrances import PROXY, STRANGER, browser, entered

TRUSTED = [ip_network("192.0.2.0/28"), ip_network("fd00::/64")]
GROUPS = Groups(operators=frozenset({"staff"}), admins=frozenset({"root"}))
Sent = Mapping[str, str] | Sequence[tuple[str, str]] | Sequence[tuple[bytes, bytes]]
NAME, GROUP = "X-Remote-User", "X-Remote-Groups"


def _app(groups: Groups = GROUPS) -> ASGIApp:
    identity = ProxyIdentity(ProxyHeaders(name=NAME, groups=GROUP), groups=groups, trusted=TRUSTED)
    return entered(identity, trusted=TRUSTED)


def _me(headers: Sent, *, peer: str = PROXY, groups: Groups = GROUPS) -> httpx.Response:
    return browser(_app(groups), peer=peer).get("/me", headers=headers)


@pytest.mark.parametrize("peer", [PROXY, "192.0.2.15", "::ffff:192.0.2.1", "fd00::7"])
def test_a_trusted_proxy_says_who_it_is(peer: str) -> None:
    me = _me({NAME: "alice@example.org", "X-Forwarded-For": STRANGER}, peer=peer).json()
    assert (me["name"], me["role"], me["client"]) == ("alice@example.org", "user", STRANGER)


def test_whom_the_proxy_does_not_name_is_a_guest() -> None:
    for headers in ({}, {NAME: ""}, {NAME: "  "}):
        me = _me(headers).json()
        assert (me["name"], me["role"]) == (None, "guest")


@pytest.mark.parametrize("peer", [STRANGER, "192.0.2.16", "127.0.0.1", "::1", "fd01::1", "not-an-address"])
@pytest.mark.parametrize("header", [NAME, NAME.lower(), GROUP])
def test_anybody_else_who_says_so_is_refused_and_told_in_the_log(peer: str, header: str) -> None:
    with capture_logs() as log:
        refused = _me({header: "root", "X-Forwarded-For": PROXY}, peer=peer)
    assert (refused.status_code, refused.text) == (403, "NotTheProxy")
    (line,) = log
    assert (line["event"], line["title"], line["client"]) == ("web.refused", "NotTheProxy", peer)


def test_anybody_else_who_says_nothing_is_a_guest() -> None:
    me = _me({}, peer=STRANGER).json()
    assert (me["name"], me["role"], me["client"]) == (None, "guest", STRANGER)


@pytest.mark.parametrize(
    "headers",
    [
        [(NAME, "alice"), (NAME, "root")],
        [(NAME, "alice"), (NAME.lower(), "alice")],
        [(NAME, "alice"), (GROUP, "a"), (GROUP, "root")],
        [(NAME, "alice,root")],
        [(NAME, "alice, root")],
        [(NAME, "x" * 254)],
        [(NAME.encode(), "a\x85b".encode())],
        [(NAME.encode(), "a\u202eb".encode())],
    ],
)
def test_what_is_not_one_name_is_refused(headers: Sent) -> None:
    refused = _me(headers)
    assert (refused.status_code, refused.text) == (400, "BadIdentity")


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ("", "user"),
        ("students", "user"),
        ("students,staff", "operator"),
        ("staff , root", "admin"),
        ("ROOT", "user"),
        ("root2,xroot", "user"),
        ("root;staff", "user"),
    ],
)
def test_groups_have_roles(groups: str, role: str) -> None:
    assert _me({NAME: "alice", GROUP: groups}).json()["role"] == role


def test_where_users_have_a_group_the_others_are_guests_with_a_name() -> None:
    only = Groups(users=frozenset({"class"}), admins=frozenset({"root"}))
    assert _me({NAME: "alice", GROUP: "other"}, groups=only).json()["role"] == "guest"
    assert _me({NAME: "alice", GROUP: "class"}, groups=only).json()["role"] == "user"
    assert _me({NAME: "alice", GROUP: "root"}, groups=only).json()["role"] == "admin"


def test_names_may_have_any_letters() -> None:
    me = browser(_app(), peer=PROXY).get("/me", headers={NAME.encode(): "Zoë Müller".encode()})
    assert me.json()["name"] == "Zoë Müller"


def test_a_name_in_a_header_that_servers_would_fold_is_none() -> None:
    me = _me({"X_Remote_User": "root"}).json()
    assert me["name"] is None

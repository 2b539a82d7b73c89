"""The operators' page in a real browser, with the real daemon and node behind it, where people have tokens."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from controller.web.identity.tokens import new_token, token_digest
from tests.e2e.browser import Visitor
from tests.e2e.conftest import MakeSite, Visit
from tests.e2e.daemon import Daemon
from tests.e2e.oldclient import OPEN
from tests.e2e.waiting import until


def by_token(make_site: MakeSite, **roles: str) -> tuple[Daemon, Mapping[str, str]]:
    """A daemon whose people have tokens: their names and roles; returns their tokens."""
    tokens = {name: new_token() for name in roles}
    site = make_site(profile="instant", settings=OPEN)
    file = site.directory / "tokens.yaml"
    file.touch(mode=0o600)
    entries = [{"name": name, "role": role, "sha256": token_digest(tokens[name])} for name, role in roles.items()]
    file.write_text(yaml.safe_dump({"tokens": entries}))
    web = OPEN["web"] | {"mode": "token", "tokensFile": str(file)}
    return site.daemon(settings={"web": web}).in_sync(), tokens


def sign_in(visitor: Visitor, token: str) -> None:
    visitor.page.locator("#launch-area a").click()
    visitor.page.fill("input[name=token]", token)
    visitor.page.click("button[type=submit]")
    visitor.page.wait_for_selector("[data-do=launch]")


def test_an_operator_sees_extends_and_ends_everybodys_desktops(make_site: MakeSite, visit: Visit) -> None:
    daemon, tokens = by_token(make_site, alice="user", olga="operator")
    alice, olga = visit(daemon), visit(daemon)
    sign_in(alice, tokens["alice"])
    name = alice.launch()
    alice.wait_step(name, "ready")
    assert alice.page.locator("#to-admin").is_hidden()

    sign_in(olga, tokens["olga"])
    assert (olga.listed(), olga.names()) == ([], [])
    olga.page.click("#to-admin")
    row = olga.page.locator(f'tr[data-session="{name}"]')
    row.get_by_text("Ready", exact=True).wait_for()
    assert "alice" in row.inner_text()
    assert (olga.barriers(), olga.overflow()) == ([], 0)
    olga.page.wait_for_selector(".events li")
    password = daemon.admin.credential(name).password
    assert password is not None
    assert password not in olga.page.content()

    olga.page.fill("input[type=search]", "nobody")
    row.wait_for(state="detached")
    olga.page.fill("input[type=search]", "alice")
    row.locator("[data-do=extend]").click()
    olga.page.click("#confirm-yes")
    until(lambda: alice.seconds_left(name) > 44 * 60, what="the owner sees the added time")
    row.locator("[data-do=end]").click()
    assert "alice" in olga.text("#confirm-text")
    olga.page.click("#confirm-yes")
    alice.wait_step(name, "ended")

    olga.page.set_viewport_size({"width": 360, "height": 720})
    assert (olga.barriers(), olga.overflow()) == ([], 0)


def test_what_holds_the_controller_back_stands_above_everything(make_site: MakeSite, visit: Visit) -> None:
    daemon, tokens = by_token(make_site, olga="operator")
    daemon.admin.pause(None)
    olga = visit(daemon)
    sign_in(olga, tokens["olga"])
    olga.page.click("#to-admin")
    olga.page.wait_for_selector('#notices [data-reason="Paused"]')
    assert olga.barriers() == []


def test_the_operators_page_is_for_operators(make_site: MakeSite, visit: Visit) -> None:
    daemon, tokens = by_token(make_site, alice="user")
    alice = visit(daemon)
    sign_in(alice, tokens["alice"])
    alice.page.goto("/admin")
    alice.page.wait_for_selector('[data-refusal="Forbidden"]')
    stranger = visit(daemon, "/admin")
    stranger.page.wait_for_selector('[data-refusal="NotLoggedIn"]')
    assert stranger.page.locator("table").count() == 0

"""The page in a real browser, with the real daemon and node behind it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import MakeSite, Visit
from tests.e2e.oldclient import OPEN
from tests.e2e.site import Site
from tests.e2e.waiting import until

SHORT = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {name: short}
spec: {ttl: {default: 16s, max: 1h}}
"""
IMPATIENT = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {name: impatient}
spec: {readiness: {timeout: 8s}}
"""
WAITING = ("queued", "creating", "starting")
WARNED = """() =>
    document.querySelector('.card.soon .warning')?.checkVisibility()
    && document.querySelector('#assertive').textContent.includes('ends in')
    && document.title.includes('left · Winux')
"""
"""In one look: what is seen, what is said and the title of the tab."""
ON_A_PHONE = {"width": 360, "height": 720}


def opened(make_site: MakeSite, *, profile: str = "instant", web: Mapping[str, object] | None = None) -> Site:
    return make_site(profile=profile, settings=OPEN | {"web": OPEN["web"] | dict(web or {})})


# -- the life of a desktop -------------------------------------------------------------------------------------


def test_from_the_button_to_the_end(make_site: MakeSite, visit: Visit, tmp_path: Path) -> None:
    site = opened(make_site, profile="demo")
    daemon = site.daemon().in_sync()
    alice = visit(daemon)
    assert alice.text("h2:visible") == "A Linux desktop, in seconds"

    site.admin.door("POST", "rdp", answer=False)  # so that it waits for as long as somebody looks
    name = alice.launch()
    alice.wait_step(name, *WAITING)
    alice.card(name).get_by_text("so far").wait_for()
    site.admin.door("POST", "rdp", answer=True)
    alice.wait_step(name, "ready")
    credential = daemon.admin.credential(name)
    assert credential.password is not None
    assert 29 * 60 < alice.seconds_left(name) <= 30 * 60

    # What is secret is not in the page before it is asked for.
    assert credential.password not in alice.page.content()
    alice.press("reveal")
    alice.page.wait_for_selector("[data-do=hide]")
    shown = alice.text(".ways")
    assert (credential.address in shown, credential.username in shown, credential.password in shown) == (True,) * 3
    alice.page.locator(".ways > div", has_text="Password").locator("[data-do=copy]").click()
    until(lambda: alice.page.evaluate("navigator.clipboard.readText()") == credential.password, what="it is copied")
    alice.press("hide")
    assert credential.password not in alice.page.content()

    with alice.page.expect_download() as download:
        alice.press("rdp")
    assert download.value.suggested_filename == f"{name}.rdp"
    saved = tmp_path / "desktop.rdp"
    download.value.save_as(saved)
    assert f"full address:s:{credential.address}" in saved.read_text()
    assert credential.password not in saved.read_text()

    alice.press("extend")
    until(lambda: alice.seconds_left(name) > 44 * 60, what="the countdown has the added time")

    alice.press("end")
    alice.page.keyboard.press("Escape")
    assert daemon.phases() == {name: "Ready"}, "Escape is no"
    alice.press("end")
    alice.page.click("#confirm-yes")
    alice.wait_step(name, "ended")
    until(lambda: not site.admin.of(), what="its container is gone")


def test_a_stranger_sees_neither_secret_nor_controls(make_site: MakeSite, visit: Visit) -> None:
    daemon = opened(make_site).daemon().in_sync()
    alice = visit(daemon)
    name = alice.launch()
    alice.wait_step(name, "ready")

    mallory = visit(daemon)
    assert (mallory.listed(), mallory.names()) == ([], [])
    guest = visit(daemon, f"/#{name}")
    guest.wait_step(name, "ready")
    assert "in another browser" in guest.card(name).inner_text()
    assert guest.card(name).locator("button, a").count() == 0
    credential = daemon.admin.credential(name)
    content = guest.page.content()
    assert not any(secret in content for secret in (credential.password or "", credential.address))
    asked = guest.page.evaluate(f"fetch('api/v1/sessions/{name}/credential').then(answer => answer.status)")
    assert asked == 403


def test_two_presses_launch_once_and_a_lost_answer_launches_nothing_more(make_site: MakeSite, visit: Visit) -> None:
    daemon = opened(make_site).daemon().in_sync()
    alice = visit(daemon)
    keys: list[str] = []

    def lose_the_first(route: Any) -> None:
        if route.request.method != "POST":
            route.fallback()
            return
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()  # it arrives, and its answer is lost
            route.abort()
        else:
            route.fallback()

    alice.page.route("**/api/v1/sessions", lose_the_first)
    with alice.page.expect_response(lambda answer: answer.request.method == "POST" and answer.ok):
        alice.page.locator("[data-do=launch]").dblclick()
    alice.page.wait_for_selector(".card")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    alice.wait_step(alice.names()[0], "ready")
    assert len(daemon.phases()) == 1


def test_a_page_that_did_not_arrive_whole_says_so_and_one_that_nobody_answers_asks_again(
    make_site: MakeSite, visit: Visit
) -> None:
    daemon = opened(make_site).daemon().in_sync()
    alice = visit(daemon)
    alice.page.route("**/page/js/card.js", lambda route: route.abort())
    alice.page.reload()
    alice.page.get_by_text("The page did not load whole.").wait_for()
    alice.page.unroute("**/page/js/card.js")

    alice.page.route("**/api/v1/me", lambda route: route.abort())
    alice.page.get_by_role("link", name="Load it again").click()
    alice.page.wait_for_selector("[data-refusal=Unanswered]")
    assert alice.page.locator("#late").count() == 0
    alice.page.unroute("**/api/v1/me")
    alice.page.wait_for_selector("[data-do=launch]")  # by itself


def test_what_is_gone_soon_after_its_launch_is_shown_as_ended(make_site: MakeSite, visit: Visit) -> None:
    daemon = opened(make_site).daemon().in_sync()
    alice = visit(daemon)
    alice.page.clock.set_fixed_time(alice.page.evaluate("Date.now()"))  # soon, however long it takes
    alice.page.route("**/stream", lambda route: route.abort())  # so that it is gone before it was seen to end
    name = alice.launch()
    alice.wait_step(name, "ready")
    alice.press("end")
    alice.page.locator("#confirm-yes").click()
    alice.wait_step(name, "ended")


def test_the_button_works_by_keyboard_and_focus_follows(make_site: MakeSite, visit: Visit) -> None:
    daemon = opened(make_site).daemon().in_sync()
    alice = visit(daemon)
    alice.page.locator("[data-do=launch]").focus()
    alice.page.keyboard.press("Enter")
    alice.page.wait_for_selector(".card")
    (name,) = alice.names()
    assert alice.page.evaluate("document.activeElement.textContent") == name
    alice.wait_step(name, "ready")
    alice.card(name).locator("[data-do=end]").focus()
    alice.page.keyboard.press("Enter")
    assert alice.page.evaluate("document.activeElement.id") == "confirm-no"
    alice.page.keyboard.press("Enter")
    assert alice.page.evaluate("document.activeElement.dataset.do") == "end"


# -- time ------------------------------------------------------------------------------------------------------


def test_the_countdown_survives_a_reload_a_wrong_clock_and_sleep(make_site: MakeSite, visit: Visit) -> None:
    daemon = opened(make_site).daemon().in_sync()
    alice = visit(daemon)
    name = alice.launch()
    alice.wait_step(name, "ready")
    alice.page.clock.install(time="2031-05-06T07:08:09Z")
    alice.page.reload()
    alice.wait_step(name, "ready")
    until(
        lambda: abs(alice.seconds_left(name) - daemon.admin.session(name).seconds_left) < 5,
        what="the countdown is right whatever the device's clock says",
    )
    alice.page.clock.fast_forward("20:00")  # the device slept; the server's clock says that no time has passed
    until(
        lambda: abs(alice.seconds_left(name) - daemon.admin.session(name).seconds_left) < 5,
        what="the countdown is right after sleep",
    )


def test_a_warning_comes_before_the_end_and_then_the_end(make_site: MakeSite, visit: Visit) -> None:
    site = opened(make_site, web={"templates": ["short"]})
    site.manifests.text("template-short.yaml", SHORT)
    daemon = site.daemon().in_sync()
    alice = visit(daemon)
    name = alice.launch()
    alice.page.wait_for_function(WARNED)
    alice.wait_step(name, "ended")
    assert "Its time was up" in alice.card(name).inner_text()
    alice.press("dismiss")
    alice.page.wait_for_selector(".card", state="detached")
    assert alice.page.locator("[data-do=launch]").is_visible()


# -- when it does not work out ---------------------------------------------------------------------------------


def test_a_desktop_that_never_answers_is_told_as_failed_with_what_to_do(make_site: MakeSite, visit: Visit) -> None:
    web = OPEN["web"] | {"templates": ["impatient"]}
    site = make_site(profile="instant", settings=OPEN | {"web": web, "readiness": {"attempts": 1}})
    site.manifests.text("template-impatient.yaml", IMPATIENT)
    daemon = site.daemon().in_sync()
    site.admin.door("POST", "rdp", answer=False)
    alice = visit(daemon)
    name = alice.launch()
    alice.wait_step(name, "failed")
    assert "The desktop did not start" in alice.card(name).inner_text()
    assert alice.barriers() == []

    site.admin.door("POST", "rdp", answer=True)
    alice.press("again")
    until(lambda: len(alice.names()) == 2, what="another one is launched")
    alice.wait_step(next(other for other in alice.names() if other != name), "ready")


def test_a_full_house_is_told_honestly_and_has_room_again(make_site: MakeSite, visit: Visit) -> None:
    daemon = opened(make_site, web={"quotas": {"total": 1}}).daemon().in_sync()
    alice, bob = visit(daemon), visit(daemon)
    name = alice.launch()
    alice.wait_step(name, "ready")
    bob.press("launch")
    bob.page.wait_for_selector('[data-refusal="Full"]')
    assert "All desktops are in use" in bob.text("#launch-problem")
    assert "Try again in" in bob.text("#launch-problem")
    assert bob.barriers() == []
    alice.press("end")
    alice.page.click("#confirm-yes")
    alice.wait_step(name, "ended")
    assert bob.launch()


def test_who_has_enough_is_told_so(make_site: MakeSite, visit: Visit) -> None:
    daemon = opened(make_site, web={"quotas": {"perPerson": 1}}).daemon().in_sync()
    alice = visit(daemon)
    alice.launch()
    alice.press("launch")
    alice.page.wait_for_selector('[data-refusal="TooManyOfYours"]')
    assert len(daemon.phases()) == 1


def test_a_server_that_is_gone_is_told_and_found_again(make_site: MakeSite, visit: Visit) -> None:
    site = opened(make_site)
    daemon = site.daemon().in_sync()
    alice = visit(daemon)
    name = alice.launch()
    alice.wait_step(name, "ready")
    alice.page.context.set_offline(True)
    alice.page.wait_for_function("() => document.querySelector('#lost').textContent !== ''")
    assert "cannot be reached" in alice.text("#lost")
    alice.page.context.set_offline(False)
    alice.page.wait_for_function("() => document.querySelector('#lost').textContent === ''")
    assert alice.seconds_left(name) > 25 * 60


# -- for everybody ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [{}, {"dark": True}, ON_A_PHONE], ids=["light", "dark", "phone"])
def test_no_barrier_is_in_the_way_and_nothing_overflows(
    make_site: MakeSite, visit: Visit, window: Mapping[str, Any]
) -> None:
    site = opened(make_site, profile="demo")
    daemon = site.daemon().in_sync()
    alice = visit(daemon, **window)
    alice.page.wait_for_selector("[data-do=launch]")
    alice.page.click("summary")
    assert (alice.barriers(), alice.overflow()) == ([], 0)
    site.admin.door("POST", "rdp", answer=False)  # so that it waits for as long as somebody looks
    name = alice.launch()
    alice.wait_step(name, *WAITING)
    assert (alice.barriers(), alice.overflow()) == ([], 0)
    site.admin.door("POST", "rdp", answer=True)
    alice.wait_step(name, "ready")
    alice.press("reveal")
    alice.page.wait_for_selector("[data-do=hide]")
    assert (alice.barriers(), alice.overflow()) == ([], 0)
    alice.press("end")
    assert (alice.barriers(), alice.overflow()) == ([], 0)
    sizes = alice.page.locator("button:visible, a.button:visible, summary:visible, select:visible").evaluate_all(
        "found => found.map(one => one.getBoundingClientRect()).map(({width, height}) => Math.min(width, height))"
    )
    assert min(sizes) >= 24


def test_the_language_is_the_browsers_and_can_be_chosen(make_site: MakeSite, visit: Visit) -> None:
    daemon = opened(make_site).daemon().in_sync()
    alice = visit(daemon, language="fr-CA")
    alice.page.wait_for_selector("[data-do=launch]")
    assert alice.text("[data-do=launch]") == "Lancer un bureau"
    assert alice.page.evaluate("document.documentElement.lang") == "fr"
    name = alice.launch()
    alice.wait_step(name, "ready")
    assert alice.card(name).locator(".badge").inner_text() == "Prêt"
    assert daemon.admin.session(name).annotations["winux.dev/language"] == "fr"

    alice.page.click("[data-do=language][lang=en]")
    assert alice.card(name).locator(".badge").inner_text() == "Ready"
    alice.page.reload()
    alice.wait_step(name, "ready")
    assert alice.page.evaluate("document.documentElement.lang") == "en"


def test_an_unknown_language_gets_english(make_site: MakeSite, visit: Visit) -> None:
    daemon = opened(make_site).daemon().in_sync()
    assert visit(daemon, language="ja-JP").text("[data-do=launch]") == "Launch a desktop"

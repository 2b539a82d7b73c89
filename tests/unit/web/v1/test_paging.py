"""Pages of a list in the order of names."""

from __future__ import annotations

import base64

import pytest
from fastapi.testclient import TestClient

from tests.unit.web.v1.hotel import Hotel

NAMES = [f"desk-{number:02}" for number in range(7)]


@pytest.fixture
def browser(hotel: Hotel) -> TestClient:
    browser = hotel.browser()
    for name in NAMES:
        browser.post("/sessions", json={"name": name})
    return browser


@pytest.mark.parametrize(("limit", "pages"), [(1, 7), (2, 4), (3, 3), (6, 2), (7, 1), (200, 1)])
def test_all_pages_together_are_the_whole_list(browser: TestClient, limit: int, pages: int) -> None:
    found = _pages(browser, limit)
    assert [name for page in found for name in page] == NAMES
    assert len(found) == pages


def test_what_comes_and_goes_meanwhile_shows_nothing_twice_and_hides_nothing_that_stays(
    hotel: Hotel, browser: TestClient
) -> None:
    first = browser.get("/sessions?limit=3").json()
    del hotel.controller.views["desk-02"]  # the last one that was shown
    hotel.clock.advance(60)
    browser.post("/sessions", json={"name": "desk-00a"})
    browser.post("/sessions", json={"name": "desk-04a"})
    rest = browser.get(f"/sessions?limit=200&continue={first['continue']}").json()
    assert [one["name"] for one in rest["items"]] == ["desk-03", "desk-04", "desk-04a", "desk-05", "desk-06"]


def test_a_page_has_a_tag_of_its_own(browser: TestClient) -> None:
    tag = browser.get("/sessions?limit=3").headers["etag"]
    assert browser.get("/sessions?limit=3", headers={"if-none-match": tag}).status_code == 304
    assert browser.get("/sessions?limit=4", headers={"if-none-match": tag}).status_code == 200


@pytest.mark.parametrize(
    "token", ["x", "!!!!", "YWZ0ZXI6", base64.b64encode(b"after:../x").decode(), base64.b64encode(b"\xff\xfe").decode()]
)
def test_a_token_that_is_none_of_ours_is_refused(browser: TestClient, token: str) -> None:
    answer = browser.get("/sessions", params={"continue": token})
    assert (answer.status_code, answer.json()["title"]) == (400, "BadToken")


def _pages(browser: TestClient, limit: int) -> list[list[str]]:
    pages, token = [], ""
    while True:
        page = browser.get("/sessions", params={"limit": limit, "continue": token}).json()
        pages.append([one["name"] for one in page["items"]])
        token = page["continue"]
        if token is None:
            return pages

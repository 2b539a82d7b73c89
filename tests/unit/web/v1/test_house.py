"""What ``/api/v1`` says that is not about one session."""

from __future__ import annotations

import pytest

from controller.admin.models import NoticeView
from controller.web.quotas import Quotas
from tests.unit.web.v1.hotel import ADMIN, ALICE, OPERATOR, Hotel

PEOPLE = {
    "a visitor of an open house": ("open", None, "user", True, None, None),
    "a guest": ("token", None, "guest", False, "login", None),
    "a guest of a provider's": ("oidc", None, "guest", False, "login", None),
    "a guest behind a proxy": ("proxy", None, "guest", False, None, None),
    "a user": ("token", ALICE, "user", True, None, "logout"),
    "an operator behind a proxy": ("proxy", OPERATOR, "operator", True, None, None),
    "an administrator": ("oidc", ADMIN, "admin", True, None, "logout"),
}


@pytest.mark.parametrize("case", PEOPLE.values(), ids=PEOPLE.keys())
def test_who_asks(case: tuple[str, dict[str, str] | None, str, bool, str | None, str | None]) -> None:
    mode, who, role, launches, login, logout = case
    me = Hotel(mode=mode).browser(who).get("/me").json()
    assert (me["mode"], me["role"], me["mayLaunch"]) == (mode, role, launches)
    assert (me["loginUrl"], me["logoutUrl"]) == (login, logout)
    assert me["name"] == (who["x-test-name"] if who else None)


def test_the_defaults_are_those_of_the_usual_template_within_the_settings() -> None:
    me = Hotel(templates=("short", "default"), max_duration=1200).browser().get("/me").json()
    assert me["defaults"] == {
        "template": "short",
        "durationMinutes": 20,
        "maxDurationMinutes": 20,
        "extendMinutes": 15,
    }
    assert me["warnBeforeSeconds"] == 300


def test_a_captcha_is_shown_to_people_without_a_name_only() -> None:
    hotel = Hotel(captcha_site_key="site-1")
    assert hotel.browser().get("/me").json()["captcha"] == {"siteKey": "site-1"}
    assert hotel.browser(ALICE).get("/me").json()["captcha"] is None
    assert Hotel().browser().get("/me").json()["captcha"] is None


def test_templates_say_what_one_gets_and_for_how_long() -> None:
    items = Hotel(templates=("short",)).browser().get("/templates").json()["items"]
    assert items == [
        {
            "name": "short",
            "cores": 2,
            "memory": "1Gi",
            "disk": "10Gi",
            "ttlSeconds": 1800,
            "maxTtlSeconds": 3600,
            "description": None,
        }
    ]


def test_the_status_tells_strangers_only_what_helps_to_wait(hotel: Hotel) -> None:
    hotel.controller.notices = (NoticeView(reason="MassDelete", sentence="12 of 14 containers on pve7"),)
    status = hotel.browser().get("/status").json()
    assert (status["controller"], status["capacity"], status["queue"]) == ("", None, None)
    assert status["ready"] is True
    assert [notice["reason"] for notice in status["notices"]] == ["MassDelete"]
    assert "pve7" not in str(status)
    assert "/secret/place" not in str(status)


@pytest.mark.parametrize(("total", "free"), [(5, 3), (None, None), (1, 0)])
def test_the_status_tells_operators_how_much_room_there_is(total: int | None, free: int | None) -> None:
    hotel = Hotel(quotas=Quotas(total=5))
    for name in ("one", "two", "over"):
        hotel.browser().post("/sessions", json={"name": name})
    hotel.controller.stands("over", "Expired")
    hotel.desk.set_rules(type(hotel.desk.rules)(rate=hotel.desk.rules.rate, quotas=Quotas(total=total)))
    hotel.clock.advance(5)
    status = hotel.browser(OPERATOR).get("/status").json()
    assert (status["controller"], status["queue"]) == ("main", 3)
    assert status["capacity"] == {"used": 2, "free": free}
    assert (status["phases"]["Pending"], status["phases"]["Expired"], status["phases"]["Failed"]) == (2, 1, 0)


def test_operators_see_all_events_from_where_they_left_off(hotel: Hotel) -> None:
    for name in ("one", "two"):
        hotel.browser().post("/sessions", json={"name": name})
    operator = hotel.browser(OPERATOR)
    everything = operator.get("/events").json()["items"]
    assert [(one["session"], one["reason"]) for one in everything] == [("one", "Accepted"), ("two", "Accepted")]
    assert operator.get(f"/events?after={everything[0]['id']}").json()["items"] == everything[1:]
    assert operator.get("/events?limit=1").json()["items"] == everything[1:]


def test_no_desktops_wait(hotel: Hotel) -> None:
    assert hotel.browser().get("/pools").json() == {"items": []}


@pytest.mark.parametrize("path", ["/me", "/templates", "/status", "/pools", "/sessions"])
def test_answers_are_the_persons_own_and_asked_for_anew_each_time(hotel: Hotel, path: str) -> None:
    browser = hotel.browser()
    answer = browser.get(path)
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["vary"] == "Cookie, Authorization"
    assert browser.get(path, headers={"if-none-match": answer.headers["etag"]}).status_code == 304

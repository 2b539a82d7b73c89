"""Two hundred people press the button at once: everyone gets a desktop or an honest refusal, and nothing leaks."""

from __future__ import annotations

from collections import Counter

from tests.e2e.conftest import MakeSite
from tests.e2e.crowd import crowd, press_at_once
from tests.e2e.oldclient import OPEN
from tests.e2e.waiting import until

PEOPLE, ROOM = 200, 120
LIMITS = {"total": ROOM, "perPerson": 1, "perAddress": 1}


def test_two_hundred_people_press_the_button_at_once(make_site: MakeSite) -> None:
    """More than there is room for: as many as there is room for get one, the others are told to come again."""
    # On a slow machine the last ones are ready late: a launch that waits for too long would count as refused.
    web = OPEN["web"] | {"quotas": LIMITS, "wait": "55s"}
    site = make_site(profile="instant", settings=OPEN | {"web": web})
    daemon = site.daemon().in_sync()
    with crowd(daemon.web, PEOPLE) as clients:
        pressed = press_at_once(clients)
        assert Counter(one.answer.status_code in {201, 202} for one in pressed) == {True: ROOM, False: PEOPLE - ROOM}
        refused = [one.answer for one in pressed if one.name is None]
        assert {answer.status_code for answer in refused} == {503}
        assert all(answer.json()["success"] is False and answer.json()["error"] for answer in refused)
        assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)

        lucky = {one.name: one.client for one in pressed if one.name is not None}
        assert len(lucky) == ROOM
        until(
            lambda: set(daemon.phases().values()) == {"Ready"},
            what="all are ready",
            within=120,
            every=0.5,
            show=lambda: Counter(daemon.phases().values()),
        )
        assert set(daemon.phases()) == set(lucky)
        found = {name: client.session(name) for name, client in lucky.items()}
        for key in ("container_id", "container_ip", "password"):
            assert len({session[key] for session in found.values() if session is not None}) == ROOM, key
        owned = {name: [session["container_id"]] for name, session in found.items() if session is not None}
        assert site.admin.of() == owned
        assert len(site.foreigners.beside()) == ROOM

        again = next(iter(lucky.values()))
        assert again.press().status_code == 429, "who has one already is told so"
        for name, client in lucky.items():
            assert client.call("DELETE", f"/sessions/{name}").status_code == 200
    until(lambda: not site.foreigners.beside(), what="every container is gone", within=120, every=0.5)
    until(lambda: daemon.phases() == {}, what="every session is forgotten", within=60, every=0.5)
    assert [path.name for path in site.manifests.path.iterdir()] == ["template-cloned.yaml"]
    assert [line for line in daemon.log() if line["level"] == "error"] == []

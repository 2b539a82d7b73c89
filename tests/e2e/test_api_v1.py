"""``/api/v1`` of a real daemon and node: from the button to the end, over restarts, and with many who look."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import httpx

from tests.e2e.conftest import MakeSite
from tests.e2e.daemon import Daemon
from tests.e2e.site import QUICK, Site
from tests.e2e.waiting import until
from tests.e2e.webhouse import LISTEN, V1, Visitor, threads_of, web_of

KEY = "7d8f1b52-5c49-4a37-8a86-0e0c3a8b8f55"
OFTEN = {"launches": 1000, "per": "1s"}
LOOKERS = 60


def _site(make_site: MakeSite, **web: object) -> tuple[Site, Daemon]:
    settings: Mapping[str, Mapping[str, object]] = {**QUICK, "web": {"listen": LISTEN, "rate": OFTEN, **web}}
    site = make_site(settings=settings)
    return site, site.daemon().in_sync()


def _launched(visitor: Visitor, **order: object) -> dict[str, Any]:
    answer = visitor.post(V1, json=order)
    assert answer.status_code == 201, answer.text
    session: dict[str, Any] = answer.json()
    return session


def _ready(visitor: Visitor, name: str) -> dict[str, Any]:
    def there() -> dict[str, Any] | None:
        session: dict[str, Any] = visitor.get(f"{V1}/{name}").json()
        return session if session["phase"] == "Ready" else None

    found = until(there, what=f"{name} is ready")
    assert found is not None
    return found


def _follows(visitor: Visitor, name: str, streams: ExitStack) -> bool:
    """Whether there is room for one more stream, which stays."""
    answer = streams.enter_context(visitor.stream("GET", f"{V1}/{name}/stream"))
    if answer.status_code != 200:
        assert answer.status_code == 429, answer.status_code
        answer.close()
    return answer.status_code == 200


def _messages(stream: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and data of each, as they come."""
    kind = ""
    for line in stream.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def test_from_the_button_to_the_end(make_site: MakeSite) -> None:
    _, daemon = _site(make_site)
    with Visitor(web_of(daemon)) as visitor, Visitor(web_of(daemon)) as stranger:
        session = _launched(visitor, durationMinutes=10, language="fr")
        name = session["name"]
        phases, reasons = [], []
        with visitor.stream("GET", f"{V1}/{name}/stream") as stream:
            for kind, data in _messages(stream):
                phases += [data["phase"]] if kind == "session" and data["phase"] not in phases else []
                reasons += [data["reason"]] if kind == "event" else []
                if "Ready" in phases and "Ready" in reasons:
                    break
        assert phases[-1] == "Ready"
        assert set(phases) <= {"Pending", "Creating", "Starting", "Ready"}

        ready = _ready(visitor, name)
        assert 540 < ready["secondsLeft"] <= 600
        assert ready["progress"]["step"] == "ready"
        credential = visitor.get(f"{V1}/{name}/credential").json()
        assert (credential["address"], credential["port"]) == (ready["address"], ready["port"])
        file = visitor.get(f"{V1}/{name}/rdp").text
        assert credential["address"] in file
        assert credential["password"] not in file

        seen = stranger.get(f"{V1}/{name}").json()
        assert (seen["phase"], seen["mine"], seen["address"], seen["owner"]) == ("Ready", False, None, None)
        refused = [
            stranger.get(f"{V1}/{name}/credential"),
            stranger.get(f"{V1}/{name}/rdp"),
            stranger.get(f"{V1}/{name}/events"),
            stranger.post(f"{V1}/{name}/extend", json={"minutes": 1}),
            stranger.delete(f"{V1}/{name}"),
        ]
        assert [answer.status_code for answer in refused] == [403] * 5
        assert stranger.get(V1).json()["items"] == []

        longer = visitor.post(f"{V1}/{name}/extend", json={"minutes": 15})
        assert longer.status_code == 200, longer.text
        assert longer.json()["secondsLeft"] > 1400
        with visitor.stream("GET", f"{V1}/{name}/stream") as stream:
            assert visitor.delete(f"{V1}/{name}").status_code == 202
            said = list(_messages(stream))
        assert said[-1] == ("gone", {"name": name}) or said[-1][1].get("phase") == "Expired"
        daemon.wait_gone(name)
        assert visitor.get(f"{V1}/{name}").status_code == 404

        log = daemon.process.err.read_text(encoding="utf-8")
        assert credential["password"] not in log
        assert session["ticket"] not in log


def test_a_restart_loses_neither_whose_a_session_is_nor_what_was_asked_for(make_site: MakeSite) -> None:
    site, daemon = _site(make_site)
    with Visitor(web_of(daemon)) as visitor:
        first = visitor.post(V1, json={"durationMinutes": 20}, headers={"idempotency-key": KEY})
        assert first.status_code == 201, first.text
    assert daemon.stop() == 0
    daemon = site.daemon().in_sync()
    ticket, name = first.json()["ticket"], first.json()["name"]
    with Visitor(web_of(daemon)) as visitor:
        again = visitor.post(V1, json={"durationMinutes": 20}, headers={"idempotency-key": KEY})
        assert (again.status_code, again.json()["name"], again.json()["ticket"]) == (200, name, ticket)
        other = visitor.post(V1, json={"durationMinutes": 30}, headers={"idempotency-key": KEY})
        assert (other.status_code, other.json()["title"]) == (422, "IdempotencyKeyReused")
    with Visitor(web_of(daemon), headers={"authorization": f"Bearer {ticket}"}) as program:
        assert _ready(program, name)["mine"] is True
        assert [session["name"] for session in program.get(V1).json()["items"]] == [name]
    assert set(daemon.phases()) == {name}


def test_a_full_house_takes_the_next_one_when_somebody_is_gone(make_site: MakeSite) -> None:
    _, daemon = _site(make_site, quotas={"total": 1})
    with Visitor(web_of(daemon)) as first, Visitor(web_of(daemon)) as second:
        session = _launched(first, name="first")
        _ready(first, "first")
        refused = second.post(V1, json={})
        assert (refused.status_code, refused.json()["title"]) == (503, "Full")
        assert int(refused.headers["retry-after"]) > 0
        tag = first.get(f"{V1}/first").headers["etag"]
        assert first.delete(f"{V1}/first", headers={"if-match": '"another"'}).status_code == 412
        assert first.delete(f"{V1}/first", headers={"if-match": tag}).status_code == 202
        daemon.wait_gone(session["name"])
        until(lambda: second.post(V1, json={}).status_code == 201, what="there is room again")


def test_many_who_look_cost_no_thread_each_and_leave_nothing_when_they_go(make_site: MakeSite) -> None:
    _, daemon = _site(make_site)
    pid = daemon.process.pid
    with Visitor(web_of(daemon)) as visitor, Visitor(web_of(daemon)) as crowd:
        name = _launched(visitor)["name"]
        _ready(visitor, name)
        before = threads_of(pid)
        with ExitStack() as streams:
            heard = [
                next(_messages(streams.enter_context(crowd.stream("GET", f"{V1}/{name}/stream"))))
                for _ in range(LOOKERS)
            ]
            assert {(kind, data["phase"]) for kind, data in heard} == {("session", "Ready")}
            assert threads_of(pid) - before < LOOKERS / 2
            assert visitor.get(f"{V1}/{name}").status_code == 200
    # Twice that many would be more than one address may have at once, if the first had left anything behind.
    with Visitor(web_of(daemon)) as crowd, ExitStack() as streams:
        for _ in range(LOOKERS):
            until(lambda: _follows(crowd, name, streams), what="the places of those who went are free again")

"""A session as it changes: what a stream says, when it ends, and how many there may be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from controller.engine.clock import VirtualClock
from controller.web.people import Person, Role
from controller.web.refusals import Refused
from controller.web.v1.stream import Pace, Streamer, Watched
from controller.web.v1.streams import MostStreams, Places
from tests.unit.web.v1.hotel import ALICE, BOB, Hotel

Script = dict[int, Callable[[], object]]
"""What happens after so many looks."""


@dataclass
class Listener:
    """Follows one session in virtual time: a look each second."""

    hotel: Hotel
    ticket: str | None = None
    after: int = 0
    pace: Pace = field(default_factory=lambda: Pace(lasts=60.0))
    heard: str = ""
    looks: int = 0

    def follow(self, name: str, script: Script | None = None) -> list[tuple[str, Any]]:
        """All messages until the stream ends: kind and data."""
        happens = script or {}

        async def pause(seconds: float) -> None:
            self.looks += 1
            self.hotel.clock.advance(seconds)
            happens.get(self.looks, lambda: None)()

        async def listen() -> None:
            streamer = Streamer(clock=self.hotel.clock, pace=self.pace, pause=pause)
            person = Person(client="192.0.2.7", role=Role.USER, ticket=self.ticket)
            watched = Watched(desk=self.hotel.desk, person=person, mode="open", name=name, after=self.after)
            self.heard = "".join([text async for text in streamer.follow(watched)])

        asyncio.run(listen())
        blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in self.heard.split("\n\n")]
        return [(block["event"], json.loads(block["data"])) for block in blocks if "event" in block]


@pytest.fixture
def hotel() -> Hotel:
    """Where time passes by pauses only."""
    return Hotel(clock=VirtualClock())


@pytest.fixture
def ticket(hotel: Hotel) -> str:
    ticket: str = hotel.browser().post("/sessions", json={"name": "one"}).json()["ticket"]
    return ticket


def test_it_says_how_the_session_stands_at_once_and_whenever_that_changes(hotel: Hotel, ticket: str) -> None:
    listener = Listener(hotel, ticket)
    said = listener.follow(
        "one",
        {3: lambda: hotel.controller.stands("one", "Creating"), 9: lambda: hotel.controller.stands("one", "Ready")},
    )
    assert [data["phase"] for kind, data in said if kind == "session"] == ["Pending", "Creating", "Ready"]
    assert listener.looks > 20, "it was looked at often, and said three times"


def test_it_says_every_event_once_with_its_id(hotel: Hotel, ticket: str) -> None:
    listener = Listener(hotel, ticket)
    said = listener.follow("one", {4: lambda: hotel.controller.stands("one", "Ready")})
    events = [data for kind, data in said if kind == "event"]
    assert [event["reason"] for event in events] == ["Accepted", "Ready"]
    assert [line for line in listener.heard.splitlines() if line.startswith("id: ")] == [
        f"id: {event['id']}" for event in events
    ]


def test_an_event_without_a_change_is_told_too(hotel: Hotel, ticket: str) -> None:
    said = Listener(hotel, ticket).follow("one", {2: lambda: hotel.controller.happens("one", "Reminded")})
    assert [data["reason"] for kind, data in said if kind == "event"] == ["Accepted", "Reminded"]


def test_who_comes_back_hears_only_what_is_new(hotel: Hotel, ticket: str) -> None:
    hotel.controller.stands("one", "Ready")
    said = Listener(hotel, ticket, after=1).follow("one")
    assert [data["reason"] for kind, data in said if kind == "event"] == ["Ready"]


def test_strangers_hear_how_it_stands_and_no_events(hotel: Hotel, ticket: str) -> None:
    said = Listener(hotel).follow("one", {3: lambda: hotel.controller.stands("one", "Ready")})
    assert [(kind, data["phase"], data["mine"], data["address"]) for kind, data in said] == [
        ("session", "Pending", False, None),
        ("session", "Ready", False, None),
    ]
    assert hotel.controller.asked_for_events == 0
    assert ticket not in str(said)


def test_it_ends_when_the_session_is_gone(hotel: Hotel, ticket: str) -> None:
    listener = Listener(hotel, ticket)
    said = listener.follow("one", {5: hotel.controller.views.clear})
    assert said[-1] == ("gone", {"name": "one"})
    assert listener.looks < 20


def test_it_ends_after_its_time_and_says_when_to_come_again(hotel: Hotel, ticket: str) -> None:
    began = hotel.clock.monotonic()
    listener = Listener(hotel, ticket, pace=Pace(lasts=300.0))
    listener.follow("one")
    assert hotel.clock.monotonic() - began == 300
    assert "retry: 2000\n" in listener.heard


def test_it_is_never_silent_for_long(hotel: Hotel, ticket: str) -> None:
    listener = Listener(hotel, ticket, pace=Pace(lasts=100.0))
    listener.follow("one")
    assert listener.heard.count(": still here\n\n") == 6


def test_a_controller_that_cannot_answer_for_a_while_ends_nothing(hotel: Hotel, ticket: str) -> None:
    def comes_back() -> None:
        hotel.controller.answers = True
        hotel.controller.stands("one", "Ready")

    def goes_away() -> None:
        hotel.controller.answers = False

    said = Listener(hotel, ticket).follow("one", {2: goes_away, 9: comes_back})
    assert [data["phase"] for kind, data in said if kind == "session"] == ["Pending", "Ready"]


def test_many_looks_ask_for_events_seldom(hotel: Hotel, ticket: str) -> None:
    listener = Listener(hotel, ticket, pace=Pace(lasts=60.0))
    listener.follow("one")
    assert (listener.looks, hotel.controller.asked_for_events) == (60, 12)


# -- over HTTP -------------------------------------------------------------------------------------------------


def test_over_http_it_is_an_event_stream_that_no_proxy_holds_back() -> None:
    hotel = _brief()
    browser = hotel.browser()
    browser.post("/sessions", json={"name": "one"})
    answer = browser.get("/sessions/one/stream", headers={"last-event-id": "no number"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-store", "no")
    assert "event: session\n" in answer.text
    assert "event: event\n" in answer.text


def test_the_last_id_that_a_client_has_is_where_it_goes_on() -> None:
    hotel = _brief()
    browser = hotel.browser()
    browser.post("/sessions", json={"name": "one"})
    for last, hears in (("0", True), ("1", False), ("9" * 40, False)):
        text = browser.get("/sessions/one/stream", headers={"last-event-id": last}).text
        assert ("event: event\n" in text) is hears, last


@pytest.mark.parametrize(("who", "status"), [(ALICE, 200), (BOB, 404), (None, 404)])
def test_there_is_no_stream_of_what_one_may_not_see(who: dict[str, str] | None, status: int) -> None:
    hotel = _brief(mode="token")
    hotel.browser(ALICE).post("/sessions", json={"name": "one"})
    answer = hotel.browser(who).get("/sessions/one/stream")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/event-stream" if status == 200 else "application/problem")


def test_a_place_is_free_again_after_each_stream() -> None:
    hotel = _brief(streams=MostStreams(total=1, per_address=1))
    browser = hotel.browser()
    browser.post("/sessions", json={"name": "one"})
    assert [browser.get("/sessions/one/stream").status_code for _ in range(3)] == [200, 200, 200]


# -- how many --------------------------------------------------------------------------------------------------

HERE, NEARBY, AWAY = (Person(client=client) for client in ("2001:db8::1", "2001:db8::2", "192.0.2.1"))


def test_one_address_has_so_many_streams_and_all_have_so_many() -> None:
    places = Places(MostStreams(total=3, per_address=2))
    first, _ = places.take(HERE), places.take(NEARBY)
    with pytest.raises(Refused) as refused:
        places.take(HERE)
    assert (refused.value.status, refused.value.retry_after) == (429, 10)
    places.take(AWAY)
    with pytest.raises(Refused) as refused:
        places.take(AWAY)
    assert (refused.value.status, refused.value.title, refused.value.retry_after) == (503, "Full", 10)
    first.give_back()
    first.give_back()  # once is enough, and twice is no more
    places.take(NEARBY)
    assert len(places) == 3


def test_who_finds_no_place_is_told_so_in_the_form_of_the_api() -> None:
    hotel = _brief(streams=MostStreams(total=0))
    browser = hotel.browser()
    browser.post("/sessions", json={"name": "one"})
    answer = browser.get("/sessions/one/stream")
    assert (answer.status_code, answer.json()["title"], answer.headers["retry-after"]) == (503, "Full", "10")


def _brief(*, mode: str = "open", streams: MostStreams | None = None) -> Hotel:
    """A house whose streams end after two looks."""

    async def pause(_seconds: float) -> None:
        await asyncio.sleep(0)

    return Hotel(
        mode=mode,
        streams=streams,
        streamer=lambda clock: Streamer(clock=clock, pace=Pace(lasts=2.0), pause=pause),
    )

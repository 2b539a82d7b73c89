"""What ``winux top`` asks, and what it keeps when nobody answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from controller.admin.app import make_app
from controller.admin.client import AdminClient, NoDaemon
from controller.cli.top_feed import Feed
from controller.engine.clock import SystemClock, VirtualClock
from controller.telemetry.httpserver import HttpServer
from controller.telemetry.loglevels import LogLevels
from tests.unit.admin.lab import Lab
from tests.unit.cli.conftest import Winux

PERIOD = 0.02


@pytest.fixture
def world(tmp_path: Path) -> Lab:
    lab = Lab(tmp_path)
    lab.ready("alice", "bob", more="template: small")
    return lab


def serve(world: Lab) -> HttpServer:
    app = make_app(world.service, LogLevels(clock=world.world.clock))
    return HttpServer(app, name="the admin API", listen=str(world.directory / "admin.sock"))


@pytest.fixture
def server(world: Lab) -> Iterator[HttpServer]:
    server = serve(world)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[AdminClient]:
    with closing(AdminClient(tmp_path / "admin.sock")) as client:
        yield client


@pytest.mark.usefixtures("server")
def test_one_look_sees_all(client: AdminClient) -> None:
    feed = Feed(client, clock=VirtualClock(), period=PERIOD)
    picture = feed.look().picture
    assert [view.name for view in picture.sessions] == ["alice", "bob"]
    assert picture.status.phases == {"Ready": 2}
    assert picture.vitals.vmids.used == 2
    assert picture.events[-1].reason == "Ready"
    assert picture.details is None


@pytest.mark.usefixtures("server")
def test_details_are_asked_for_while_they_are_wanted(client: AdminClient) -> None:
    feed = Feed(client, clock=VirtualClock(), period=PERIOD)
    feed.focus("alice")
    details = feed.look().picture.details
    assert details is not None
    assert {event.session for event in details.events} == {"alice"}
    feed.focus(None)
    assert feed.look().picture.details is None


def test_a_daemon_that_never_answered_is_an_error(client: AdminClient) -> None:
    with pytest.raises(NoDaemon, match="no daemon answers at"):
        Feed(client, clock=VirtualClock(), period=PERIOD).look()


def test_a_daemon_that_goes_away_leaves_the_last_picture_and_is_asked_again(
    client: AdminClient, server: HttpServer, world: Lab
) -> None:
    clock = VirtualClock()
    feed = Feed(client, clock=clock, period=PERIOD)
    first = feed.look()
    server.stop()
    clock.advance(30)
    away = feed.look()
    assert away.trouble is not None
    assert away.trouble.startswith(("no daemon answers at", "the daemon at"))
    assert (away.picture, away.at) == (first.picture, first.at)
    again = serve(world)
    again.start()
    try:
        back = feed.look()
    finally:
        again.stop()
    assert (back.trouble, back.at) == (None, 30.0)


def test_events_that_cannot_be_read_stay_as_they_were(client: AdminClient, server: HttpServer, world: Lab) -> None:
    feed = Feed(client, clock=VirtualClock(), period=PERIOD)
    feed.focus("alice")
    before = feed.look().picture
    assert server.url
    (world.directory / "ledger.db").rename(world.directory / "elsewhere.db")
    world.world.controller.tools.ledger._engine.dispose()
    (world.directory / "ledger.db").mkdir()
    after = feed.look()
    assert after.trouble is None
    assert after.picture.events == before.events
    assert after.picture.details == before.details
    assert after.picture.sessions


@pytest.mark.usefixtures("server")
def test_the_thread_tells_every_look_and_stops_when_it_is_told_to(client: AdminClient) -> None:
    news = threading.Semaphore(0)
    feed = Feed(client, clock=SystemClock(), period=PERIOD, on_news=news.release)
    thread = threading.Thread(target=feed.run)
    thread.start()
    assert all(news.acquire(timeout=30) for _ in range(3))
    feed.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert feed.failure is None


def test_what_is_a_bug_ends_the_thread_and_is_kept_for_the_one_who_shows_it() -> None:
    class Broken(AdminClient):
        def status(self) -> object:  # type: ignore[override]
            raise ZeroDivisionError

    feed = Feed(Broken(Path("/nowhere")), clock=SystemClock(), period=PERIOD)
    feed.run()
    assert isinstance(feed.failure, ZeroDivisionError)


# -- winux top where there is no terminal ----------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["--once"]], ids=["no terminal", "once"])
def test_without_a_terminal_all_is_printed_once(winux: Winux, lab: Lab, arguments: list[str]) -> None:
    lab.ready("alice", more="template: small")
    said = winux("top", *arguments)
    assert (said.status, said.err) == (0, "")
    assert said.lines[0].startswith("winux top  default")
    assert any(line.split()[:2] == ["alice", "Ready"] for line in said.lines)
    assert any("the desktop is ready" in line for line in said.lines[-3:])
    assert "\x1b" not in said.out


def test_without_a_daemon_it_ends_as_every_command_does(winux: Winux) -> None:
    said = winux("top")
    assert said.status == 3
    assert "no daemon answers at" in said.err


def test_an_interval_that_is_none_is_refused(winux: Winux) -> None:
    assert winux("top", "--interval", "0").status == 64

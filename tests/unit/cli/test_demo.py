"""The demo's manifests are what they claim, and what it cannot use is refused before anything starts.

The demo itself is run by the end-to-end tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from controller.admin.client import AdminClient
from controller.api.load import parse
from controller.cli.demo_manifests import BROKEN, TEMPLATE, session
from controller.cli.demo_stage import Stage
from controller.cli.demo_visitor import SESSIONS, Visitor
from controller.cli.exits import Failure
from controller.engine.clock import VirtualClock
from controller.telemetry.httpserver import HttpServer
from tests.unit.cli.conftest import Winux


def test_the_template_and_the_sessions_are_good() -> None:
    for text in (TEMPLATE, session("alice", ttl="10m")):
        parsed = parse(text.encode(), "demo.yaml")
        assert parsed.problems == ()
        assert len(parsed.manifests) == 1


def test_the_broken_one_is_broken_in_line_7_only() -> None:
    (problem,) = parse(BROKEN.encode(), "mallory.yaml").problems
    assert (problem.line, problem.field, problem.session) == (7, "spec.ttl", "mallory")


def test_a_directory_with_something_in_it_is_left_alone(winux: Winux) -> None:
    Path("full").mkdir()
    Path("full/precious").write_text("x")
    said = winux("demo", "--once", "--dir", "full")
    assert said.status == 1
    assert said.err == "error: full is not empty: choose a directory that is, or one that does not exist\n"
    assert [path.name for path in Path("full").iterdir()] == ["precious"]


def test_what_does_not_come_is_said_with_the_last_lines_of_the_daemons_log(tmp_path: Path) -> None:
    (tmp_path / "daemon.log").write_text("one\ntwo\n")
    with AdminClient(tmp_path / "admin.sock") as client:
        stage = Stage(root=tmp_path, url="https://127.0.0.1:1", client=client, clock=VirtualClock())
        with pytest.raises(Failure, match="expected within 20 s: a miracle") as failed:
            stage.until("a miracle", lambda: None)
    assert failed.value.more == ("the last lines of daemon.log:", "one", "two")


@pytest.fixture
def full_house() -> Iterator[HttpServer]:
    """A page that has no room for anybody."""
    app = FastAPI()

    @app.post(SESSIONS)
    def launch() -> JSONResponse:
        return JSONResponse({"title": "Full", "status": 503, "detail": "all desktops are taken"}, 503)

    server = HttpServer(app, name="a full house", listen="127.0.0.1:0")
    server.start()
    yield server
    server.stop()


def test_a_page_that_refuses_ends_the_story_with_its_sentence(full_house: HttpServer) -> None:
    with Visitor(full_house.url) as visitor, pytest.raises(Failure, match="it refused: all desktops are taken"):
        visitor.press()


def test_a_page_that_does_not_answer_ends_the_story_too() -> None:
    with Visitor("http://127.0.0.1:1") as visitor, pytest.raises(Failure, match="expected an answer of the page"):
        visitor.press()

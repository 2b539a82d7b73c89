"""The admin API over HTTP: routes, JSON, and errors as problem details."""

from __future__ import annotations

import os
import pwd
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import httpx
import pytest

from controller.admin.app import make_app
from controller.telemetry.httpserver import HttpServer
from controller.telemetry.loglevels import LogLevels
from tests.unit.admin.lab import Lab, session


@pytest.fixture
def http(lab: Lab) -> Iterator[httpx.Client]:
    lab.ready("alice")
    path = str(lab.directory / "admin.sock")
    server = HttpServer(make_app(lab.service, LogLevels(clock=lab.world.clock)), name="the admin API", listen=path)
    server.start()
    transport = httpx.HTTPTransport(uds=path)
    with httpx.Client(transport=transport, base_url="http://winux", trust_env=False) as client:
        yield client
    server.stop()


def test_answers_are_camel_case_json(http: httpx.Client) -> None:
    (alice,) = http.get("/v1/sessions").json()["items"]
    assert alice["name"] == "alice"
    assert alice["secondsLeft"] > 0
    assert alice["readyAt"].endswith("Z")


ROUTES = ["status", "vitals", "sessions", "sessions/alice", "events", "templates", "containers", "plan"]


@pytest.mark.parametrize("route", ROUTES)
def test_questions_are_answered(http: httpx.Client, route: str) -> None:
    assert http.get(f"/v1/{route}").status_code == 200


def test_the_only_route_with_a_secret_is_the_credentials(http: httpx.Client, lab: Lab) -> None:
    password = http.get("/v1/sessions/alice/credential").json()["password"]
    assert password in lab.world.secrets
    assert not [route for route in ROUTES if password in http.get(f"/v1/{route}").text]


def test_events_can_be_asked_for_by_session_and_from_an_id_on(http: httpx.Client) -> None:
    events = http.get("/v1/events", params={"session": "alice"}).json()["items"]
    rest = http.get("/v1/events", params={"session": "alice", "after": events[0]["id"]}).json()["items"]
    assert rest == events[1:]


def test_orders_are_carried_out(http: httpx.Client, lab: Lab) -> None:
    assert http.post("/v1/sessions/alice/extend", json={"seconds": 60}).json()["messages"]
    assert http.post("/v1/pause", json={"session": "alice"}).status_code == 200
    assert http.post("/v1/resume", json={"session": "alice"}).status_code == 200
    assert http.post("/v1/confirm").json() == {"messages": ["nothing was held"], "warnings": []}
    assert http.post("/v1/apply", json={"text": session("bob")}).json()["messages"] == [
        "session bob written (bob.yaml)"
    ]
    assert http.delete("/v1/sessions/alice").status_code == 200
    lab.until("alice is gone", lambda: lab.gone("alice"))


def test_a_plan_of_other_manifests_is_asked_for_with_them(http: httpx.Client) -> None:
    order = {"files": [{"name": "bob.yaml", "text": session("bob")}], "instead": True}
    changes = http.post("/v1/plan", json=order).json()["changes"]
    assert [(change["session"], change["action"]) for change in changes] == [("alice", "destroy"), ("bob", "create")]


ERRORS = {
    "an unknown session": ("GET", "sessions/nobody", None, 404, "NotFound"),
    "an unknown session to delete": ("DELETE", "sessions/nobody", None, 404, "NotFound"),
    "too much more time": ("POST", "sessions/alice/extend", {"seconds": 10**7}, 409, "Conflict"),
    "less time": ("POST", "sessions/alice/extend", {"seconds": -1}, 422, "Invalid"),
    "a field that is none": ("POST", "sessions/alice/extend", {"minutes": 1}, 422, "Invalid"),
    "a text that is no manifest": ("POST", "apply", {"text": "kind: x"}, 422, "Invalid"),
    "a parameter out of range": ("GET", "events?after=-1", None, 422, "Invalid"),
    "an unknown route": ("GET", "nothing/here", None, 404, "NoSuchRoute"),
    "a method that a route lacks": ("PUT", "sessions", {}, 405, "NoSuchRoute"),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS.keys())
def test_errors_are_problem_details_with_one_sentence(
    http: httpx.Client, case: tuple[str, str, object, int, str]
) -> None:
    method, route, body, status, title = case
    answer = http.request(method, f"/v1/{route}", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["title"] == title
    assert answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


def test_every_mistake_of_an_applied_text_is_listed(http: httpx.Client) -> None:
    text = f"{session('bob', more='ttl: 5')}---\n{session('carol', more='template: nosuch')}"
    assert len(http.post("/v1/apply", json={"text": text}).json()["problems"]) == 2


def test_a_mistake_of_ours_is_an_error_without_details(http: httpx.Client, lab: Lab) -> None:
    with closing(sqlite3.connect(lab.world.directory / "ledger.db")) as other:
        other.execute("UPDATE events SET type = 'Nonsense'")
        other.commit()
    answer = http.get("/v1/events")
    assert answer.status_code == 500
    assert answer.json()["detail"] == "the daemon failed to answer (ValueError): see its log"


# -- who orders ------------------------------------------------------------------------------------------------


def test_events_name_who_ordered(http: httpx.Client, lab: Lab) -> None:
    http.post("/v1/sessions/alice/extend", json={"seconds": 60})
    http.post("/v1/pause", json={"session": "alice"})
    http.post("/v1/resume", json={"session": "alice"})
    http.post("/v1/apply", json={"text": session("bob")})
    http.delete("/v1/sessions/alice")
    me = f"uid {os.getuid()} ({pwd.getpwuid(os.getuid()).pw_name})"
    said = {event.reason: event.message for event in lab.service.events()}
    assert said["Extended"].startswith(f"{me} granted 1m more: it ends at ")
    assert said["Paused"] == f"{me} paused it"
    assert said["Resumed"] == f"{me} let it go on"
    assert said["Applied"] == f"{me} wrote session bob to bob.yaml"
    assert said["Deleted"] == f"{me} deleted it"


# -- a ledger that cannot be written ---------------------------------------------------------------------------


@contextmanager
def read_only(lab: Lab) -> Iterator[str]:
    with lab.world.controller.tools.ledger._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        yield "attempt to write a readonly database"
        connection.exec_driver_sql("PRAGMA query_only=OFF")


@contextmanager
def locked(lab: Lab) -> Iterator[str]:
    with lab.world.controller.tools.ledger._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
    with closing(sqlite3.connect(lab.world.directory / "ledger.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        yield "database is locked"


@contextmanager
def gone(lab: Lab) -> Iterator[str]:
    file = lab.world.directory / "ledger.db"
    file.rename(lab.world.directory / "moved.db")
    yield f"{file} is gone: put that one back, or restart the daemon to go on with what is there"
    lab.world.directory.joinpath("moved.db").rename(file)


ORDERS = {
    "extend": ("POST", "sessions/alice/extend", {"seconds": 60}),
    "delete": ("DELETE", "sessions/alice", None),
    "delete a mistake": ("DELETE", "sessions/carol", None),
    "pause one": ("POST", "pause", {"session": "alice"}),
    "pause all": ("POST", "pause", {}),
    "resume all": ("POST", "resume", {}),
    "confirm": ("POST", "confirm", None),
    "apply": ("POST", "apply", {"text": session("bob")}),
}


@pytest.mark.parametrize("trouble", [read_only, locked, gone])
def test_while_the_ledger_cannot_be_written_no_order_is_carried_out_and_each_is_one_sentence(
    http: httpx.Client, lab: Lab, trouble: Callable[[Lab], AbstractContextManager[str]]
) -> None:
    lab.world.write("carol.yaml", session("carol", more="ttl: 1:30"))
    lab.world.run(1)
    files, before = sorted(lab.world.manifests.iterdir()), lab.service.session("alice")
    with trouble(lab) as why:
        for method, route, body in ORDERS.values():
            answer = http.request(method, f"/v1/{route}", json=body)
            assert (answer.status_code, answer.json()["title"]) == (503, "LedgerFailing"), route
            assert answer.json()["detail"] == (
                f"the ledger cannot be written ({why}), so the order was not carried out: look after its disk and its "
                f"permissions, then try again"
            )
        assert [notice.reason for notice in lab.service.status().notices] == ["LedgerFailing"]
    assert sorted(lab.world.manifests.iterdir()) == files
    assert lab.service.session("alice").extension == before.extension == 0
    assert http.post("/v1/sessions/alice/extend", json={"seconds": 60}).status_code == 200
    assert lab.service.status().notices == ()


def test_a_ledger_that_cannot_be_read_is_one_sentence(http: httpx.Client, lab: Lab) -> None:
    lab.world.controller.tools.ledger.close()
    lab.world.directory.joinpath("ledger.db").unlink()
    lab.world.directory.joinpath("ledger.db").mkdir()
    answer = http.get("/v1/events")
    assert (answer.status_code, answer.json()["title"]) == (503, "LedgerFailing")
    assert answer.json()["detail"] == (
        "the ledger cannot be read (unable to open database file): look after its disk and its permissions, then try "
        "again"
    )

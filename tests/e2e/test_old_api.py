"""The old API against the real daemon and node: clients that were written for it go on, and its old faults are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from tests.e2e.conftest import MakeSite
from tests.e2e.daemon import Daemon
from tests.e2e.oldclient import OPEN, OldClient
from tests.e2e.site import Site
from tests.e2e.waiting import throughout, until

MakeClient = Callable[[Daemon], OldClient]
KEYS = {
    *("session_id", "container_id", "container_ip", "created_at", "duration_minutes", "status", "expires_at"),
    *("remaining_seconds", "message"),
}
IMPATIENT = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {name: impatient}
spec: {readiness: {timeout: 3s}}
"""
SHORT = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {name: short}
spec: {ttl: {default: 10s, max: 1h}}
"""


@pytest.fixture
def client_of() -> Iterator[MakeClient]:
    clients: list[OldClient] = []

    def make(daemon: Daemon) -> OldClient:
        clients.append(OldClient(daemon.web))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(profile="instant", settings=OPEN)


def test_the_contract_from_the_launch_to_the_end(make_site: MakeSite, client_of: MakeClient) -> None:
    site = make_site(profile="demo", settings=OPEN)
    daemon = site.daemon().in_sync()
    client = client_of(daemon)
    assert client.call("GET", "").json()["endpoints"]["create_session"] == "POST /api/winux/sessions"
    assert client.call("GET", "/health").json() | {"timestamp": ""} == {
        "success": True,
        "status": "healthy",
        "message": "the controller answers",
        "timestamp": "",
        "active_sessions": 0,
    }

    answer = client.press(session_id="lesson-1", duration_minutes=45)
    assert answer.status_code == 201
    assert set(answer.json()) == {"success", "session", "message"}
    session = answer.json()["session"]
    assert set(session) == KEYS | {"username", "password"}
    assert (session["session_id"], session["duration_minutes"], session["status"]) == ("lesson-1", 45, "active")
    assert 44 * 60 < session["remaining_seconds"] <= 45 * 60
    assert datetime.fromisoformat(session["created_at"]) < datetime.fromisoformat(session["expires_at"])

    container = site.admin.containers()[session["container_id"]]
    assert (container.hostname, container.running) == ("lesson-1", True)
    assert site.admin.of() == {"lesson-1": [session["container_id"]]}
    credential = daemon.admin.credential("lesson-1")
    assert session["container_ip"] == credential.address
    assert (session["username"], session["password"]) == (credential.username, credential.password)

    found = client.call("GET", "/sessions/lesson-1").json()
    assert set(found) == {"success", "session"}
    assert found["session"]["password"] == session["password"]
    listed = client.call("GET", "/sessions").json()
    assert set(listed) == {"success", "sessions"}
    assert [set(one) for one in listed["sessions"]] == [KEYS]
    assert client.call("GET", "/health").json()["active_sessions"] == 1
    assert client.press(session_id="lesson-1").status_code == 409

    ended = client.call("DELETE", "/sessions/lesson-1")
    assert (ended.status_code, ended.json()["message"]) == (200, "session lesson-1 is ending")
    until(lambda: client.statuses() == {}, what="it is listed no more")
    assert session["container_id"] not in site.admin.containers()
    until(lambda: client.press(session_id="lesson-1").status_code == 201, what="its name is free again", every=0.5)


def test_concurrent_launches_get_different_containers(site: Site, client_of: MakeClient) -> None:
    """The old system gave two of them one VMID: the second one destroyed the first one's desktop."""
    daemon = site.daemon().in_sync()
    clients = [client_of(daemon) for _ in range(12)]
    with ThreadPoolExecutor(len(clients)) as pool:
        sessions = [*pool.map(lambda client: client.launched(), clients)]
    for key in ("session_id", "container_id", "container_ip", "password"):
        assert len({session[key] for session in sessions}) == len(clients), key
    owned = {session["session_id"]: [session["container_id"]] for session in sessions}
    assert site.admin.of() == owned
    assert len({client.cookies["winux_ticket"] for client in clients}) == len(clients)


def test_one_name_that_many_want_at_once_is_given_once(site: Site, client_of: MakeClient) -> None:
    daemon = site.daemon().in_sync()
    clients = [client_of(daemon) for _ in range(8)]
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = [*pool.map(lambda client: client.press(session_id="lesson-1"), clients)]
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    (winner,) = (client for client, answer in zip(clients, answers, strict=True) if answer.status_code == 201)
    assert [client.statuses() for client in clients if client is not winner] == [{}] * 7
    assert [len(vmids) for vmids in site.admin.of().values()] == [1]


def test_a_failed_destroy_is_not_forgotten(site: Site, client_of: MakeClient) -> None:
    """The old system struck a session off its list whatever became of its container."""
    daemon = site.daemon().in_sync()
    client = client_of(daemon)
    vmid = client.launched(session_id="alice")["container_id"]
    site.admin.fault("error", operation="delete", text="got no worker upid - start worker failed")

    answer = client.call("DELETE", "/sessions/alice")
    assert (answer.status_code, answer.json()["session"]["status"]) == (200, "ending")
    tried = until(lambda: site.admin.writes("delete"), what="Proxmox is asked to destroy it")
    throughout(
        lambda: client.statuses() == {"alice": "ending"} and vmid in site.admin.containers(),
        until_true=lambda: len(site.admin.writes("delete")) > len(tried) + 1,
        what="it is listed as long as its container is there",
        within=120,
    )
    assert client.press(session_id="alice").status_code == 409

    site.admin.no_faults()
    until(lambda: client.statuses() == {}, what="it is listed no more")
    assert vmid not in site.admin.containers()


def test_a_broken_desktop_is_not_reported_as_success(make_site: MakeSite, client_of: MakeClient) -> None:
    """The old system said so of whatever its playbook had not noticed."""
    web = OPEN["web"] | {"wait": "40s", "templates": ["impatient"]}
    site = make_site(profile="instant", settings=OPEN | {"web": web, "readiness": {"attempts": 1}})
    site.manifests.text("template-impatient.yaml", IMPATIENT)
    daemon = site.daemon().in_sync()
    client = client_of(daemon)
    site.admin.door("POST", "rdp", answer=False)

    answer = client.press(session_id="alice")
    assert (answer.status_code, answer.json()["success"]) == (500, False)
    assert answer.json()["error"].startswith("session alice could not be made: ")
    assert answer.json()["session"]["status"] == "failed"
    assert "password" not in answer.text

    site.admin.door("POST", "rdp", answer=True)
    until(lambda: not site.admin.of(), what="its container is gone")
    assert client.statuses() == {"alice": "failed"}
    assert client.call("POST", "/cleanup").json()["cleaned_sessions"] == ["alice"]
    until(lambda: client.session("alice") is None, what="it is forgotten")


def test_what_takes_longer_than_the_wait_is_told_as_being_made(make_site: MakeSite, client_of: MakeClient) -> None:
    site = make_site(profile="demo", settings=OPEN | {"web": OPEN["web"] | {"wait": "300ms"}})
    daemon = site.daemon().in_sync()
    client = client_of(daemon)
    site.admin.door("POST", "rdp", answer=False)
    answer = client.press(session_id="alice", duration_minutes=10)
    assert answer.status_code == 202
    assert set(answer.json()["session"]) == KEYS
    assert answer.json()["session"]["status"] == "creating"
    assert client.statuses() == {"alice": "creating"}
    site.admin.door("POST", "rdp", answer=True)
    until(lambda: client.statuses() == {"alice": "active"}, what="it is ready")
    ready = client.session("alice")
    assert ready is not None
    assert ready["password"] == daemon.admin.credential("alice").password


def test_nobody_lists_or_ends_everybodys_sessions(site: Site, client_of: MakeClient) -> None:
    """In the old system anybody did."""
    daemon = site.daemon().in_sync()
    site.manifests.session("payroll", ttl="1h")
    daemon.wait_ready("payroll")
    owner, stranger = client_of(daemon), client_of(daemon)
    mine = {owner.launched()["session_id"] for _ in range(3)}
    before = site.admin.of()

    assert stranger.statuses() == {}
    for name in mine:
        seen = stranger.session(name)
        assert seen is not None
        assert (seen["status"], seen["container_id"], seen["container_ip"]) == ("active", None, None)
        refused = stranger.call("DELETE", f"/sessions/{name}")
        assert (refused.status_code, refused.json()["success"]) == (403, False)
    assert stranger.session("payroll") is None
    assert stranger.call("DELETE", "/sessions/payroll").status_code == 404
    assert stranger.call("POST", "/cleanup").json()["cleaned_sessions"] == []
    assert stranger.call("DELETE", "/sessions").status_code == 405

    daemon.wait_ticks(2)
    assert site.admin.of() == before
    assert set(owner.statuses()) == mine
    assert owner.call("POST", "/cleanup").json()["cleaned_sessions"] == []
    assert set(daemon.phases().values()) == {"Ready"}


def test_after_a_restart_everybody_has_what_they_had(site: Site, client_of: MakeClient) -> None:
    """The old system kept its list in a file that two requests overwrote, and that a restart of the machine removed."""
    site.configure()
    daemon = site.daemon().in_sync()
    first = client_of(daemon)
    session = first.launched(session_id="alice")
    ticket = first.cookies["winux_ticket"]
    daemon.stop()

    again = site.daemon().in_sync()
    client = client_of(again)
    client.cookies.set("winux_ticket", ticket)
    found = client.session("alice")
    assert found is not None
    assert [found[key] for key in ("container_id", "password")] == [
        session[key] for key in ("container_id", "password")
    ]
    assert client_of(again).call("DELETE", "/sessions/alice").status_code == 403
    assert client.call("DELETE", "/sessions/alice").status_code == 200
    until(lambda: not site.admin.of(), what="its container is gone")


def test_a_session_whose_time_is_up_is_cleared_away_and_its_name_is_free(
    make_site: MakeSite, client_of: MakeClient
) -> None:
    site = make_site(profile="instant", settings=OPEN | {"web": OPEN["web"] | {"templates": ["short"]}})
    site.manifests.text("template-short.yaml", SHORT)
    daemon = site.daemon().in_sync()
    client = client_of(daemon)
    assert client.launched(session_id="alice")["remaining_seconds"] <= 10
    until(lambda: client.statuses() == {}, what="its time is up")
    over = client.session("alice")
    assert over is not None
    assert (over["status"], over["remaining_seconds"]) == ("ended", 0)
    assert client.press(session_id="alice").status_code == 409
    assert client.call("POST", "/cleanup").json()["cleaned_sessions"] == ["alice"]
    until(lambda: client.press(session_id="alice").status_code == 201, what="its name is free again", every=0.5)

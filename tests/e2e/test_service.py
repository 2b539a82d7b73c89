"""The daemon as a service: graceful stop, reload, one daemon per ledger, plain words about what it cannot use."""

from __future__ import annotations

import shutil
import signal
import socket

from tests.e2e.conftest import MakeSite
from tests.e2e.site import Site
from tests.e2e.waiting import until


def test_a_stop_in_the_middle_of_creates_drains_and_loses_nothing(site: Site) -> None:
    """Few at once, so that the last one is far away when it stops; then many, so that they are soon there."""
    names = [f"s{n}" for n in range(18)]
    for name in names:
        site.manifests.session(name, ttl="1h")
    daemon = site.daemon(settings={"proxmox": {"inFlightPerNode": 3}}).started()
    until(lambda: len(site.admin.writes("create")) >= 3, what="some creates are on their way")
    assert daemon.stop() == 0
    assert daemon.log("winux.stopped")[-1]["unfinished"] == [], "it drained in the time that it has"
    asked = len(site.admin.writes("create"))
    assert asked < len(names), "nothing new was begun"

    daemon = site.daemon(settings={"proxmox": {"inFlightPerNode": 16}}).in_sync()
    daemon.wait_ready(*names)
    assert {n: len(v) for n, v in site.admin.of().items()} == dict.fromkeys(names, 1)
    assert [task["status"] for task in site.admin.tasks("vzcreate")] == ["OK"] * len(names)
    assert len(site.foreigners.beside()) == len(names)


def test_a_reload_takes_over_what_can_change_and_says_what_cannot(site: Site) -> None:
    daemon = site.daemon(settings={"manifests": {"grace": "10m"}}).in_sync()
    site.manifests.session("alice", ttl="1h")
    site.manifests.session("bob", ttl="1h")
    daemon.wait_ready("alice", "bob")
    site.manifests.remove("alice")
    until(lambda: (s := daemon.session("alice")) and s.reason == "ManifestMissing", what="the grace has begun")
    site.configure(settings={"manifests": {"grace": "1s"}, "controller": {"id": "another"}})
    daemon.process.signal(signal.SIGHUP)
    daemon.wait_gone("alice")
    until(lambda: daemon.log("settings.reloaded"), what="the reload is told")
    assert daemon.log("settings.reloaded")[-1]["fields"] == ["manifests.grace"]
    assert daemon.log("settings.need-restart")[-1]["fields"] == ["controller.id"]
    assert sorted(site.admin.of()) == ["bob"]

    daemon.config.write_text("nonsense: [", encoding="utf-8")
    daemon.process.signal(signal.SIGHUP)
    until(lambda: daemon.log("settings.not-reloaded"), what="a broken file is reported")
    assert daemon.session("bob") is not None, "and changes nothing"


def test_a_second_daemon_on_the_same_ledger_is_refused_in_a_sentence(site: Site) -> None:
    first = site.daemon().in_sync()
    second = site.daemon(settings={"admin": {"socket": str(site.directory / "second.sock")}})
    assert second.process.wait() == 1
    said = second.process.output()
    assert "is in use by another winux daemon: stop it, or give this one its own ledger.url and controller.id" in said
    assert "Traceback" not in said
    assert first.ready()[0] == 200


def test_an_address_that_is_taken_is_said_in_a_sentence(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        daemon = site.daemon(environment={"WINUX_TELEMETRY__LISTEN": f"127.0.0.1:{port}"})
        assert daemon.process.wait() == 1
    said = daemon.process.output()
    assert f"127.0.0.1:{port}" in said
    assert "Traceback" not in said


def test_wrong_settings_are_all_listed_at_once_in_sentences(site: Site) -> None:
    wrong = {"proxmox": {"url": "http://elsewhere", "tick": "soon"}, "guards": {"clockJmp": "1s"}}
    daemon = site.daemon(settings=wrong)
    assert daemon.process.wait() == 1
    said = daemon.process.output()
    for key in ("proxmox.url", "proxmox.tick", "guards.clockJmp"):
        assert key in said
    assert "Traceback" not in said


def test_a_wrong_token_is_said_and_tried_again(site: Site) -> None:
    secret = site.directory / "node" / "pool-token"
    right = secret.read_text(encoding="utf-8")
    secret.write_text("00000000-0000-4000-8000-000000000000\n", encoding="utf-8")
    daemon = site.daemon().started()
    sentence = daemon.wait_notice("NotObserved")
    until(
        lambda: "the token is wrong" in daemon.notices().get("NotObserved", ""), what="it says why", show=daemon.notices
    )
    assert "\n" not in sentence
    status, body = daemon.ready()
    assert status == 503
    assert "the token is wrong" in body
    assert daemon.page("/healthz")[0] == 200, "the process is well, it is the world that is not"
    daemon.kill()
    secret.write_text(right, encoding="utf-8")
    site.daemon().in_sync()


def test_a_wrong_authority_is_said_and_tried_again(make_site: MakeSite) -> None:
    site, other = make_site(), make_site(foreigners=False)
    wrong = site.directory / "other-ca.pem"
    shutil.copy(str(other.node.description["ca"]), wrong)
    daemon = site.daemon(settings={"proxmox": {"caFile": str(wrong)}}).started()
    until(
        lambda: "certificate" in daemon.notices().get("NotObserved", ""),
        what="it says that the certificate is not to be trusted",
        show=daemon.notices,
    )
    # The right one in its place is enough, without a restart.
    shutil.copy(str(site.node.description["ca"]), wrong)
    daemon.wait_no_notices()


def test_a_wrong_port_is_said_and_tried_again(site: Site) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else can meanwhile
        port = unused.getsockname()[1]
        daemon = site.daemon(settings={"proxmox": {"url": f"https://127.0.0.1:{port}"}}).started()
        until(
            lambda: "Connection refused" in daemon.notices().get("NotObserved", ""),
            what="it says that nobody answers there",
            show=daemon.notices,
        )
        assert str(port) in daemon.notices()["NotObserved"]


def test_the_telemetry_answers(site: Site) -> None:
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    daemon.wait_ready("alice")
    assert daemon.page("/healthz")[0] == 200
    assert daemon.ready()[0] == 200
    status, metrics = daemon.page("/metrics")
    assert status == 200
    for line in (
        'winux_sessions{launch="archive",phase="Ready",template="default"} 1.0',
        'winux_guard_engaged{guard="MassDelete"} 0.0',
        'winux_proxmox_requests_total{operation="create",outcome="OK"} 1.0',
        'winux_session_ready_seconds_count{launch="archive",template="default"} 1.0',
        "winux_manifests_files 2.0",
    ):
        assert line in metrics.splitlines()
    assert "alice" not in metrics, "no label is a session's name"

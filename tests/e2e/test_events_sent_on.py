"""Events leave the daemon: signed, in order, over a receiver that was down, a kill -9, a rotated file, a new secret."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.site import Site
from tests.e2e.waiting import until
from tests.unit.deliveries.receiver import OTHER_SECRET, SECRET, Receiver, listening


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def port() -> Iterator[int]:
    """One that nobody listens at, and that nobody else is given meanwhile."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def webhook(site: Site, url: str, secret: str = SECRET, *, timeout: str = "30s") -> Mapping[str, Mapping[str, object]]:
    """With a ``timeout`` that a busy machine does not reach: what was not answered in time is rightly sent again."""
    path = site.directory / "webhook-secret"
    path.touch(mode=0o600)
    path.write_text(f"{secret}\n", encoding="utf-8")
    hook = {"url": url, "secretFile": str(path), "allowHttp": True, "timeout": timeout}
    return {"events": {"file": str(file_of(site)), "webhook": hook}}


def file_of(site: Site) -> Path:
    return site.directory / "events.jsonl"


def lines(path: Path) -> list[dict[str, object]]:
    """The whole ones: the last may be in the making."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.rpartition("\n")[0].splitlines()]


def settled(daemon: Daemon) -> None:
    """Nothing waits in any sink, and nothing happened meanwhile."""
    samples = [f'winux_event_undelivered{{sink="{sink}"}}' for sink in ("file", "webhook")]
    until(lambda: [daemon.metric(one) for one in samples] == [0.0, 0.0], what="all is sent")


def recorded(daemon: Daemon) -> list[int]:
    """What the daemon has to tell anybody: its own troubles with sinks it keeps to itself."""
    return [event.id for event in daemon.admin.events(limit=10_000) if not event.reason.startswith("EventsNot")]


def ids(found: list[dict[str, object]]) -> list[int]:
    return [int(str(event["id"])) for event in found]


def test_events_reach_a_file_and_a_signed_webhook(site: Site, receiver: Receiver) -> None:
    with listening(receiver):
        daemon = site.daemon(settings=webhook(site, receiver.url)).in_sync()
        site.manifests.session("alice", ttl="1h")
        daemon.wait_ready("alice")
        until(lambda: "Ready" in [event["reason"] for event in receiver.taken], what="the webhook has them")
        until(lambda: len(lines(file_of(site))) >= len(receiver.taken), what="the file has them")
    assert all(request.signed_with(SECRET) for request in receiver.requests)
    assert "ControllerStarted" in [event["reason"] for event in receiver.taken], "from the first one on"
    shown = [json.loads(line) for line in daemon.cli("events", "-o", "json").stdout.splitlines()]
    written = lines(file_of(site))
    assert [event for event in written if event in shown] == shown[: len(written)]
    password = daemon.admin.credential("alice").password
    assert password
    assert password not in file_of(site).read_text(encoding="utf-8")
    assert SECRET not in daemon.process.output()
    assert "s3cr3t-path" not in daemon.process.output()
    until(lambda: daemon.metric('winux_event_deliveries_total{outcome="ok",sink="webhook"}') >= 1, what="it counts")


def test_a_receiver_that_was_down_over_a_kill_gets_everything_in_order(
    site: Site, receiver: Receiver, port: int
) -> None:
    settings = webhook(site, f"http://127.0.0.1:{port}/hook")
    daemon = site.daemon(settings=settings).in_sync()
    site.manifests.session("alice", ttl="1h")
    daemon.wait_ready("alice")
    until(lambda: daemon.metric('winux_event_undelivered{sink="webhook"}') > 3, what="some wait")
    daemon.kill()
    daemon = site.daemon(settings=settings).in_sync()
    site.manifests.session("bob", ttl="1h")
    daemon.wait_ready("bob")
    assert receiver.taken == []
    until(lambda: set(recorded(daemon)) <= set(ids(lines(file_of(site)))), what="the file has them all along")
    with listening(receiver, port=port):
        daemon.process.signal(signal.SIGHUP)  # so that the test need not wait for the backoff
        settled(daemon)
        taken = ids(receiver.taken)
        assert taken == sorted(set(taken)), "in order, and here not even twice"
        assert {"alice", "bob"} <= {str(event["session"]) for event in receiver.taken}
        until(lambda: set(recorded(daemon)) <= set(ids(receiver.taken)), what="all that is recorded was sent")


def test_a_rotated_file_loses_nothing(site: Site, receiver: Receiver) -> None:
    path, old = file_of(site), site.directory / "events.jsonl.1"
    with listening(receiver):
        daemon = site.daemon(settings=webhook(site, receiver.url)).in_sync()
        site.manifests.session("alice", ttl="1h")
        daemon.wait_ready("alice")
        settled(daemon)
        path.rename(old)
        site.manifests.session("bob", ttl="1h")
        daemon.wait_ready("bob")
        known = set(recorded(daemon))

        def both() -> list[int]:
            return ids(lines(old)) + ids(lines(path))

        until(lambda: known <= set(both()), what="all that was recorded is in one of both", show=both)
        found = both()
        assert found == sorted(set(found))
    assert path.stat().st_mode & 0o137 == 0


def test_a_new_secret_is_taken_over_while_running(site: Site, receiver: Receiver) -> None:
    with listening(receiver):
        daemon = site.daemon(settings=webhook(site, receiver.url)).in_sync()
        until(lambda: receiver.requests, what="the first ones")
        site.configure(settings=webhook(site, receiver.url, OTHER_SECRET))
        daemon.process.signal(signal.SIGHUP)
        until(lambda: daemon.log("settings.reloaded"), what="it was read anew")
        site.manifests.session("alice", ttl="1h")
        until(lambda: receiver.requests[-1].signed_with(OTHER_SECRET), what="the new secret signs")
        assert daemon.log("settings.reloaded")[-1]["fields"] == ["events.webhook.secretFile"]

        (site.directory / "webhook-secret").write_text("hunter2", encoding="utf-8")
        daemon.process.signal(signal.SIGHUP)
        said = until(lambda: daemon.log("settings.not-reloaded"), what="a broken one is refused")
        assert "is no secret" in str(said[-1]["error"])
        assert "hunter2" not in daemon.process.output()
        daemon.wait_ready("alice")
        assert receiver.requests[-1].signed_with(OTHER_SECRET), "and the one before stays"


def test_a_receiver_that_hangs_holds_up_no_session(site: Site, receiver: Receiver) -> None:
    with listening(receiver):
        receiver.drip = threading.Event()
        daemon = site.daemon(settings=webhook(site, receiver.url, timeout="2s")).in_sync()
        names = [f"s{number}" for number in range(5)]
        for name in names:
            site.manifests.session(name, ttl="1h")
        daemon.wait_ready(*names)
        assert daemon.metric('winux_event_deliveries_total{outcome="ok",sink="webhook"}') == 0
        assert daemon.page("/healthz")[0] == 200
        until(lambda: len(lines(file_of(site))) > len(names), what="the file is not held up either")
        assert daemon.stop() == 0


def test_a_secret_that_is_missing_is_said_in_a_sentence(site: Site) -> None:
    settings = webhook(site, "https://hooks.example.org/x")
    (site.directory / "webhook-secret").unlink()
    daemon = site.daemon(settings=settings)
    assert daemon.process.wait() == 1
    said = daemon.process.output()
    assert "events.webhook.secretFile: cannot read" in said
    assert "Traceback" not in said

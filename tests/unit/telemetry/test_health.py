"""What a probe and Prometheus get over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from controller.telemetry.health import make_app
from controller.telemetry.httpserver import HttpServer
from controller.telemetry.metrics import Metrics
from controller.telemetry.snapshot import TelemetrySnapshot


class Daemon:
    """What the checks would look at."""

    def __init__(self) -> None:
        self.stuck: list[str] = []
        self.missing: list[str] = []
        self.metrics = Metrics(version="1.2.3", snapshot=TelemetrySnapshot)


@pytest.fixture(scope="module")
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture(scope="module")
def client(daemon: Daemon) -> Iterator[httpx.Client]:
    app = make_app(registry=daemon.metrics.registry, alive=lambda: daemon.stuck, ready=lambda: daemon.missing)
    server = HttpServer(app, name="telemetry", listen="127.0.0.1:0")
    server.start()
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        yield client
    assert server.stop()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_all_is_well(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "problems": []}


def test_a_stuck_thread_is_not_alive_but_may_be_ready(client: httpx.Client, daemon: Daemon) -> None:
    daemon.stuck = ["the thread tick gave no sign of life for 95 s (allowed: 60 s)"]
    try:
        answer = client.get("/healthz")
        assert answer.status_code == 503
        assert answer.json() == {"status": "failing", "problems": daemon.stuck}
        assert client.get("/readyz").status_code == 200
    finally:
        daemon.stuck = []


def test_a_daemon_that_has_not_seen_everything_says_what_is_missing(client: httpx.Client, daemon: Daemon) -> None:
    daemon.missing = ["the manifests were not read whole yet", "Proxmox was not seen yet"]
    try:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"status": "failing", "problems": daemon.missing}
        assert client.get("/healthz").status_code == 200
    finally:
        daemon.missing = []


def test_metrics_come_as_text(client: httpx.Client) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'winux_build_info{version="1.2.3"} 1.0' in answer.text


def test_metrics_come_as_openmetrics_to_those_who_ask(client: httpx.Client) -> None:
    answer = client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/metrics/x"])
def test_there_is_nothing_else(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_nothing_can_be_written(client: httpx.Client) -> None:
    assert client.post("/metrics").status_code == 405


class Held:
    """A daemon whose state somebody holds and does not let go."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.metrics = Metrics(version="1.2.3", snapshot=self.snapshot)

    def snapshot(self) -> TelemetrySnapshot:
        with self.lock:
            return TelemetrySnapshot()

    def missing(self) -> list[str]:
        with self.lock:
            return []


def test_while_the_state_is_held_it_says_that_it_lives_and_answers_the_rest_with_a_sentence() -> None:
    held = Held()
    app = make_app(registry=held.metrics.registry, alive=list, ready=held.missing, patience=0.05)
    server = HttpServer(app, name="telemetry", listen="127.0.0.1:0")
    server.start()
    asking = httpx.Client(base_url=server.url, trust_env=False, timeout=60)
    with asking as client, held.lock, ThreadPoolExecutor(20) as waiting:
        answers = list(waiting.map(lambda number: client.get(("/metrics", "/readyz")[number % 2]), range(20)))
        assert {answer.status_code for answer in answers} == {503}
        assert all("could not be read within 0.05 s" in answer.text for answer in answers)
        assert client.get("/healthz").json() == {"status": "ok", "problems": []}
    assert server.stop()


def test_once_the_state_is_let_go_all_is_as_before() -> None:
    held = Held()
    app = make_app(registry=held.metrics.registry, alive=list, ready=held.missing, patience=0.05)
    server = HttpServer(app, name="telemetry", listen="127.0.0.1:0")
    server.start()
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        with held.lock:
            assert [client.get("/readyz").status_code for _ in range(6)] == [503] * 6
        wait = threading.Event()
        for _ in range(600):
            if client.get("/readyz").status_code == client.get("/metrics").status_code == 200:
                break
            wait.wait(0.1)
        else:
            pytest.fail("the threads that waited never gave their places back")
    assert server.stop()

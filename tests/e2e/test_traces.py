"""The way of a session to Ready as an OpenTelemetry collector gets it: real OTLP over HTTP, on loopback."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.e2e.conftest import MakeSite
from tests.e2e.waiting import until

otlp = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="the extra otlp is not installed"
)

pytestmark = pytest.mark.e2e


class Collector:
    """Keeps the spans of every request; ``taking`` False answers 503."""

    def __init__(self) -> None:
        self.spans: dict[str, object] = {}
        self.resources: set[tuple[str, str]] = set()
        self.asked = 0
        self.taking = True

    def take(self, body: bytes) -> None:
        request = otlp.ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            self.resources |= {(one.key, one.value.string_value) for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans |= {span.span_id.hex(): span for span in scope.spans}

    def named(self, name: str) -> list:  # type: ignore[type-arg]  # of generated messages
        return [span for span in list(self.spans.values()) if span.name == name]  # type: ignore[attr-defined]


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    """A collector and its URL."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.asked += 1
            if collector.taking:
                collector.take(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200 if collector.taking else 503)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector, f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_collector_gets_the_way_of_a_session_as_one_trace(make_site: MakeSite) -> None:
    with collecting() as (collector, url):
        site = make_site(foreigners=False)
        daemon = site.daemon(settings={"telemetry": {"traces": url}}).in_sync()
        site.manifests.session("alice")
        alice = daemon.wait_for("alice", "Ready")
        names = ("session to Ready", "waiting", "making", "starting")  # not necessarily in one batch
        until(lambda: all(map(collector.named, names)), what="the trace arrives", show=lambda: collector.spans)
        root, *parts = [span for (span,) in map(collector.named, names)]
        assert root.trace_id.hex() == alice.uid
        assert not root.parent_span_id
        assert {span.trace_id.hex() for span in collector.spans.values()} == {alice.uid}  # type: ignore[attr-defined]
        assert ("service.name", "winux-controller") in collector.resources
        attributes = {one.key: one.value for one in root.attributes}
        assert attributes["winux.session"].string_value == "alice"
        assert attributes["proxmox.vmid"].int_value == alice.vmid
        # The parts follow each other from the acceptance to Ready.
        assert parts[0].start_time_unix_nano == root.start_time_unix_nano
        assert abs(parts[-1].end_time_unix_nano - root.end_time_unix_nano) < 5_000_000
        # Every span hangs on the root, over passes and parts.
        ids = set(collector.spans)
        assert all(span.parent_span_id.hex() in ids for span in collector.spans.values() if span is not root)  # type: ignore[attr-defined]
        (create,) = collector.named("proxmox create")
        assert root.start_time_unix_nano <= create.start_time_unix_nano < create.end_time_unix_nano


def test_a_collector_that_is_down_holds_nobody_up(make_site: MakeSite) -> None:
    with collecting() as (collector, url):
        collector.taking = False
        site = make_site(foreigners=False)
        daemon = site.daemon(settings={"telemetry": {"traces": url}}).in_sync()
        site.manifests.session("alice")
        daemon.wait_for("alice", "Ready")
        until(lambda: collector.asked, what="the collector is asked")
        site.manifests.remove("alice")
        daemon.wait_gone("alice")
        assert daemon.stop() == 0

"""Sends spans to an OpenTelemetry collector by OTLP over HTTP; needs the extra ``otlp``."""

from __future__ import annotations

import threading

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from controller import __version__
from controller.telemetry.traces import Span

_SCOPE = InstrumentationScope("winux-controller", __version__)
_PATIENCE = 10.0
"""Seconds for one request to the collector."""
_FAREWELL = 3.0
"""Seconds for what is left at the end."""


class OtlpSender:
    """Sends in batches from a thread of its own; what a collector that is down cannot take is dropped and logged."""

    def __init__(self, endpoint: str, *, controller: str) -> None:
        """``endpoint`` is such as ``http://127.0.0.1:4318/v1/traces``."""
        self._resource = Resource(
            {"service.name": "winux-controller", "service.version": __version__, "service.instance.id": controller}
        )
        connection = requests.Session()
        connection.trust_env = False  # neither a proxy nor a .netrc of whoever started the daemon
        self._processor = BatchSpanProcessor(OTLPSpanExporter(endpoint, session=connection, timeout=_PATIENCE))

    def tell(self, span: Span) -> None:
        """Does not wait."""
        self._processor.on_end(self._readable(span))

    def close(self) -> None:
        """Send what is left, for a few seconds at most: a collector that is down must not hold up the end."""
        thread = threading.Thread(target=self._processor.shutdown, name="traces", daemon=True)
        thread.start()
        thread.join(_FAREWELL)

    def _readable(self, span: Span) -> ReadableSpan:
        return ReadableSpan(
            name=span.name,
            context=_context(span.trace, span.id),
            parent=_context(span.trace, span.parent) if span.parent is not None else None,
            resource=self._resource,
            attributes=dict(span.attributes),
            status=Status(StatusCode.ERROR, span.error) if span.error is not None else Status(StatusCode.UNSET),
            start_time=_nanoseconds(span.began),
            end_time=_nanoseconds(span.ended),
            instrumentation_scope=_SCOPE,
        )


def _context(trace: str, span: str) -> SpanContext:
    return SpanContext(
        trace_id=int(trace, 16), span_id=int(span, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)

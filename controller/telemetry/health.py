"""What monitoring asks over HTTP: ``/metrics``, ``/healthz`` (alive?) and ``/readyz`` (does it see everything?).

It answers from callables that the daemon gives; serving is the business of ``httpserver``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

Check = Callable[[], Sequence[str]]
"""Sentences about what is wrong; none when all is well. Must not block."""


def make_app(*, registry: CollectorRegistry, alive: Check, ready: Check) -> FastAPI:
    """``alive``: threads that are stuck. ``ready``: what was not seen whole yet: manifests, Proxmox, the ledger.

    ``/healthz`` and ``/readyz`` answer 200 or 503 with ``{"status": "ok" | "failing", "problems": [sentences]}``.
    """
    app = FastAPI(title="winux-controller telemetry", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/metrics")
    def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=None, headers={"content-type": content_type})

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        return _verdict(alive())

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        return _verdict(ready())

    return app


def _verdict(problems: Sequence[str]) -> JSONResponse:
    body = {"status": "failing" if problems else "ok", "problems": list(problems)}
    return JSONResponse(body, status_code=503 if problems else 200, headers={"cache-control": "no-store"})

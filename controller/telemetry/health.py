"""What monitoring asks over HTTP: ``/metrics``, ``/healthz`` (alive?) and ``/readyz`` (does it see everything?).

It answers from callables that the daemon gives; serving is the business of ``httpserver``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

Check = Callable[[], Sequence[str]]
"""Sentences about what is wrong; none when all is well."""
PATIENCE = 8.0
"""Seconds that ``/readyz`` and ``/metrics`` wait for the state: shorter than Prometheus' and a load balancer's."""
_AT_ONCE = 4
"""Threads that may wait for the state; a controller that hangs must not fill the server with waiting scrapes."""
_Answer = TypeVar("_Answer")


def make_app(*, registry: CollectorRegistry, alive: Check, ready: Check, patience: float = PATIENCE) -> FastAPI:
    """``alive``: threads that are stuck. ``ready``: what was not seen whole yet: manifests, Proxmox, the ledger.

    ``/healthz`` and ``/readyz`` answer 200 or 503 with ``{"status": "ok" | "failing", "problems": [sentences]}``.
    ``alive`` must not wait for anything: it is asked on the server's own loop, so that nothing can be in its way.
    ``ready`` and the registry read the state, which a write to a dead disk may hold; after ``patience`` the answer is
    503.
    """
    app = FastAPI(title="winux-controller telemetry", docs_url=None, redoc_url=None, openapi_url=None)
    threads = CapacityLimiter(_AT_ONCE)
    unanswered = f"the state could not be read within {patience:g} s: a write to the ledger or another call holds it"

    async def within_patience(read: Callable[[], _Answer]) -> _Answer:
        with anyio.fail_after(patience):
            return await to_thread.run_sync(read, abandon_on_cancel=True, limiter=threads)

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        try:
            page = await within_patience(lambda: encode(registry))
        except TimeoutError:
            return PlainTextResponse(f"{unanswered}\n", status_code=503)
        return Response(page, media_type=None, headers={"content-type": content_type})

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        return _verdict(alive())

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        try:
            return _verdict(await within_patience(ready))
        except TimeoutError:
            return _verdict([unanswered])

    return app


def _verdict(problems: Sequence[str]) -> JSONResponse:
    body = {"status": "failing" if problems else "ok", "problems": list(problems)}
    return JSONResponse(body, status_code=503 if problems else 200, headers={"cache-control": "no-store"})

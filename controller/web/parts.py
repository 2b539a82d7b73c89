"""Which APIs there are, and the page."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import PlainTextResponse, Response

from controller.engine.clock import Clock
from controller.web import page, v1
from controller.web.asking import Part
from controller.web.refusals import Refused
from controller.web.seed.routes import seed_part


def all_parts(*, clock: Clock) -> tuple[Part, ...]:
    return (
        seed_part(clock=clock),
        v1.part(clock=clock),
        Part(prefix="", router=page.router(), answer=_in_words),
    )


def _in_words(_request: Request, refused: Refused) -> Response:
    return PlainTextResponse(f"{refused.detail}\n", status_code=refused.status, headers=refused.headers)

"""Which API a path belongs to, and so in which form a refusal is said, wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fastapi import Request
from fastapi.responses import PlainTextResponse, Response

from controller.web.asking import Part
from controller.web.audit import Audit
from controller.web.refusals import Refused


class Answers:
    def __init__(self, parts: Iterable[Part]) -> None:
        self._audit = Audit()
        self._parts: Sequence[Part] = sorted(parts, key=lambda part: len(part.prefix), reverse=True)

    def say(self, request: Request, refused: Refused) -> Response:
        self._audit.refused(request, refused)
        path = request.url.path
        for part in self._parts:
            if path == part.prefix or path.startswith(f"{part.prefix}/"):
                return part.answer(request, refused)
        return PlainTextResponse(f"{refused.detail}\n", status_code=refused.status, headers=refused.headers)

"""Somebody who has the demo's page: what a press of its button asks for, by the same API."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import httpx

from controller.cli.exits import Failure

SESSIONS = "/api/v1/sessions"
TIMEOUT = 30.0


class Visitor:
    """A context manager. It keeps the cookie by which its desktops are its own, as a browser does.

    Every method raises ``Failure`` where the page refuses or does not answer.
    """

    def __init__(self, page: str) -> None:
        # trust_env: a proxy of the environment has no business between here and loopback.
        self._http = httpx.Client(base_url=page, timeout=TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def press(self) -> str:
        """Returns the name of the desktop that is made now."""
        return str(self._ask("POST", SESSIONS, {})["name"])

    def phase(self, desktop: str) -> str:
        return str(self._ask("GET", f"{SESSIONS}/{desktop}")["phase"])

    def end(self, desktop: str) -> None:
        self._ask("DELETE", f"{SESSIONS}/{desktop}")

    def _ask(self, method: str, path: str, order: Mapping[str, object] | None = None) -> Mapping[str, object]:
        try:
            answer = self._http.request(method, path, json=order)
            found: Mapping[str, object] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Failure(f"expected an answer of the page to {method} {path}: {error}") from None
        if answer.is_error:
            raise Failure(f"expected the page to do {method} {path}; it refused: {found.get('detail')}")
        return found

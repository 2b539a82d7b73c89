"""A client that was written for the old API: it knows its routes and its keys, sends no token, and keeps cookies."""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import Any, Self

import httpx

OPEN: dict[str, dict[str, object]] = {
    "manifests": {"grace": "1s"},
    "proxmox": {"tick": "500ms"},
    "web": {
        "listen": "127.0.0.1:0",
        "rate": {"launches": 1000, "per": "1s"},
        "quotas": {"total": "unlimited", "perPerson": "unlimited", "perAddress": "unlimited"},
    },
}
"""Settings of a page that is open to everybody, without limits."""
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Reading everybody's CAs for each client would cost more than its calls."""


class OldClient:
    """One person with a browser of their own."""

    def __init__(self, url: str, *, address: str | None = None, patience: float = 60.0) -> None:
        """``address``: of 127.0.0.0/8, from which it comes."""
        transport = httpx.HTTPTransport(verify=_NO_TLS, local_address=address, trust_env=False)
        self._http = httpx.Client(
            base_url=f"{url}/api/winux", transport=transport, timeout=patience, trust_env=False, follow_redirects=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @property
    def cookies(self) -> httpx.Cookies:
        return self._http.cookies

    def call(self, method: str, path: str, **order: object) -> httpx.Response:
        """An answer, whatever it is; ``order`` is the body, where there is one."""
        return self._http.request(method, path, json=order) if order else self._http.request(method, path)

    def press(self, **order: object) -> httpx.Response:
        """The button."""
        return self.call("POST", "/sessions", **order)

    def launched(self, **order: object) -> dict[str, Any]:
        """A session that is ready."""
        answer = self.press(**order)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()["session"]
        return found

    def session(self, name: str) -> dict[str, Any] | None:
        """None for one that there is not."""
        answer = self.call("GET", f"/sessions/{name}")
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["session"]
        return found

    def statuses(self) -> dict[str, str]:
        """Of the sessions that are listed."""
        answer = self.call("GET", "/sessions")
        assert answer.status_code == 200, answer.text
        return {session["session_id"]: session["status"] for session in answer.json()["sessions"]}

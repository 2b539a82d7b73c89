"""Events as signed POSTs of JSON to an HTTP server, several at once. Every attempt is bounded in its whole duration.

Signatures are in ``signing``. When it is tried again is not decided here.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import ssl
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from controller.deliveries.signing import Keys
from controller.deliveries.sink import NotTaken, fields_of
from controller.engine.clock import Clock
from controller.ledger.events import Event, EventType

TYPE = "winux.events"
AGENT = "winux-controller"
PATIENT = frozenset({408, 425, 429})
"""Refusals of a client that pass by themselves."""
_LOOK = 0.1
"""Seconds between two looks whether the controller is to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSink:
    """Redirects are not followed, proxies of the environment not used, certificates verified."""

    url: str = field(repr=False)
    """It may hold a secret in its path: people see only the host."""
    keys: Keys
    controller: str
    clock: Clock = field(compare=False)
    types: tuple[EventType, ...] = tuple(EventType)
    timeout: float = 10.0
    """Seconds for all of an attempt, from the name's look-up to the status."""
    ca_file: Path | None = None
    """Who vouches for the receiver; None: those whom this machine trusts."""

    name = "webhook"

    @property
    def place(self) -> str:
        parts = urlsplit(self.url)
        return f"the webhook at {parts.scheme}://{parts.netloc}"

    def send(self, events: Sequence[Event], stop: threading.Event) -> None:
        message_id, body = message(events, controller=self.controller)
        headers = {"content-type": "application/json", "user-agent": AGENT}
        headers |= self.keys.headers(message_id=message_id, seconds=int(self.clock.now()), body=body)
        try:
            response = _run(_post(self.url, body, headers, verify=self._trust(), within=self.timeout, stop=stop))
        except (TimeoutError, httpx.TimeoutException):
            raise NotTaken(f"no answer within {self.timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise NotTaken(_why(error)) from None
        _check(response, now=self.clock.now())

    def close(self) -> None:
        """Nothing stays open between two attempts."""

    def _trust(self) -> ssl.SSLContext | bool:
        """Read anew each time: a certificate authority may be replaced meanwhile."""
        if not self.url.startswith("https:"):
            return False
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # an SSLError is one too
            why = (error.strerror or str(error)).lower()
            raise NotTaken(f"the certificates in {self.ca_file} cannot be used ({why})", refused=True) from None


def message(events: Sequence[Event], *, controller: str) -> tuple[str, bytes]:
    """Its id and its body. The same events make the same message, also after a restart: receivers tell repeats by it.

    The body: ``{"type": "winux.events", "timestamp": …, "data": {"controller": …, "events": [{…}, …]}}``.
    """
    found = [fields_of(event) for event in events]
    document = {
        "type": TYPE,
        "timestamp": found[-1]["lastAt"],
        "data": {"controller": controller, "events": found},
    }
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return f"msg_{hashlib.sha256(body).hexdigest()[:32]}", body


def _run(attempt: Coroutine[object, object, httpx.Response]) -> httpx.Response:
    # asyncio.run would wait for the look-up of a name, which nothing bounds but the resolver's own patience.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(attempt)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _post(
    url: str,
    body: bytes,
    headers: dict[str, str],
    *,
    verify: ssl.SSLContext | bool,
    within: float,
    stop: threading.Event,
) -> httpx.Response:
    """The response without its body, which nobody reads."""
    attempt = asyncio.ensure_future(_attempt(url, body, headers, verify=verify, within=within))
    while not attempt.done():
        await asyncio.wait({attempt}, timeout=_LOOK)
        if stop.is_set() and not attempt.done():
            attempt.cancel()
            await asyncio.wait({attempt})
            raise NotTaken("the controller stops")
    return attempt.result()


async def _attempt(
    url: str, body: bytes, headers: dict[str, str], *, verify: ssl.SSLContext | bool, within: float
) -> httpx.Response:
    # httpx bounds each read and write alone: a receiver that answers a byte at a time would never time out.
    async with (
        asyncio.timeout(within),
        httpx.AsyncClient(verify=verify, trust_env=False, follow_redirects=False, timeout=within) as client,
        client.stream("POST", url, content=body, headers=headers) as response,
    ):
        return response


def _check(response: httpx.Response, *, now: float) -> None:
    status = response.status_code
    if response.is_success:
        return
    answered = f"it answered {status} {response.reason_phrase}".rstrip()
    if response.is_redirect:
        raise NotTaken(f"{answered}, and redirects are not followed: give the address that it leads to", refused=True)
    if response.is_client_error and status not in PATIENT:
        raise NotTaken(answered, refused=True, too_much=status == 413)
    raise NotTaken(answered, pause=_retry_after(response.headers.get("retry-after", ""), now=now))


def _retry_after(text: str, *, now: float) -> float | None:
    """Seconds, or a date, as RFC 9110 has it; None for anything else."""
    if text.strip().isascii() and text.strip().isdecimal():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return max(0.0, at.timestamp() - now)


def _why(error: Exception) -> str:
    """The root of it, in a few words: the library's own errors are empty, or hold the URL."""
    cause: BaseException = error
    while (below := cause.__cause__ or cause.__context__) is not None:
        cause = below
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message})"
    if isinstance(cause, OSError) and cause.errno is not None:
        # asyncio's own texts name addresses; those of look-ups have numbers of their own, below 0.
        return (os.strerror(cause.errno) if cause.errno > 0 else cause.strerror or "name not found").lower()
    return f"the connection broke off ({type(error).__name__})"

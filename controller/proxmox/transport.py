"""Sends calls to Proxmox VE through proxmoxer: TLS, time-outs, keep-alive and what a broken connection means.

What the answers mean is in ``controller.proxmox.classify``, what is asked in ``controller.proxmox.adapter``.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
import urllib3
from proxmoxer.backends.https import Backend, JsonSerializer, ProxmoxHttpSession
from proxmoxer.core import ProxmoxResource, ResourceException
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.util.ssl_match_hostname import CertificateError

from controller import __version__
from controller.engine.clock import Clock
from controller.proxmox.classify import Attempt, error_of, lost
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.port import NodeDown, ProxmoxError, Untrusted

IDLE_LIMIT = 3.0
"""Seconds after which a connection is not used again: Proxmox drops it after 5 (PVE::APIServer::AnyEvent)."""

Parameters = Mapping[str, str | int]


class Refusal(Exception):
    """Proxmox answered, and not with success. ``errors`` are its texts by parameter."""

    def __init__(self, status: int, text: str, errors: Mapping[str, str]) -> None:
        super().__init__(f"{status} {text}")
        self.status = status
        self.text = text
        self.errors = errors


class Malformed(Exception):
    """An answer that says success and is not what Proxmox says then: cut short, or somebody else's."""


class Connection:
    """One thread's connection. Sends each call exactly once and never follows a redirect."""

    def __init__(self, endpoint: Endpoint, *, clock: Clock, transport: BaseAdapter | None = None) -> None:
        # Proxmox's password parameters are in the POST bodies that proxmoxer writes to its log at INFO
        for name in ("proxmoxer", "proxmoxer.core", "proxmoxer.backends.https"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._clock = clock
        self._secret = endpoint.token_secret
        self._last_used = clock.monotonic()
        backend = Backend(
            endpoint.host,
            port=endpoint.port,
            path_prefix=endpoint.path_prefix,
            user=endpoint.user,
            token_name=endpoint.token_name,
            token_value=endpoint.token_secret,
            verify_ssl=str(endpoint.ca_file) if endpoint.ca_file else True,
            timeout=(endpoint.connect_timeout, endpoint.read_timeout),
        )
        self._own = None if transport is not None else _adapter(endpoint)
        session = _Session()
        session.auth = backend.auth
        session.headers.update({"Accept": "application/json", "User-Agent": f"winux-controller/{__version__}"})
        session.adapters.clear()
        session.mount(backend.get_base_url(), transport if transport is not None else self._own)
        # what proxmoxer.ProxmoxAPI does, which can neither be given a session nor a serializer
        self._api = ProxmoxResource(base_url=backend.get_base_url(), session=session, serializer=_Answers())

    def send(self, method: str, path: tuple[str | int, ...], parameters: Parameters) -> object:
        """Returns the answer's ``data``; raises ``Refusal``, ``Malformed`` or, without an answer, ``UNANSWERED``."""
        if self._clock.monotonic() - self._last_used > IDLE_LIMIT:
            self.close()
        call = getattr(self._api([quote(str(part), safe="") for part in path]), method.lower())
        try:
            data: object = call(**{key: _plain(value) for key, value in parameters.items()})
        except ResourceException as error:
            refusal = self._refusal(error, parameters)
        except BaseException:
            self.close()
            raise
        else:
            self._last_used = self._clock.monotonic()
            return data
        # Proxmox closes the connection with every error; out here nothing of the request hangs on to the exception
        self.close()
        raise refusal

    def _refusal(self, error: ResourceException, parameters: Parameters) -> Refusal:
        secrets = (self._secret, *(value for value in parameters.values() if isinstance(value, Hidden)))
        body: ErrorBody = error.errors
        # before 8.3 the body has no message; the reason phrase is the first line only
        return Refusal(
            status=error.status_code,
            text=_without(secrets, body.message or error.content),
            errors={name: _without(secrets, told) for name, told in body.errors.items()},
        )

    def close(self) -> None:
        """Drop what is open; the next call connects anew."""
        self._last_used = self._clock.monotonic()
        if self._own is not None:
            self._own.close()


UNANSWERED = (OSError, urllib3.exceptions.HTTPError)
"""What requests raises: its errors are OSErrors, a missing CA file is a bare one, and a few of urllib3's slip by."""


def unanswered(attempt: Attempt, error: Exception, endpoint: Endpoint) -> ProxmoxError:
    """The error for a call without an answer, whatever was between."""
    causes = tuple(_causes(error))
    for distrust in filter(_is_about_trust, causes):
        message = f"Could not {attempt.what}: {endpoint.url} is not trusted ({_told(distrust)}): {_advice(endpoint)}"
        return error_of(Untrusted, message, attempt)
    if not isinstance(error, requests.RequestException) and "CA certificate bundle" in str(error):
        return error_of(Untrusted, f"Could not {attempt.what}: there is no CA file {endpoint.ca_file}", attempt)
    if any(isinstance(cause, _NEVER_CONNECTED) for cause in causes):
        why = _innermost(causes)
        return error_of(NodeDown, f"Could not {attempt.what}: no connection to {endpoint.url} ({why})", attempt)
    why = f"none within {endpoint.read_timeout:g} s" if timed_out(error) else f"{_innermost(causes)}"
    return lost(f"{endpoint.url} gave no answer to the request to {attempt.what} ({why})", attempt)


def _told(distrust: BaseException) -> str:
    if isinstance(distrust, ssl.SSLCertVerificationError):
        return distrust.verify_message
    if isinstance(distrust, ssl.SSLError):
        return (distrust.reason or "bad CA file").replace("_", " ").lower()
    return "another fingerprint"


def _advice(endpoint: Endpoint) -> str:
    if endpoint.pin is not None:
        return "compare the pinned SHA-256 with that of the server's certificate"
    if endpoint.ca_file is None:
        return "give the CA file or pin the certificate's fingerprint"
    return f"compare the server's authority and names with {endpoint.ca_file} and the URL"


def timed_out(error: Exception) -> bool:
    return any(isinstance(cause, (requests.Timeout, urllib3.exceptions.TimeoutError)) for cause in _causes(error))


_NEVER_CONNECTED = (
    requests.ConnectTimeout,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
)


def _is_about_trust(cause: BaseException) -> bool:
    if isinstance(cause, (ssl.SSLCertVerificationError, CertificateError)):
        return True
    if isinstance(cause, ssl.SSLError) and cause.library in {"X509", "PEM"}:
        return True  # the CA file cannot be read as one
    return isinstance(cause, urllib3.exceptions.SSLError) and "Fingerprints did not match" in str(cause)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and those it was made from, outermost first: requests and urllib3 wrap one in another."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException) and inner is not error:
            yield from _causes(inner)


def _innermost(causes: tuple[BaseException, ...]) -> str:
    text = str(causes[-1]) or type(causes[-1]).__name__
    system = re.search(r"\[Errno -?\d+\] ([^()\[\]]+)", text)
    return system[1] if system else text.removesuffix(".")


@dataclass(frozen=True, slots=True)
class ErrorBody:
    message: str
    errors: Mapping[str, str]


class _Answers(JsonSerializer):  # type: ignore[misc]  # proxmoxer has no types
    """proxmoxer's serializer returns what it cannot parse as if it were data, and ignores the body's message."""

    def loads(self, response: requests.Response) -> object:
        body = _json(response)
        if not isinstance(body, dict) or "data" not in body:
            raise Malformed(f"status {response.status_code} with {len(response.content)} bytes that are not Proxmox's")
        return body["data"]

    def loads_errors(self, response: requests.Response) -> ErrorBody:
        body = _json(response)
        if not isinstance(body, dict):
            return ErrorBody("", {})
        errors = body.get("errors")
        texts = {str(key): str(value).strip() for key, value in errors.items()} if isinstance(errors, dict) else {}
        return ErrorBody(str(body.get("message") or "").strip(), texts)


def _json(response: requests.Response) -> object:
    try:
        body: object = json.loads(response.content.decode("utf-8"))
    except (ValueError, RecursionError):  # the latter from lists in lists in lists
        return None
    return body


class _Session(ProxmoxHttpSession):  # type: ignore[misc]  # proxmoxer has no types
    """proxmoxer's session lets neither redirects nor the environment's CA bundle and proxies be turned off."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def request(self, method: str, url: str, **arguments: Any) -> requests.Response:
        response: requests.Response = super().request(method, url, **{**arguments, "allow_redirects": False})
        if 300 <= response.status_code < 400:
            raise Malformed(f"a redirect (status {response.status_code}), which Proxmox never sends")
        response.reason = response.reason or ""
        return response


def _adapter(endpoint: Endpoint) -> HTTPAdapter:
    if endpoint.pin is not None:
        return _PinnedAdapter(endpoint.pin)
    return HTTPAdapter(pool_connections=1, pool_maxsize=1)


class _PinnedAdapter(HTTPAdapter):
    """Trusts the one certificate with this SHA-256 fingerprint, whoever signed it and whatever name it has."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **arguments: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **arguments, assert_fingerprint=self._fingerprint)

    def send(self, request: requests.PreparedRequest, **arguments: Any) -> requests.Response:  # type: ignore[override]
        # only in here, where the fingerprint takes its place, is the check against authorities off
        return super().send(request, **{**arguments, "verify": False})


class Hidden(str):
    """A parameter that logs and tracebacks may not show; it is sent as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def _without(secrets: tuple[str, ...], told: str) -> str:
    for secret in secrets:
        if len(secret) >= 5:  # Proxmox takes no shorter password, and a shorter text would blot out half the sentence
            told = told.replace(str(secret), "***")
    return told


def _plain(value: str | int) -> str | int:
    # requests would send True, which Proxmox refuses
    return int(value) if isinstance(value, bool) else value

"""An OpenID Connect provider as the mode ``oidc`` asks it: discovery, codes with PKCE, and ID tokens that are verified.

OpenID Connect Core 1.0 (3.1) and Discovery 1.0, RFC 7636. Signatures are joserfc's business.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlencode

import requests
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from controller.engine.clock import Clock
from controller.web.backend import AGAIN_IN
from controller.web.refusals import Refused

ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512", "EdDSA")
"""Only those with a public key: ``none``, or the client's secret as a key, would let others sign."""
_TIMEOUT = 5.0
_FRESH = 3600.0
"""Seconds for which the provider's metadata and keys are kept."""
_SEEK_AFTER = 60.0
"""Seconds after which a signature by an unknown key is worth asking for the keys again."""
_LEEWAY = 60
"""Seconds by which clocks may differ."""
_LOG = structlog.get_logger("winux.web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What the provider knows us as."""

    issuer: str
    client_id: str
    secret: Callable[[], str]
    """Asked for each time, so that the file may be replaced. May raise ``OSError``."""
    redirect_uri: str
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    metadata: Mapping[str, object]
    keys: KeySet
    at: float


class Provider:
    """Safe to use from several threads. Every method raises ``Refused`` with 503 where the provider cannot be asked."""

    def __init__(self, client: Client, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._known: _Known | None = None

    def authorization_url(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent. ``verifier`` stays here (RFC 7636)."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "scope": " ".join(dict.fromkeys(("openid", *self._client.scopes))),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = self._endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def claims(self, *, code: str, verifier: str, nonce: str) -> Mapping[str, object]:
        """Of the ID token that the code is exchanged for. Raises ``Refused`` with 401 for one that proves nothing."""
        try:
            secret = self._client.secret()
        except OSError as error:
            self._unreachable(f"the client's secret cannot be read: {error.strerror}")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_uri,
            "code_verifier": verifier,
            "client_id": self._client.client_id,
        }
        answer = self._ask("POST", self._endpoint("token_endpoint"), form=form, secret=secret)
        token = answer.get("id_token")
        if not isinstance(token, str):
            _no_proof("the provider gave no ID token")
        return self._verified(token, nonce=nonce)

    # -- inside ------------------------------------------------------------------------------------------------

    def _verified(self, token: str, *, nonce: str) -> Mapping[str, object]:
        known = self._knowledge()
        claims = _signed(token, known.keys)
        if claims is None and self._clock.monotonic() - known.at >= _SEEK_AFTER:
            claims = _signed(token, self._knowledge(anew=True).keys)  # providers change their keys
        if claims is None:
            _no_proof("the ID token is not signed by the provider")
        required = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock.now()),
            leeway=_LEEWAY,
            iss={"essential": True, "value": str(known.metadata["issuer"])},
            aud={"essential": True, "value": self._client.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            required.validate(dict(claims))
        except JoseError as error:
            _no_proof(f"the ID token says something else than it has to: {error.error}")
        party = claims.get("azp", self._client.client_id)
        if party != self._client.client_id:
            _no_proof("the ID token was made for somebody else")
        return claims

    def _endpoint(self, name: str) -> str:
        url = self._knowledge().metadata.get(name)
        if not isinstance(url, str) or not url.startswith(self._schemes):
            self._unreachable(f"its metadata has no {name} that could be used")
        return url

    @property
    def _schemes(self) -> tuple[str, ...]:
        return ("https://",) if self._client.issuer.startswith("https://") else ("https://", "http://")

    def _knowledge(self, *, anew: bool = False) -> _Known:
        with self._lock:
            now = self._clock.monotonic()
            if anew or self._known is None or now - self._known.at > _FRESH:
                self._known = self._discovered(now)
            return self._known

    def _discovered(self, now: float) -> _Known:
        metadata = self._ask("GET", f"{self._client.issuer}/.well-known/openid-configuration")
        issuer, keys_url = metadata.get("issuer"), metadata.get("jwks_uri")
        if not isinstance(issuer, str) or issuer.rstrip("/") != self._client.issuer:
            self._unreachable("its metadata names another issuer than the settings")
        if not isinstance(keys_url, str) or not keys_url.startswith(self._schemes):
            self._unreachable("its metadata names no keys")
        found = self._ask("GET", keys_url).get("keys")
        signing = [key for key in found if isinstance(key, dict)] if isinstance(found, list) else []
        public = [key for key in signing if key.get("kty") in {"RSA", "EC", "OKP"} and key.get("use", "sig") == "sig"]
        try:
            return _Known(metadata=metadata, keys=KeySet.import_key_set({"keys": public}), at=now)
        except (JoseError, ValueError, KeyError):
            self._unreachable("its keys cannot be used")

    def _ask(
        self, method: str, url: str, *, form: Mapping[str, str] | None = None, secret: str | None = None
    ) -> Mapping[str, object]:
        with requests.Session() as session:
            # Nothing of the environment: no proxy, no .netrc, no other authority.
            session.trust_env = False
            session.verify = str(self._client.ca_file) if self._client.ca_file is not None else True
            auth = (self._client.client_id, secret) if secret is not None else None
            try:
                answer = session.request(method, url, data=form, auth=auth, timeout=_TIMEOUT, allow_redirects=False)
                said: object = answer.json()
            except (requests.RequestException, ValueError) as error:
                # Never the error itself: it may quote what was sent.
                self._unreachable(f"{type(error).__name__} at {url.partition('?')[0]}")
        if form is not None and answer.status_code in {400, 401}:
            _no_proof(f"the provider does not take the code ({answer.status_code})")
        if answer.status_code != 200 or not isinstance(said, dict):
            self._unreachable(f"status {answer.status_code} at {url.partition('?')[0]}")
        return said

    def _unreachable(self, why: str) -> NoReturn:
        _LOG.error("web.no-provider", issuer=self._client.issuer, why=why)
        sentence = "the service for logging in cannot be reached at the moment: try again in a few seconds"
        raise Refused(503, "ProviderUnavailable", sentence, retry_after=AGAIN_IN) from None


def _signed(token: str, keys: KeySet) -> Mapping[str, object] | None:
    try:
        return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError):
        return None


def _no_proof(why: str) -> NoReturn:
    _LOG.warning("web.no-proof", why=why)
    raise Refused(401, "LoginFailed", "logging in did not work: begin again") from None

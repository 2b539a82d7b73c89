"""Which ID tokens prove something, from a provider whose answers the test makes up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from structlog.testing import capture_logs

from controller.engine.clock import VirtualClock
from controller.web.identity.provider import Client, Provider
from controller.web.refusals import Refused

KEY, OTHER = RSAKey.generate_key(2048, {"kid": "one"}), RSAKey.generate_key(2048, {"kid": "one"})
NEW = ECKey.generate_key("P-256", {"kid": "two"})
SECRET, NONCE = "the-client-secret", "n" * 43


class World:
    """A provider of which everything can be changed."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.forms: list[dict[str, list[str]]] = []
        self.token: str | None = None
        self.keys: list[Mapping[str, object]] = [KEY.as_dict(private=False)]
        self.metadata: dict[str, object] = {}
        self.status = 200
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say({"keys": world.keys} if self.path == "/keys" else world.metadata)

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                world.forms.append(parse_qs(raw.decode()))
                self._say({"id_token": world.token, "access_token": "x", "token_type": "Bearer"})

            def _say(self, document: object) -> None:
                body = json.dumps(document).encode()
                self.send_response(world.status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.metadata = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        client = Client(issuer=self.issuer, client_id="winux", secret=lambda: SECRET, redirect_uri="http://here/back")
        self.provider = Provider(client, clock=self.clock)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def signed(self, key: RSAKey | ECKey = KEY, algorithm: str = "RS256", **changed: object) -> None:
        """The provider's next ID token; what is changed to None is left out."""
        now = int(self.clock.now())
        said = {"iss": self.issuer, "aud": "winux", "sub": "1", "iat": now, "exp": now + 300, "nonce": NONCE}
        claims = {name: value for name, value in (said | changed).items() if value is not None}
        self.token = jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])

    def claims(self) -> Mapping[str, object]:
        return self.provider.claims(code="c", verifier="v" * 43, nonce=NONCE)

    def refusal(self) -> Refused:
        with capture_logs() as log, pytest.raises(Refused) as refused:
            self.claims()
        assert SECRET not in str(log)
        return refused.value


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.server.shutdown()
    made.thread.join()
    made.server.server_close()


def test_a_token_of_the_provider_for_us_proves_who_it_is(world: World) -> None:
    world.signed(preferred_username="alice")
    assert world.claims()["preferred_username"] == "alice"
    (form,) = world.forms
    assert (form["code"], form["code_verifier"], form["redirect_uri"]) == (["c"], ["v" * 43], ["http://here/back"])


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "http://evil.example"},
        {"iss": None},
        {"aud": "somebody"},
        {"aud": ["somebody", "else"]},
        {"aud": None},
        {"azp": "somebody", "aud": ["winux", "somebody"]},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iat": None},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_that_says_something_else_does_not(world: World, changed: dict[str, object]) -> None:
    world.signed(**changed)
    assert (world.refusal().status, world.refusal().title) == (401, "LoginFailed")


def test_only_the_provider_can_sign(world: World) -> None:
    world.signed(key=OTHER)
    assert world.refusal().status == 401
    head, body, _ = str(world.token).split(".")
    world.token = f"{head}.{body}."
    assert world.refusal().status == 401


@pytest.mark.parametrize("secret", [SECRET.encode() * 2, KEY.as_pem(private=False)], ids=["client's", "public key"])
def test_what_others_know_is_no_key(world: World, secret: bytes) -> None:
    world.signed()
    claims = jwt.decode(str(world.token), KEY, algorithms=["RS256"]).claims
    world.token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret.hex()), algorithms=["HS256"])
    assert world.refusal().status == 401


def test_no_signature_is_none(world: World) -> None:
    world.token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."
    assert world.refusal().status == 401
    for token in (None, "", "x", "a.b.c"):
        world.token = token
        assert world.refusal().status == 401


def test_new_keys_are_asked_for_but_not_for_every_wrong_token(world: World) -> None:
    world.signed()
    world.claims()
    world.keys = [NEW.as_dict(private=False)]
    world.signed(key=NEW, algorithm="ES256")
    assert world.refusal().status == 401  # the keys were seen a moment ago
    world.clock.advance(61)
    assert world.claims()["sub"] == "1"


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "http://evil.example"},
        {"issuer": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": None},
        {"token_endpoint": "ftp://127.0.0.1/"},
    ],
    ids=str,
)
def test_metadata_that_cannot_be_right_is_a_provider_that_cannot_be_reached(
    world: World, changed: dict[str, object]
) -> None:
    world.signed()
    world.metadata |= changed
    assert (world.refusal().status, world.refusal().title) == (503, "ProviderUnavailable")


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_provider_that_fails_is_no_proof_and_no_bug(world: World, status: int) -> None:
    world.status = status
    refused = world.refusal()
    assert refused.status == 503
    assert refused.retry_after


def test_nobody_there_is_the_same() -> None:
    client = Client(issuer="http://127.0.0.1:1", client_id="winux", secret=lambda: SECRET, redirect_uri="http://here/b")
    with pytest.raises(Refused) as refused:
        Provider(client, clock=VirtualClock()).authorization_url(state="s", nonce="n", verifier="v")
    assert refused.value.status == 503

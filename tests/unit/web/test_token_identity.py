"""The mode ``token``: bearers, logging in and out with a form, and what becomes of logins."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from controller.engine.clock import VirtualClock
from controller.web.identity.doors import ATTEMPTS, token_doors
from controller.web.identity.logins import LASTS, Logins
from controller.web.identity.seals import Seals
from controller.web.identity.token import TokenIdentity
from controller.web.identity.tokens import TokensFile, new_token, token_digest
from controller.web.tickets import new_ticket
from tests.unit.web.entrances import browser, entered

ALICE, BOB, NOBODY = (f"wxk_{letter * 43}" for letter in "abn")
COOKIE = "__Host-winux_login"


class House:
    """One server in the mode ``token``."""

    def __init__(self, directory: Path) -> None:
        self.clock = VirtualClock()
        self.path = directory / "tokens.yaml"
        self.write(alice=("user", ALICE), bob=("operator", BOB))
        logins = Logins(Seals(lambda: b"k" * 32, clock=self.clock), kind="token")
        identity = TokenIdentity(TokensFile(self.path), logins)
        self.app = entered(identity, parts=[token_doors(identity, logins, clock=self.clock)])

    def write(self, **holders: tuple[str, str]) -> None:
        entries = [
            f"  - {{name: {name}, role: {role}, sha256: {token_digest(token)}}}\n"
            for name, (role, token) in holders.items()
        ]
        self.path.write_text("tokens:\n" + "".join(entries) if entries else "tokens: []\n", encoding="utf-8")
        self.path.chmod(0o600)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def visitor(house: House) -> TestClient:
    return browser(house.app)


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _log_in(client: TestClient, token: str = ALICE) -> int:
    return client.post("/login", data={"token": token}, headers={"sec-fetch-site": "same-origin"}).status_code


def test_who_shows_nothing_is_a_guest(visitor: TestClient) -> None:
    me = visitor.get("/me").json()
    assert (me["name"], me["role"]) == (None, "guest")


def test_a_bearer_is_who_the_file_says(visitor: TestClient) -> None:
    alice, bob = (visitor.get("/me", headers=_bearer(token)).json() for token in (ALICE, BOB))
    assert (alice["name"], alice["role"]) == ("alice", "user")
    assert (bob["name"], bob["role"]) == ("bob", "operator")


@pytest.mark.parametrize("token", [NOBODY, "wxk_short", "x", token_digest(ALICE), f"{ALICE} {ALICE}"])
def test_a_wrong_bearer_is_refused_and_no_guest(visitor: TestClient, token: str) -> None:
    refused = visitor.get("/me", headers=_bearer(token))
    assert (refused.status_code, refused.text) == (401, "BadToken")
    assert refused.headers["www-authenticate"] == "Bearer"


def test_a_ticket_is_no_proof_of_a_name(visitor: TestClient) -> None:
    ticket = new_ticket()
    me = visitor.get("/me", headers=_bearer(ticket)).json()
    assert (me["name"], me["role"], me["ticket"]) == (None, "guest", ticket)


def test_a_wrong_bearer_counts_for_more_than_a_login(visitor: TestClient) -> None:
    assert _log_in(visitor) == 303
    assert visitor.get("/me", headers=_bearer(new_token())).status_code == 401


def test_logging_in_and_out_with_the_form(visitor: TestClient) -> None:
    with capture_logs() as log:
        entered_by = visitor.post("/login", data={"token": f" {ALICE} "})
        assert (entered_by.status_code, entered_by.headers["location"]) == (303, "./")
        assert visitor.get("/me").json()["name"] == "alice"
        left = visitor.post("/logout")
        assert (left.status_code, left.headers["location"]) == (303, "./")
        assert visitor.get("/me").json()["name"] is None
    told = [(line["event"], line.get("name"), line["client"]) for line in log]
    assert told == [("web.logged-in", "alice", "203.0.113.9"), ("web.logged-out", "alice", "203.0.113.9")]
    assert ALICE not in str(log)


def test_the_cookie_is_out_of_reach_of_pages_and_neighbours(visitor: TestClient) -> None:
    said = visitor.post("/login", data={"token": ALICE}).headers["set-cookie"]
    name, _, rest = said.partition("=")
    attributes = {part.strip().lower() for part in rest.split(";")[1:]}
    assert name == COOKIE
    assert {"httponly", "secure", "samesite=lax", "path=/", f"max-age={LASTS:.0f}"} <= attributes
    assert not any(part.startswith("domain") for part in attributes)
    assert ALICE not in said


def test_without_https_it_is_another_cookie(house: House) -> None:
    with browser(house.app, url="http://testserver") as client:
        assert "Secure" not in client.post("/login", data={"token": ALICE}).headers["set-cookie"]
        assert client.get("/me").json()["name"] == "alice"
        kept = dict(client.cookies)
    assert COOKIE not in kept
    # What went over the wire in the clear does not count where nothing else does.
    assert (
        browser(house.app).get("/me", headers={"cookie": f"winux_login={kept['winux_login']}"}).json()["name"] is None
    )


def test_a_wrong_token_is_told_in_the_form_and_in_the_log(visitor: TestClient) -> None:
    with capture_logs() as log:
        refused = visitor.post("/login", data={"token": BOB[:-1]}, headers={"accept-language": "fr-CH, fr;q=0.9"})
    assert refused.status_code == 401
    assert 'role="alert"' in refused.text
    assert "Ce jeton" in refused.text
    assert BOB[:-1] not in refused.text
    assert "set-cookie" not in refused.headers
    (line,) = log
    assert (line["event"], line["title"], line["status"]) == ("web.refused", "BadToken", 401)
    assert BOB[:-1] not in str(log)


@pytest.mark.parametrize("body", [b"", b"token=", b"other=x", b"\xff\xfe", b"&".join([b"a=b"] * 3)])
def test_a_form_without_a_token_is_a_wrong_one(visitor: TestClient, body: bytes) -> None:
    assert visitor.post("/login", content=body).status_code == 401


def test_a_form_of_many_fields_is_no_form(visitor: TestClient) -> None:
    assert visitor.post("/login", content=b"&".join([b"a=b"] * 1_000)).status_code == 400


def test_attempts_of_one_address_are_bounded(house: House, visitor: TestClient) -> None:
    answers = [_log_in(visitor, new_token()) for _ in range(ATTEMPTS.times + 1)]
    assert answers == [401] * ATTEMPTS.times + [429]
    assert _log_in(browser(house.app, peer="198.51.100.7")) == 303
    house.clock.advance(ATTEMPTS.per)
    assert _log_in(visitor) == 303


def test_another_site_cannot_log_anybody_in_or_out(visitor: TestClient) -> None:
    foreign = {"sec-fetch-site": "cross-site"}
    assert visitor.post("/login", data={"token": ALICE}, headers=foreign).status_code == 403
    assert _log_in(visitor) == 303
    assert visitor.post("/logout", headers=foreign).status_code == 403
    assert visitor.get("/logout").status_code == 200  # asks first
    assert visitor.get("/me").json()["name"] == "alice"


def test_a_login_is_over_after_a_day_of_work(house: House, visitor: TestClient) -> None:
    _log_in(visitor)
    house.clock.advance(LASTS - 1)
    cookie = {"cookie": f"{COOKIE}={visitor.cookies[COOKIE]}"}
    assert browser(house.app).get("/me", headers=cookie).json()["name"] == "alice"
    house.clock.advance(1)
    assert browser(house.app).get("/me", headers=cookie).json()["name"] is None


def test_a_login_counts_as_long_as_its_token_and_as_the_file_says_now(house: House, visitor: TestClient) -> None:
    _log_in(visitor)
    house.write(alice=("admin", ALICE))
    assert visitor.get("/me").json()["role"] == "admin"
    house.write(alice=("user", new_token()))
    assert visitor.get("/me").json()["name"] is None


def test_a_file_that_cannot_be_used_is_no_reason_to_let_anybody_in(house: House, visitor: TestClient) -> None:
    _log_in(visitor)
    house.path.write_text("tokens: [", encoding="utf-8")
    with capture_logs() as log:
        refused = visitor.get("/me")
    assert (refused.status_code, refused.text) == (503, "NoTokens")
    assert str(house.path) in str(log)
    assert str(house.path) not in refused.text


@pytest.mark.parametrize("path", ["/login", "/logout"])
@pytest.mark.parametrize(("accepted", "language"), [("fr", "fr"), ("en-GB,fr;q=0.5", "en"), ("de", "en"), ("", "en")])
def test_the_forms_speak_two_languages(visitor: TestClient, path: str, accepted: str, language: str) -> None:
    page = visitor.get(path, headers={"accept-language": accepted})
    assert f'<html lang="{language}">' in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert "<script" not in page.text

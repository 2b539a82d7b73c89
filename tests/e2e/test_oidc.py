"""Logging in with a real OpenID Connect provider: the way there and back, and what is no proof."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.e2e.process import Process
from tests.e2e.prometheus import own_address
from tests.e2e.site import QUICK, Site
from tests.e2e.waiting import until
from tests.e2e.webhouse import V1, Beside, Visitor

pytestmark = pytest.mark.skipif(
    find_spec("oauth2_provider") is None and os.environ.get("WEB_TESTS") != "required",
    reason="django-oauth-toolkit is not installed",
)
LOGIN = "winux_login"


class House:
    def __init__(self, site: Site) -> None:
        self.daemon = site.daemon().in_sync()
        listen = own_address()
        self.url = f"http://{listen}"
        command = [sys.executable, "-m", "tests.e2e.oidc_provider", str(site.directory), f"{self.url}/login/callback"]
        self.provider = Process(command, name="provider", directory=site.directory, environment=_here())
        site.processes.append(self.provider)
        try:
            until(self._said, what="the provider serves", show=self.provider.tail)
            self.told: dict[str, str] = json.loads(self._said())
            # Its first answer takes longer than the others: the controller waits for five seconds only.
            metadata = f"{self.told['issuer']}/.well-known/openid-configuration"
            assert httpx.get(metadata, trust_env=False, timeout=60).status_code == 200
            secret = site.directory / "oidc-secret"
            secret.touch(mode=0o600)
            secret.write_text(self.told["client_secret"], encoding="utf-8")
            oidc = {
                "issuer": self.told["issuer"],
                "clientId": self.told["client_id"],
                "clientSecretFile": str(secret),
                "allowHttp": True,
            }
            web = {"mode": "oidc", "listen": listen, "publicUrl": self.url, "oidc": oidc}
            self.web = Beside(self.daemon, name="by-oidc", web={**web, "roles": {"operators": ["staff"]}})
        except BaseException:
            self.provider.end()
            raise

    def end(self) -> None:
        self.web.process.end()
        self.provider.end()

    def _said(self) -> str:
        assert self.provider.status is None, self.provider.tail()
        said = self.provider.out.read_text(encoding="utf-8")
        return said if said.endswith("\n") else ""

    def back(self, visitor: Visitor, name: str) -> str:
        """Log in there; returns the address that the provider sends the browser back to."""
        begun = visitor.get("/login")
        assert begun.status_code == 303
        with httpx.Client(trust_env=False, timeout=30) as there:
            form = there.get(begun.headers["location"], follow_redirects=True)
            assert "password" in form.text
            sent = {"username": name, "password": name, "csrfmiddlewaretoken": there.cookies["csrftoken"]}
            entered = there.post(form.url, data=sent)
            assert entered.status_code == 302
            agreed = there.get(httpx.URL(form.url).join(entered.headers["location"]))
        assert agreed.status_code == 302
        return str(agreed.headers["location"])


def _here() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    site = Site(profile="instant", settings=QUICK)
    made: House | None = None
    try:
        made = House(site)
        yield made
    finally:
        if made is not None:
            made.end()
        site.end()


@pytest.fixture
def visitor(house: House) -> Iterator[Visitor]:
    with Visitor(house.url) as client:
        yield client


@pytest.mark.parametrize(("name", "role"), [("alice", "operator"), ("bob", "user")])
def test_people_log_in_there_and_are_who_it_says(house: House, visitor: Visitor, name: str, role: str) -> None:
    assert visitor.get("/api/v1/me").json()["role"] == "guest"
    assert visitor.post(V1).status_code == 401
    back = visitor.get(house.back(visitor, name))
    assert (back.status_code, back.headers["location"]) == (303, "../")
    said = next(line for line in back.headers.get_list("set-cookie") if line.startswith(f"{LOGIN}="))
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in said.split(";")}
    me = visitor.get("/api/v1/me").json()
    assert (me["name"], me["role"]) == (name, role)
    launched = visitor.post(V1)
    assert launched.status_code == 201
    assert visitor.delete(f"{V1}/{launched.json()['name']}").status_code == 202
    assert visitor.post("/logout").status_code == 303
    assert visitor.get("/api/v1/me").json()["role"] == "guest"
    assert (house.web.log("web.logged-in")[-1]["name"], house.web.log("web.logged-in")[-1]["by"]) == (name, "oidc")
    output = house.web.process.output()
    assert house.told["client_secret"] not in output


def test_the_browser_is_sent_with_pkce_state_and_nonce(visitor: Visitor) -> None:
    query = parse_qs(urlsplit(visitor.get("/login").headers["location"]).query)
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert {len(query[part][0]) for part in ("state", "nonce", "code_challenge")} == {43}
    again = parse_qs(urlsplit(visitor.get("/login").headers["location"]).query)
    assert not {query[part][0] for part in ("state", "nonce")} & {again[part][0] for part in ("state", "nonce")}


def test_what_comes_back_to_another_browser_is_no_login(house: House, visitor: Visitor) -> None:
    """Else anybody could log others in as themselves."""
    back = house.back(visitor, "alice")
    with Visitor(house.url) as other:
        assert other.get(back).status_code == 400
        other.get("/login")
        assert other.get(back).status_code == 400
        assert LOGIN not in other.cookies


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("code=x", 400),
        ("state=x&code=x", 400),
        ("state={state}", 401),
        ("state={state}&error=access_denied", 401),
        ("state={state}&code=invented", 401),
    ],
)
def test_what_is_no_proof_logs_nobody_in(visitor: Visitor, query: str, status: int) -> None:
    state = parse_qs(urlsplit(visitor.get("/login").headers["location"]).query)["state"][0]
    refused = visitor.get(f"/login/callback?{query.format(state=state)}")
    assert refused.status_code == status
    assert LOGIN not in visitor.cookies


def test_a_code_counts_once(house: House, visitor: Visitor) -> None:
    back = house.back(visitor, "alice")
    flow = visitor.cookies["winux_login_flow"]
    assert visitor.get(back).status_code == 303
    with Visitor(house.url) as thief:
        thief.cookies.set("winux_login_flow", flow)
        assert thief.get(back).status_code == 401
        assert LOGIN not in thief.cookies

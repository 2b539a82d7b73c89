"""What people try with a page that anybody may use, to get at what is not theirs: each attempt is refused as documented
and leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from controller.web.identity.tokens import new_token, token_digest
from controller.web.tickets import new_ticket
from tests.e2e.webhouse import MALLORY, OLD, V1, Beside, House, Visitor, launch, nothing_left_behind, open_house

PROBLEM, JSON = "application/problem+json", "application/json"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with open_house() as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_is_left(house: House) -> Iterator[None]:
    with nothing_left_behind(house):
        yield


def _ready(house: House, visitor: Visitor) -> str:
    name = str(launch(visitor)["name"])
    house.daemon.wait_for(name, "Ready")
    return name


# -- others' sessions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("thief", ["nothing", "a ticket of their own", "an invented ticket", "the ticket's hash"])
def test_another_visitors_session_is_out_of_reach(house: House, thief: str) -> None:
    with house.visitor("127.0.0.10") as alice, house.visitor(MALLORY) as mallory:
        name = _ready(house, alice)
        secret = alice.get(f"{V1}/{name}/credential").json()
        assert secret["password"]
        if thief == "a ticket of their own":
            launch(mallory)
        elif thief == "an invented ticket":
            mallory.cookies.set("winux_ticket", new_ticket())
        elif thief == "the ticket's hash":
            text = (house.site.manifests.path / f"{name}.yaml").read_text(encoding="utf-8")
            kept = next(line for line in text.splitlines() if "winux.dev/ticket" in line).split(":")[-1].strip(" '\"")
            mallory.headers["authorization"] = f"Bearer {kept}"
        refused = [
            mallory.get(f"{V1}/{name}/credential"),
            mallory.get(f"{V1}/{name}/events"),
            mallory.post(f"{V1}/{name}/extend", json={"minutes": 5}),
            mallory.delete(f"{V1}/{name}"),
            mallory.delete(f"{OLD}/{name}"),
            mallory.get(V1, params={"scope": "all"}),
        ]
        assert {answer.status_code for answer in refused} <= {401, 403, 404}, [answer.text for answer in refused]
        seen = [mallory.get(path).text for path in (f"{V1}/{name}", V1, f"{OLD}/{name}", OLD, f"{V1}/{name}/rdp")]
        for text in [*seen, *(answer.text for answer in refused)]:
            assert str(secret["password"]) not in text
            assert str(secret["address"]) not in text
        assert house.daemon.phases()[name] == "Ready"
        mallory.headers.pop("authorization", None)
        for own in mallory.get(V1).json()["items"]:
            assert own["name"] != name
            assert mallory.delete(f"{V1}/{own['name']}").status_code == 202
        assert alice.delete(f"{V1}/{name}").status_code == 202


def test_guessed_names_tell_nothing(house: House) -> None:
    """Neither that an administrator's session is there, nor anything of it."""
    house.site.manifests.session("staff-only", ttl="1h")
    house.daemon.wait_for("staff-only", "Ready")
    try:
        with house.visitor(MALLORY) as mallory:
            for base, rest in ((V1, ""), (V1, "/credential"), (V1, "/rdp"), (V1, "/events"), (OLD, "")):
                there, not_there = (mallory.get(f"{base}/{name}{rest}") for name in ("staff-only", "nobody-only"))
                assert there.status_code == not_there.status_code == 404
                assert there.text.replace("staff", "nobody") == not_there.text
            assert mallory.delete(f"{V1}/staff-only").status_code == 404
            assert mallory.delete(f"{OLD}/staff-only").status_code == 404
            assert "staff-only" not in mallory.get(OLD).text
            taken = mallory.post(V1, json={"name": "staff-only"})
            assert taken.status_code == 409
        assert house.daemon.phases()["staff-only"] == "Ready"
    finally:
        house.site.manifests.remove("staff-only")


# -- who one says one is ----------------------------------------------------------------------------------------------


def test_headers_of_a_proxy_count_for_nothing_from_anybody_else(house: House) -> None:
    """In the mode ``proxy``, with another address that is trusted."""
    web = {"mode": "proxy", "trustedProxies": ["127.0.0.7"], "roles": {"admins": ["root"]}, "proxy": PROXY_HEADERS}
    with ExitStack() as stack:
        beside = Beside(house.daemon, name="by-proxy", web=web)
        stack.callback(beside.process.end)
        mallory = stack.enter_context(Visitor(beside.url, address=MALLORY))
        proxy = stack.enter_context(Visitor(beside.url, address="127.0.0.7"))
        spoof = {"X-Remote-User": "root", "X-Remote-Groups": "root"}
        for more in ({}, {"X-Forwarded-For": "127.0.0.7"}, {"Forwarded": "for=127.0.0.7"}, {"X-Real-Ip": "127.0.0.7"}):
            refused = mallory.post(V1, headers={**spoof, **more})
            assert refused.status_code == 403
            assert refused.headers["content-type"] == PROBLEM
        assert mallory.get("/api/v1/me", headers={"X-Forwarded-User": "root"}).json()["name"] is None
        assert mallory.post(V1).status_code == 401
        told = beside.log("web.refused")
        assert {line["client"] for line in told} == {MALLORY}
        assert "NotTheProxy" in {line["title"] for line in told}
        # The proxy itself may say so, once.
        me = proxy.get("/api/v1/me", headers={**spoof, "X-Forwarded-For": "203.0.113.9"}).json()
        assert (me["name"], me["role"]) == ("root", "admin")
        twice = proxy.get("/api/v1/me", headers=[("X-Remote-User", "alice"), ("X-Remote-User", "root")])
        assert twice.status_code == 400
        assert proxy.get("/api/v1/me", headers={"X-Remote-User": "alice, root"}).status_code == 400


PROXY_HEADERS = {"header": "X-Remote-User", "rolesHeader": "X-Remote-Groups"}


def test_tokens_are_shown_or_not_known(house: House) -> None:
    alice, boss = new_token(), new_token()
    path = house.site.directory / "tokens.yaml"
    path.touch(mode=0o600)
    path.write_text(
        f"tokens:\n  - {{name: alice, role: user, sha256: {token_digest(alice)}}}\n"
        f"  - {{name: boss, role: operator, sha256: {token_digest(boss)}}}\n",
        encoding="utf-8",
    )
    with ExitStack() as stack:
        beside = Beside(house.daemon, name="by-token", web={"mode": "token", "tokensFile": str(path)})
        stack.callback(beside.process.end)
        mallory, browser = (stack.enter_context(Visitor(beside.url, address=MALLORY)) for _ in range(2))
        assert mallory.post(V1).status_code == 401
        for wrong in (new_token(), token_digest(alice), alice[:-1], "x"):
            assert mallory.post(V1, headers={"authorization": f"Bearer {wrong}"}).status_code == 401
        assert mallory.get(V1, headers={"authorization": f"Bearer {alice}"}, params={"scope": "all"}).status_code == 403
        assert browser.post("/login", data={"token": alice}).status_code == 303
        name = str(launch(browser)["name"])
        # The operator sees and ends what is not theirs, but does not get its password.
        operator = {"authorization": f"Bearer {boss}"}
        assert name in mallory.get(V1, headers=operator, params={"scope": "all"}).text
        house.daemon.wait_for(name, "Ready")
        assert mallory.get(f"{V1}/{name}/credential", headers=operator).status_code == 403
        assert browser.get(f"{V1}/{name}/credential").json()["password"]
        # A login that was tampered with is none.
        login = browser.cookies["winux_login"]
        head, _, seal = login.partition(".")
        mallory.cookies.set("winux_login", f"{head[:-4]}AAAA.{seal}")
        assert mallory.get("/api/v1/me").json()["name"] is None
        assert mallory.delete(f"{V1}/{name}", headers=operator).status_code == 202
        log = beside.process.output() + house.daemon.process.output()
        assert alice not in log
        assert boss not in log


# -- other sites' pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1"},  # another port is another site
    ],
)
def test_a_page_of_another_site_orders_nothing(house: House, headers: dict[str, str]) -> None:
    with house.visitor("127.0.0.11") as alice:
        name = str(launch(alice)["name"])
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", JSON):
            sent = {**headers, "content-type": content_type}
            for path in (V1, OLD, "/api/winux/cleanup", f"{V1}/{name}/extend"):
                assert alice.post(path, content=b"{}", headers=sent).status_code == 403
        for path in (f"{V1}/{name}", f"{OLD}/{name}"):
            assert alice.delete(path, headers=headers).status_code == 403
        looked = alice.get(V1, headers=headers)
        assert not [header for header in looked.headers if header.startswith("access-control-")]
        assert [one["name"] for one in looked.json()["items"]] == [name]
        assert alice.delete(f"{V1}/{name}", headers={"sec-fetch-site": "same-origin"}).status_code == 202


def test_every_answer_binds_the_browser(house: House) -> None:
    with house.visitor() as visitor:
        answers = [visitor.get(path) for path in ("/", "/admin", V1, OLD, "/nowhere", "/api/openapi.json")]
        answers += [visitor.post(V1, content=b"{"), visitor.put(V1), visitor.options(V1)]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"

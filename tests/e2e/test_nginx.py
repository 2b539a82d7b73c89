"""The example for nginx before the real daemon: TLS, the page, both APIs, events as they happen, and true addresses."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from controller.web.page import static_files
from tests.e2e.daemon import Daemon
from tests.e2e.nginx import NAME, Browser, Nginx, need_nginx
from tests.e2e.site import QUICK, Site
from tests.e2e.webhouse import LISTEN, OLD, V1, web_of

ALICE, MALLORY = "127.0.0.21", "127.0.0.22"


class House:
    def __init__(self, site: Site) -> None:
        self.site = site
        web = {"listen": LISTEN, "publicUrl": f"https://{NAME}", "trustedProxies": ["127.0.0.1"], "wait": "5s"}
        self.daemon: Daemon = site.daemon(settings={"web": web}).in_sync()
        self.nginx = Nginx(web_of(self.daemon).removeprefix("http://"))

    def browser(self, address: str = ALICE) -> Browser:
        return Browser(self.nginx, address=address)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    need_nginx()
    site = Site(profile="demo", settings=QUICK)
    made: House | None = None
    try:
        made = House(site)
        yield made
    finally:
        if made is not None:
            made.nginx.end()
        site.end()


def _end(browser: Browser, name: object) -> None:
    assert browser.delete(f"{V1}/{name}").status_code == 202


def test_the_page_comes_by_tls_with_its_headers(house: House) -> None:
    with house.browser() as browser:
        page = browser.get("/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert page.headers.get_list("content-security-policy") == [page.headers["content-security-policy"]]
        assert page.headers["strict-transport-security"] == "max-age=31536000"
        assert browser.get("/page/style.css").headers["content-type"].startswith("text/css")
        for old in ("/winux", "/winux/", "/winux/index.html"):
            moved = browser.get(old)
            assert (moved.status_code, moved.headers["location"]) == (301, "/")


def test_a_class_behind_one_address_gets_all_of_the_page(house: House) -> None:
    """Forty browsers that open it for the first time, and ask who they are."""
    files = [f"/page/{path}" for path in static_files() if not path.endswith(".html")]
    with house.browser() as browser:
        answers = Counter(browser.get(path).status_code for _ in range(40) for path in ("/", *files))
        answers += Counter(browser.get("/api/v1/me").status_code for _ in range(40))
    assert answers == {200: 40 * (len(files) + 2)}


def test_whoever_comes_without_tls_is_sent_to_it(house: House) -> None:
    with httpx.Client(trust_env=False) as plain:
        moved = plain.get(f"http://{house.nginx.plain}/admin?x=1", headers={"host": NAME})
    assert (moved.status_code, moved.headers["location"]) == (301, f"https://{NAME}/admin?x=1")


def test_whoever_asks_for_another_name_gets_no_certificate(house: House) -> None:
    host, _, port = house.nginx.tls.partition(":")
    trust = ssl.create_default_context(cafile=str(house.nginx.authority))
    with (
        socket.create_connection((host, int(port)), 10) as connection,
        pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"),
    ):
        trust.wrap_socket(connection, server_hostname="other.example.org")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_browsers_get_http_2(house: House) -> None:
    host, _, port = house.nginx.tls.partition(":")
    command = ["curl", "--noproxy", "*", "--silent", "--http2", "--cacert", str(house.nginx.authority)]
    command += ["--resolve", f"{NAME}:{port}:{host}", "--output", "/dev/null"]
    command += ["--write-out", "%{http_version} %{http_code}", f"https://{NAME}:{port}/api/v1/me"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert said.stdout == "2 200"


def test_a_ticket_is_a_cookie_of_https_and_opens_the_session(house: House) -> None:
    with house.browser() as alice, house.browser(MALLORY) as mallory:
        launched = alice.post(V1, headers={"origin": f"https://{NAME}", "sec-fetch-site": "same-origin"})
        assert launched.status_code == 201, launched.text
        attributes = {part.strip().lower() for part in launched.headers["set-cookie"].split(";")}
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= attributes
        name = launched.json()["name"]
        house.daemon.wait_for(name, "Ready")
        assert alice.get(f"{V1}/{name}/credential").json()["password"]
        assert mallory.get(f"{V1}/{name}/credential").status_code in {403, 404}
        assert mallory.delete(f"{V1}/{name}").status_code in {403, 404}
        _end(alice, name)


def test_the_old_api_waits_for_its_desktop(house: House) -> None:
    with house.browser() as browser:
        launched = browser.post(OLD, json={"duration_minutes": 10})
        assert launched.status_code in {201, 202}, launched.text
        assert launched.json()["success"] is True
        assert browser.delete(f"{OLD}/{launched.json()['session']['session_id']}").json()["success"] is True


def test_events_arrive_as_they_happen(house: House) -> None:
    house.site.admin.door("POST", "rdp", answer=False)
    with house.browser() as browser:
        name = browser.post(V1).json()["name"]
        phases: list[str] = []
        with browser.stream("GET", f"{V1}/{name}/stream") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            kind = ""
            for line in stream.iter_lines():
                if line.startswith("event:"):
                    kind = line.removeprefix("event:").strip()
                elif line.startswith("data:") and kind == "session":
                    phases.append(json.loads(line.removeprefix("data:"))["phase"])
                    house.site.admin.door("POST", "rdp", answer=True)
                    if phases[-1] == "Ready":
                        break
        # Not all at once at the end: the desktop answers only since the first one was there, and the stream goes on.
        assert phases[0] != "Ready"
        _end(browser, name)


def test_the_address_of_the_browser_is_known_and_cannot_be_invented(house: House) -> None:
    spoofed = {
        "X-Forwarded-For": "203.0.113.7, 127.0.0.1",
        "Forwarded": "for=203.0.113.7",
        "X-Real-IP": "203.0.113.7",
        "X-Forwarded-Proto": "http",
        "X-Remote-User": "root",
    }
    with house.browser(MALLORY) as mallory:
        launched = mallory.post(V1, headers=spoofed)
        assert launched.status_code == 201
        assert "secure" in launched.headers["set-cookie"].lower()
        assert mallory.get("/api/v1/me", headers=spoofed).json()["name"] is None
        name = launched.json()["name"]
        (line,) = [line for line in house.daemon.log("web.launched") if line["session"] == name]
        assert line["client"] == MALLORY
        _end(mallory, name)


def test_large_bodies_and_other_sites_do_not_get_through(house: House) -> None:
    with house.browser(MALLORY) as mallory:
        assert mallory.post(V1, content=b"x" * 70_000).status_code == 413
        assert mallory.post(V1, headers={"origin": "https://evil.example"}).status_code == 403
        assert mallory.post(V1, headers={"sec-fetch-site": "cross-site"}).status_code == 403
        assert mallory.get(V1).json()["items"] == []


def test_two_readings_of_one_request_are_refused(house: House) -> None:
    host, _, port = house.nginx.tls.partition(":")
    trust = ssl.create_default_context(cafile=str(house.nginx.authority))
    with (
        socket.create_connection((host, int(port)), 10) as connection,
        trust.wrap_socket(connection, server_hostname=NAME) as tls,
    ):
        head = f"POST {V1} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        tls.sendall(f"{head}0\r\n\r\nGET /admin HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        assert tls.recv(65_536).split(b" ", 2)[1] == b"400"

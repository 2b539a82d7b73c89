"""What people send to a page that anybody may use, malformed, too large, too often or too slowly: it is refused as
documented and leaves nothing behind.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.waiting import PATIENCE, until
from tests.e2e.webhouse import MALLORY, OLD, V1, House, files_of, launch, nothing_left_behind, open_house

SCRIPT = "<img src=x onerror=alert(1)>"
PROBLEM, JSON = "application/problem+json", "application/json"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with open_house() as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_is_left(house: House) -> Iterator[None]:
    with nothing_left_behind(house):
        yield


# -- what is sent -----------------------------------------------------------------------------------------------------

BODIES: dict[str, bytes] = {
    "no JSON": b"{",
    "no object": b"[]",
    "a text": b'"x"',
    "a number": b"1e999",
    "not UTF-8": b'{"name": "\xff\xfe", "session_id": "\xff\xfe"}',
    "a zero byte": b'{"name": "a\\u0000b", "session_id": "a\\u0000b"}',
    "half a character": b'{"name": "\\ud800", "session_id": "\\ud800"}',
    "deep": b"[" * 30_000,
    "deep objects": b'{"a":' * 10_000,
    "NaN": b'{"durationMinutes": NaN, "duration_minutes": NaN}',
    "infinite": b'{"durationMinutes": 1e400, "duration_minutes": 1e400}',
    "huge": b'{"durationMinutes": ' + b"9" * 5_000 + b', "duration_minutes": ' + b"9" * 5_000 + b"}",
    "negative": b'{"durationMinutes": -1, "duration_minutes": -1}',
    "a list for a name": b'{"name": ["a"], "session_id": ["a"]}',
    "an object for a name": b'{"name": {"a": 1}, "session_id": {"a": 1}}',
    "a template of a path": b'{"template": "../../etc/passwd", "session_id": "../x"}',
    "YAML in a name": b'{"name": "a\\nspec: {owner: root}", "session_id": "a\\nspec: {owner: root}"}',
}


@pytest.mark.parametrize("path", [V1, OLD])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_malformed_bodies_are_the_senders_mistake(house: House, path: str, body: bytes) -> None:
    with house.visitor(MALLORY) as mallory:
        for content_type in (JSON, "text/plain", f"{JSON}; charset=utf-16"):
            answer = mallory.post(path, content=body, headers={"content-type": content_type})
            # The limit of launches comes first where a body could be read.
            assert answer.status_code in {400, 409, 413, 415, 422, 429}, answer.text
            assert answer.headers["content-type"].startswith((PROBLEM, JSON))


@pytest.mark.parametrize("path", [V1, OLD, "/api/winux/cleanup", "/login"])
def test_oversized_bodies_are_not_taken(house: House, path: str) -> None:
    with house.visitor(MALLORY) as mallory:
        large = b'{"name": "' + b"a" * 70_000 + b'"}'
        assert mallory.post(path, content=large).status_code == 413
        assert mallory.post(path, content=iter([large[:40_000], large[40_000:]])).status_code == 413


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (b"GET / HTTP/1.1\r\nHost: here\r\nX-Large: " + b"a" * 1_000_000 + b"\r\n\r\n", {400, 413, 431}),
        (b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n", {400, 414, 431}),
        (b"GET / HTTP/1.1\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
        (b"NONSENSE\r\n\r\n", {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),  # TLS
        (b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", {400}),
        (b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", {400}),
        (
            b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n",
            {400},
        ),
        (b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", {400}),
    ],
    ids=lambda value: "" if isinstance(value, set) else None,
)
def test_what_is_no_request_is_refused_by_the_server(house: House, request_: bytes, statuses: set[int]) -> None:
    with _connected(house, MALLORY) as connection:
        try:
            connection.sendall(request_)
        except ConnectionError:
            assert len(request_) > 65_536  # refused in the middle of it
        said = _all(connection, until_head=True)
    # The answer to what is refused in the middle of sending may be lost.
    status = int(said.split(b" ", 2)[1]) if said or len(request_) <= 65_536 else None
    assert status is None or status in statuses, said[:300]


# -- names ------------------------------------------------------------------------------------------------------------

PATHS = (
    "../../../../etc/cron.d/x",
    "..",
    ".",
    "./x",
    "a/b",
    "/etc/passwd",
    "..\\x",
    "a\x00b",
    "x.yaml",
    ".hidden",
    "-rf",
    "UPPER",
    "a" * 64,
    "ünïcode",
    "a b",
    "a\nb",
    "%2e%2e%2fx",
    "con:",
    "${IFS}",
    "$(reboot)",
    SCRIPT,
    "'; DROP TABLE lives; --",
)


@pytest.mark.parametrize("name", PATHS, ids=lambda name: ascii(name)[:24])
def test_names_of_sessions_are_no_paths_and_no_html(house: House, name: str) -> None:
    before = {path.name for path in house.site.directory.iterdir()}
    with house.visitor(MALLORY) as mallory:
        answers = [
            mallory.post(V1, json={"name": name}),
            mallory.post(OLD, json={"session_id": name}),
            mallory.post(V1, json={"template": name}),
            mallory.post(V1, json={"language": name}),
        ]
        for answer in answers:
            assert answer.status_code in {400, 404, 409, 422, 429}, answer.text
        quoted = "".join(f"%{byte:02X}" for byte in name.encode())
        for base in (V1, OLD):
            for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/credential"), ("POST", "/extend")):
                answers.append(mallory.request(method, f"{base}/{quoted}{rest}", follow_redirects=False))
                assert answers[-1].status_code in {307, 400, 404, 405, 409, 422}, answers[-1].text
    for answer in answers:
        # What was sent may be quoted, but nowhere that a browser takes for a page.
        if answer.content:
            assert answer.headers["content-type"].startswith((PROBLEM, JSON, "text/plain"))
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert {path.name for path in house.site.directory.iterdir()} == before


@pytest.mark.parametrize(
    "path",
    [
        "/page/../../../../etc/passwd",
        "/page/%2e%2e/%2e%2e/__init__.py",
        "/page/..%2f..%2f__init__.py",
        "/page//etc/passwd",
        "/page/%00",
        "/page/js/../../__init__.py",
        "/page/.",
        "/page/",
    ],
)
def test_the_page_has_no_files_but_its_own(house: House, path: str) -> None:
    with _connected(house, MALLORY) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
        said = _all(connection)
    assert said.split(b" ", 2)[1] == b"404", said[:300]
    assert b"root:" not in said
    assert b"import" not in said


# -- too much ---------------------------------------------------------------------------------------------------------


def test_a_thousand_launches_from_one_address(house: House) -> None:
    """As many as the limits allow get a desktop, whatever they say where they come from; the others wait."""
    flood = "127.0.0.99"
    answers: list[httpx.Response] = []

    def some(number: int) -> list[httpx.Response]:
        with house.visitor(flood) as mallory:
            found = []
            for count in range(125):
                mallory.cookies.clear()  # each one a new browser
                spoofed = {"X-Forwarded-For": f"203.0.{number}.{count}", "X-Real-IP": "203.0.113.7"}
                path, body = ((V1, {}), (OLD, {"duration_minutes": 5}))[count % 2]
                found.append(mallory.post(path, json=body, headers=spoofed))
            return found

    with ThreadPoolExecutor(8) as pool:
        flooding = pool.map(some, range(8))
        with house.visitor("127.0.0.12") as alice:  # others are served meanwhile
            assert alice.delete(f"{V1}/{launch(alice)['name']}").status_code == 202
        for found in flooding:
            answers += found
    statuses = Counter(answer.status_code for answer in answers)
    made = [answer for answer in answers if answer.status_code in {201, 202}]
    assert len(answers) == 1_000
    assert set(statuses) <= {201, 202, 429}, statuses
    # Eight at once and eight a minute, and of those at most six at a time.
    assert 1 <= len(made) <= 6, statuses
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if "TooOften" in answer.text)
    assert len([line for line in house.daemon.log("web.launched") if line["client"] == flood]) == len(made)
    for answer in made:
        body = answer.json()
        name, ticket = body.get("name") or body["session"]["session_id"], answer.cookies["winux_ticket"]
        with house.visitor(flood) as owner:
            ended = owner.delete(f"{V1}/{name}", headers={"authorization": f"Bearer {ticket}"})
            assert ended.status_code == 202, ended.text


OWN = 16
"""Files that a daemon may open for a launch, and keep: connections to its node and its ledger, one for each worker."""
SLOW = (
    b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: ",
    b"POST /api/v1/sessions HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n{",
    b"POST /api/v1/sessions HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    b"",
)


def test_slow_requests_keep_nobody_waiting_and_are_ended(house: House) -> None:
    """Two hundred connections that say a letter now and then; one address has no more than its share of them."""
    files = files_of(house.pid)
    with ExitStack() as stack:
        slow = [stack.enter_context(_connected(house, MALLORY)) for _ in range(200)]
        for number, connection in enumerate(slow):
            connection.sendall(SLOW[number % len(SLOW)])
        with house.visitor("127.0.0.13") as alice:
            assert alice.get("/api/v1/me").status_code == 200
            assert alice.delete(f"{V1}/{launch(alice)['name']}").status_code == 202
        assert files_of(house.pid) < files + 200
        ended: set[int] = set()

        def all_ended() -> bool:
            for number, connection in enumerate(slow):
                if number not in ended and _is_over(connection):
                    ended.add(number)
            return len(ended) == len(slow)

        until(all_ended, what="slow connections are ended", within=3 * PATIENCE, every=1.0, show=lambda: len(ended))
    until(lambda: files_of(house.pid) <= files + OWN, what="their files are closed", show=lambda: files_of(house.pid))


def _connected(house: House, address: str) -> socket.socket:
    parts = urlsplit(house.url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), 10, (address, 0))
    connection.settimeout(20)
    return connection


def _all(connection: socket.socket, *, until_head: bool = False) -> bytes:
    """What is said until the connection is ended; with ``until_head`` only the head of the first answer."""
    said = b""
    try:
        while part := connection.recv(65_536):
            said += part
            if len(said) > 1_000_000 or (until_head and b"\r\n\r\n" in said):
                break
    except ConnectionError:
        pass  # what is refused in the middle of sending may end so
    return said


def _is_over(connection: socket.socket) -> bool:
    """Says one more letter, and looks whether anybody listens."""
    try:
        connection.settimeout(0.01)
        connection.sendall(b"a")
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True

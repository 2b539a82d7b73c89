"""``winux node`` as a person starts it: every option reaches the node, and the text of its start is true."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import yaml

from controller.node.release import NEWEST
from tests.e2e.process import Process
from tests.e2e.waiting import until

Start = Callable[..., tuple[Process, str]]
WINUX = Path(sys.executable).parent / "winux"
STORM = "steps:\n  - fault: {kind: error, operation: nextid, text: out of numbers}\n"


@pytest.fixture
def directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="wx"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def start(directory: Path) -> Iterator[Start]:
    """Starts it with options in that directory; returns what it said."""
    started: list[Process] = []

    def begin(*options: str) -> tuple[Process, str]:
        command = [str(WINUX), "node", "--listen", "127.0.0.1:0", "--profile", "instant", *options]
        process = Process(command, name=f"node-{len(started)}", directory=directory)
        started.append(process)
        until(lambda: "Ctrl-C ends it." in process.output(), what="it serves", show=process.tail)
        return process, process.output()

    yield begin
    for process in started:
        process.end()


def fact(said: str, name: str) -> str:
    found = re.search(rf"^  {name} +(\S+)", said, re.MULTILINE)
    assert found is not None, said
    return found[1]


def ask(said: str, path: str, *, secret: Path) -> requests.Response:
    header = f"PVEAPIToken=root@pam!winux={secret.read_text(encoding='utf-8').strip()}"
    with requests.Session() as session:
        session.trust_env = False
        session.verify = fact(said, "CA file")
        return session.get(f"{fact(said, 'API')}{path}", headers={"Authorization": header}, timeout=10)


def test_every_option_reaches_the_node(start: Start, directory: Path) -> None:
    (directory / "storm.yaml").write_text(STORM, encoding="utf-8")
    options = ("--nodes", "3", "--version", "8.4", "--state", "kept", "--faults", "storm.yaml")
    process, said = start(*options, "--write-config", "winux.yaml")
    token = directory / "kept" / "token"
    assert ask(said, "/api2/json/version", secret=token).json()["data"]["release"] == "8.4"
    assert len(ask(said, "/api2/json/nodes", secret=token).json()["data"]) == 3
    assert ask(said, "/api2/json/cluster/nextid", secret=token).reason == "out of numbers"
    written = yaml.safe_load((directory / "winux.yaml").read_text(encoding="utf-8"))
    assert written["proxmox"]["url"] == fact(said, "API")
    assert "winux run --config winux.yaml" in said
    assert fact(said, "faults") == "storm.yaml,"

    process.signal(signal.SIGTERM)
    assert process.wait() == 0
    secret = token.read_text(encoding="utf-8")
    _, again = start("--state", "kept")
    assert token.read_text(encoding="utf-8") == secret
    assert ask(again, "/api2/json/version", secret=token).json()["data"]["release"] == NEWEST.name, "the default"


def test_the_page_is_where_it_says_and_asks_for_no_credentials(start: Start, directory: Path) -> None:
    _, said = start()
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(fact(said, "page"), verify=fact(said, "CA file"), timeout=10)
    assert answer.status_code == 200
    assert "answers like Proxmox VE 9.2" in answer.text
    for secret in ("token", "pool-token"):
        text = (directory / ".winux-node" / secret).read_text(encoding="utf-8").strip()
        assert text not in answer.text
        assert text not in said


def test_the_curl_line_that_it_prints_works(start: Start, directory: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed here")
    _, said = start()
    line = said.partition("Try it:\n")[2].partition("\n\n")[0]
    done = subprocess.run(
        ["bash", "-c", f"NO_PROXY='*' {line.strip()}"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert '"node/pve1"' in done.stdout


def test_a_second_one_in_the_same_directory_is_refused(start: Start, directory: Path) -> None:
    start("--state", "kept")
    command = [str(WINUX), "node", "--listen", "127.0.0.1:0", "--state", "kept"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=60)
    kept = (directory / "kept").resolve()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Another node uses {kept}: end it, or choose another --state.\n"

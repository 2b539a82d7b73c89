"""The page and its APIs in the daemon and beside it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import pytest

from controller.admin.client import AdminClient
from controller.daemon.daemon import Daemon
from controller.daemon.settings import SettingsError
from controller.daemon.web import Web
from controller.engine.clock import SystemClock
from controller.telemetry.httpserver import CannotListen
from tests.unit.daemon.test_daemon import settings

MANIFEST = "apiVersion: winux.dev/v1\nkind: Session\nmetadata: {name: demo}\nspec: {template: small}\n"
TEMPLATE = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {name: small}
spec: {source: {archive: "local:vztmpl/winux.tar.zst"}, storage: local, ttl: {default: 10m, max: 1h}}
"""


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    directory = tmp_path / "manifests"
    directory.mkdir()
    (directory / "template-small.yaml").write_text(TEMPLATE, encoding="utf-8")
    return directory


@pytest.fixture
def daemon(tmp_path: Path, manifests: Path) -> Iterator[Daemon]:
    """It serves the page, has read its manifests, and reaches no Proxmox."""
    assert manifests.is_dir()
    daemon = Daemon(settings(tmp_path, WINUX_WEB__LISTEN="127.0.0.1:0", WINUX_WEB__TEMPLATES="small"))
    daemon.start()
    try:
        _scanned(daemon)
        yield daemon
    finally:
        daemon.stop()


def _scanned(daemon: Daemon) -> None:
    for _ in range(600):
        if daemon.service.templates():
            return
        daemon.clock.wait(daemon.threads.stopping, 0.05)
    raise AssertionError("the manifests were never read")


def launch(url: str, **order: object) -> httpx.Response:
    return httpx.post(f"{url}/api/v1/sessions", json=order, timeout=30, trust_env=False)


def test_without_the_setting_there_is_no_page(tmp_path: Path) -> None:
    daemon = Daemon(settings(tmp_path))
    assert daemon.web is None
    assert daemon.service.status().web is None
    daemon.stop()


def test_the_status_says_where_the_page_is(daemon: Daemon) -> None:
    assert daemon.web is not None
    assert daemon.service.status().web == daemon.web.url


def test_what_is_launched_by_the_page_is_a_manifest_of_the_daemon(daemon: Daemon, manifests: Path) -> None:
    assert daemon.web is not None
    answer = launch(daemon.web.url, name="demo")
    assert answer.status_code == 201, answer.text
    assert "winux_ticket=wxt_" in answer.headers["set-cookie"]
    assert (manifests / "demo.yaml").is_file()
    assert daemon.service.session("demo").template == "small"


def test_a_reload_changes_the_rules_while_it_serves(daemon: Daemon, tmp_path: Path) -> None:
    assert daemon.web is not None
    daemon.reload(
        settings(
            tmp_path,
            WINUX_WEB__LISTEN="127.0.0.1:0",
            WINUX_WEB__TEMPLATES="small",
            WINUX_WEB__QUOTAS__TOTAL="1",
            WINUX_WEB__KEEP="1m",
        )
    )
    assert daemon.web.janitor.keep == 60
    assert [launch(daemon.web.url).status_code for _ in range(2)] == [201, 503]


def test_an_address_that_is_taken_is_one_sentence(daemon: Daemon, tmp_path: Path) -> None:
    assert daemon.web is not None
    other = tmp_path / "other"
    other.mkdir()
    second = Daemon(settings(other, WINUX_WEB__LISTEN=daemon.web.url.removeprefix("http://")))
    try:
        with pytest.raises(CannotListen, match=r"the web page cannot listen on .*: the address is in use"):
            second.start()
    finally:
        second.stop()


def test_a_tokens_file_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    wanted = settings(
        tmp_path, WINUX_WEB__LISTEN="127.0.0.1:0", WINUX_WEB__MODE="token", WINUX_WEB__TOKENS_FILE="/nowhere"
    )
    with AdminClient(tmp_path / "admin.sock") as client, pytest.raises(SettingsError, match=r"web\.tokensFile: .+"):
        Web(wanted, "127.0.0.1:0", client, clock=SystemClock(), random=Random(1))


def test_beside_the_daemon_it_serves_the_same_over_the_socket(tmp_path: Path, daemon: Daemon, manifests: Path) -> None:
    wanted = settings(tmp_path, WINUX_WEB__LISTEN="127.0.0.1:0", WINUX_WEB__TEMPLATES="small")
    with AdminClient(daemon.settings.admin.socket) as client:
        web = Web(wanted, "127.0.0.1:0", client, clock=daemon.clock, random=Random(2))
        web.start()
        try:
            assert launch(web.url, name="demo").status_code == 201
            assert launch(web.url, name="demo").status_code == 409
            assert (manifests / "demo.yaml").is_file()
            (said,) = [event.message for event in client.events() if event.reason == "Launched"]
            assert said.startswith("a visitor (")
            assert "(through uid" in said, "the kernel says who speaks for them"
            assert client.web_key() == daemon.service.web_key()
        finally:
            web.stop()


def test_without_a_daemon_it_says_so_and_when_to_come_again(tmp_path: Path) -> None:
    wanted = settings(tmp_path, WINUX_WEB__LISTEN="127.0.0.1:0")
    with AdminClient(tmp_path / "admin.sock") as client:
        web = Web(wanted, "127.0.0.1:0", client, clock=SystemClock(), random=Random(2))
        web.start()
        try:
            answer = launch(web.url)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert str(tmp_path) not in answer.text
        finally:
            web.stop()


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    config = tmp_path / "winux.yaml"
    config.write_text(
        "proxmox: {url: 'https://127.0.0.1:9', tokenId: a@pve!web, tokenSecretFile: /beyond/its/reach}\n"
        f"admin: {{socket: {tmp_path}/admin.sock}}\nlog: {{format: json}}\n"
    )
    command = [sys.executable, "-m", "controller.cli", "web", "--config", str(config), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            assert any("web.started" in line for line in process.stdout)
        finally:
            process.send_signal(signal.SIGTERM)
        assert "web.stopped" in process.stdout.read()
        assert process.wait(60) == 0


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    config = tmp_path / "winux.yaml"
    config.write_text("proxmox: {url: 'https://127.0.0.1:9', tokenId: a@pve!web}\n")
    command = [sys.executable, "-m", "controller.cli", "web", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "web.listen is missing" in done.stderr

"""The node over HTTPS: certificates, connections as pveproxy keeps and cuts them, desktops on loopback, the process."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import proxmoxer
import pytest
import requests
import yaml

from controller.node.config import NodeConfig
from controller.node.faults import Fault, FaultKind
from controller.node.profile import PROFILES
from controller.node.rdp import CONFIRM
from controller.node.server import Description, NodeServer

CONNECTION_REQUEST = bytes.fromhex("030000130ee000000000000100080003000000")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeServer]:
    server = NodeServer(NodeConfig(profile="instant", directory=tmp_path_factory.mktemp("node")))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def node(server: NodeServer) -> Description:
    return server.description


@pytest.fixture
def session(node: Description) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(node.ca)
        session.headers["Authorization"] = f"PVEAPIToken={node.token}"
        yield session


def connect(node: Description) -> ssl.SSLSocket:
    parts = urlsplit(node.url)
    context = ssl.create_default_context(cafile=str(node.ca))
    raw = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)
    return context.wrap_socket(raw, server_hostname="127.0.0.1")


def ask(connection: ssl.SSLSocket, token: str, path: str = "/version") -> tuple[str, bool]:
    """The status line, and whether the server says that it closes."""
    head = f"GET /api2/json{path} HTTP/1.1\r\nHost: node\r\nAuthorization: PVEAPIToken={token}\r\n\r\n"
    connection.sendall(head.encode())
    reply = connection.recv(65536).decode()
    return reply.partition("\r\n")[0], "connection: close" in reply.lower()


def test_its_certificate_is_signed_by_the_given_authority_and_has_the_told_fingerprint(node: Description) -> None:
    with connect(node) as connection:
        digest = hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest().upper()
    assert ":".join(digest[n : n + 2] for n in range(0, 64, 2)) == node.fingerprint


def test_another_authority_does_not_vouch_for_it(node: Description) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{node.url}/api2/json/version", timeout=10)


def test_the_reason_phrase_is_free_text_and_the_connection_closes(node: Description) -> None:
    with connect(node) as connection:
        line, closes = ask(connection, node.token, "/nodes/pve1/lxc/777/config")
        assert line == "HTTP/1.1 500 Configuration file 'nodes/pve1/lxc/777.conf' does not exist"
        assert closes
        assert connection.recv(1) == b""


def test_a_connection_serves_a_hundred_requests(node: Description) -> None:
    with connect(node) as connection:
        closes = [ask(connection, node.token)[1] for _ in range(100)]
    assert closes == [False] * 99 + [True]


def test_a_connection_on_which_nothing_happens_is_closed_after_five_seconds(node: Description) -> None:
    with connect(node) as connection:
        assert ask(connection, node.token) == ("HTTP/1.1 200 OK", False)
        connection.settimeout(30)
        assert connection.recv(1) == b""


@pytest.mark.parametrize(("kind", "error", "patience"), [
    (FaultKind.RESET, requests.ConnectionError, 10),
    (FaultKind.TIMEOUT_LOST, requests.ReadTimeout, 0.5),
])  # fmt: skip
def test_faults_reach_the_socket(
    server: NodeServer, session: requests.Session, kind: FaultKind, error: type[Exception], patience: float
) -> None:
    server.behind(lambda door: door.add_fault(Fault(kind=kind, operation="version", count=1)))
    with pytest.raises(error):
        session.get(f"{server.description.url}/api2/json/version", timeout=(10, patience))
    assert session.get(f"{server.description.url}/api2/json/version", timeout=10).status_code == 200


def test_the_side_door_is_on_the_same_port(node: Description, session: requests.Session) -> None:
    reply = session.get(f"{node.url}/winux/stats", timeout=10)
    assert reply.status_code == 200
    assert "calls" in reply.json()["data"]


def test_a_large_body_is_refused(node: Description, session: requests.Session) -> None:
    reply = session.post(f"{node.url}/api2/json/nodes/pve1/lxc", data={"description": "x" * 600_000}, timeout=10)
    assert (reply.status_code, reply.reason) == (501, "for data too large")


def test_proxmoxer_lives_a_containers_life(node: Description) -> None:
    token, _, secret = node.pool_token.partition("=")
    user, _, name = token.partition("!")
    parts = urlsplit(node.url)
    api = proxmoxer.ProxmoxAPI(
        parts.hostname, port=parts.port, user=user, token_name=name, token_value=secret, verify_ssl=str(node.ca)
    )
    guest = {"vmid": 100, "ostemplate": node.ostemplate, "rootfs": "local:1", "pool": node.pool, "start": 1}
    api.nodes("pve1").lxc.post(net0="name=eth0,bridge=vmbr0,ip=dhcp", **guest)
    assert api.nodes("pve1").lxc(100).status.current.get()["status"] == "running"
    address = api.nodes("pve1").lxc(100).interfaces.get()[1]["inet"].partition("/")[0]
    with socket.create_connection((address, 3389), timeout=10) as desktop:
        desktop.sendall(CONNECTION_REQUEST)
        assert desktop.recv(100) == CONFIRM
    with pytest.raises(proxmoxer.ResourceException, match="container is running"):
        api.nodes("pve1").lxc(100).delete()
    api.nodes("pve1").lxc(100).delete(force=1, purge=1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, 3389), timeout=10)


def test_a_desktop_that_was_silenced_answers_again(server: NodeServer, session: requests.Session) -> None:
    server.behind(lambda door: door.add(300, {"net0": "name=eth0,bridge=vmbr0,ip=dhcp"}, running=True))
    interfaces = session.get(f"{server.description.url}/api2/json/nodes/pve1/lxc/300/interfaces", timeout=10).json()
    address = interfaces["data"][1]["inet"].partition("/")[0]
    for silent in (False, True, False):
        server.behind(lambda door, silent=silent: door.silence_rdp(silent=silent, vmid=300))
        session.get(f"{server.description.url}/api2/json/version", timeout=10)
        if silent:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, 3389), timeout=10)
        else:
            with socket.create_connection((address, 3389), timeout=10) as desktop:
                desktop.sendall(CONNECTION_REQUEST)
                assert desktop.recv(100) == CONFIRM


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("listen", "0.0.0.0:8006", "write a loopback address and a port"),
        ("listen", "127.0.0.1", "write a loopback address and a port"),
        ("profile", "quick", "choose one of: instant, demo, real"),
    ],
)
def test_a_bad_setting_is_explained(tmp_path: Path, field: str, value: str, message: str) -> None:
    server = NodeServer(NodeConfig(directory=tmp_path, **{field: value}))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        server.start()


def test_a_taken_port_is_an_error_of_start(node: Description, tmp_path: Path) -> None:
    port = urlsplit(node.url).port
    with pytest.raises(OSError, match="address already in use"):
        NodeServer(NodeConfig(listen=f"127.0.0.1:{port}", directory=tmp_path)).start()


def test_secrets_are_not_in_its_repr(node: Description) -> None:
    assert node.token.partition("=")[2] not in repr(node)
    assert node.pool_token.partition("=")[2] not in repr(node)


def test_there_are_three_profiles() -> None:
    assert set(PROFILES) == {"instant", "demo", "real"}


def test_a_browser_is_shown_containers_and_tasks_and_no_secret(server: NodeServer, node: Description) -> None:
    server.behind(lambda door: door.add(400, {"hostname": "<desk>", "description": "hidden"}))
    reply = requests.get(f"{node.url}/", verify=str(node.ca), timeout=10)
    assert reply.headers["Content-Type"] == "text/html;charset=UTF-8"
    assert "&lt;desk&gt;" in reply.text
    assert "hidden" not in reply.text
    assert node.token.partition("=")[2] not in reply.text


@pytest.mark.e2e
def test_a_killed_process_has_lost_nothing_that_was_finished(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "controller.node", "--listen", "127.0.0.1:0", "--json", "--profile", "instant"]
    command += ["--state", str(tmp_path)]

    def begin() -> tuple[subprocess.Popen[str], dict[str, str]]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())

    def call(line: dict[str, str], method: str, path: str, **more: object) -> object:
        headers = {"Authorization": f"PVEAPIToken={line['pool_token']}"}
        url = f"{line['url']}/api2/json{path}"
        reply = requests.request(method, url, headers=headers, verify=line["ca"], timeout=10, **more)  # type: ignore[arg-type]
        assert reply.status_code == 200, reply.reason
        return reply.json()["data"]

    process, line = begin()
    for vmid in range(100, 110):
        spec = {"vmid": vmid, "ostemplate": line["ostemplate"], "pool": line["pool"], "hostname": f"desk-{vmid}"}
        call(line, "POST", "/nodes/pve1/lxc", data=spec)
    configs = [call(line, "GET", f"/nodes/pve1/lxc/{vmid}/config") for vmid in range(100, 110)]
    process.kill()
    process.wait()
    process, again = begin()
    try:
        assert again["pool_token"] == line["pool_token"]
        assert [call(again, "GET", f"/nodes/pve1/lxc/{vmid}/config") for vmid in range(100, 110)] == configs
        assert len(call(again, "GET", "/nodes/pve1/tasks")) == 10  # type: ignore[arg-type]
    finally:
        process.kill()
        process.wait()


@pytest.mark.e2e
def test_the_process_prints_one_line_writes_a_config_and_ends_on_sigterm(tmp_path: Path) -> None:
    config = tmp_path / "winux.yaml"
    command = [sys.executable, "-m", "controller.node", "--listen", "127.0.0.1:0", "--json", "--profile", "instant"]
    process = subprocess.Popen(
        [*command, "--write-config", str(config), "--directory", str(tmp_path / "node")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        keys = {"url", "ca", "node", "storage", "ostemplate", "bridge", "pool", "token", "pool_token"}
        assert keys <= set(line)
        assert stat.S_IMODE(config.stat().st_mode) == 0o600
        written = yaml.safe_load(config.read_text())
        assert written["proxmox"]["url"] == line["url"]
        secret = Path(written["proxmox"]["tokenSecretFile"])
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        headers = {"Authorization": f"PVEAPIToken={written['proxmox']['tokenId']}={secret.read_text().strip()}"}
        reply = requests.get(
            f"{line['url']}/api2/json/version", headers=headers, verify=written["proxmox"]["caFile"], timeout=10
        )
        assert reply.json()["data"]["release"] == "9.2"
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=30)
        assert (process.returncode, rest) == (0, ""), errors
    finally:
        process.kill()
        process.wait()

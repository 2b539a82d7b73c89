"""Clients that nobody here wrote, unchanged, against the node as a process: proxmoxer, curl, prometheus-pve-exporter.

What the answers look like in detail is held by the unit tests of the node; here the clients themselves are content.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import proxmoxer
import pytest
from proxmoxer.backends.https import ProxmoxHTTPAuth
from proxmoxer.tools import Tasks

from tests.e2e.exporter import Exporter, Samples, sample
from tests.e2e.node import Node
from tests.e2e.waiting import until

NODES = ("pve1", "pve2", "pve3")
PERSON, PASSWORD = "class@pve", "correct horse battery"
MONITOR = "monitor@pve"
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """Three nodes; somebody with a password who may do everything, and somebody who may only look."""
    directory = Path(tempfile.mkdtemp(prefix="wx"))
    try:
        node = Node(directory, profile="demo", nodes=len(NODES))
        try:
            for user, role in ((PERSON, "Administrator"), (MONITOR, "PVEAuditor")):
                node.admin.call("POST", "/access/users", userid=user, password=PASSWORD)
                node.admin.call("PUT", "/access/acl", path="/", users=user, roles=role)
            yield node
        finally:
            node.end()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def said(node: Node, key: str) -> str:
    return str(node.description[key])


def host(node: Node) -> str:
    return node.url.removeprefix("https://")


def with_token(node: Node) -> Any:
    """The pool's token: the rights of a controller and no more."""
    name, _, secret = said(node, "pool_token").partition("=")
    user, _, token = name.partition("!")
    return proxmoxer.ProxmoxAPI(
        host(node), user=user, token_name=token, token_value=secret, verify_ssl=said(node, "ca"), timeout=30
    )


def with_password(node: Node, password: str = PASSWORD) -> Any:
    return proxmoxer.ProxmoxAPI(host(node), user=PERSON, password=password, verify_ssl=said(node, "ca"), timeout=30)


def outcome(api: Any, upid: str) -> str:
    task = Tasks.blocking_status(api, upid, timeout=30, polling_interval=0.1)
    assert task is not None, f"{upid} did not end"
    return str(task["exitstatus"])


def spec(node: Node, vmid: int, **more: object) -> dict[str, object]:
    made = {"vmid": vmid, "ostemplate": said(node, "ostemplate"), "rootfs": "local:1", "hostname": f"desk-{vmid}"}
    return made | more


# -- proxmoxer -------------------------------------------------------------------------------------------------


def test_proxmoxer_lives_a_containers_life_with_a_token(node: Node) -> None:
    api, pool = with_token(node), said(node, "pool")
    lxc = api.nodes("pve2").lxc
    net0 = "name=eth0,bridge=vmbr0,ip=dhcp"
    made = lxc.post(**spec(node, 500, pool=pool, description="somebody's desk", net0=net0, start=1))
    assert Tasks.decode_upid(made)["type"] == "vzcreate"
    assert outcome(api, made) == "OK"
    until(lambda: lxc(500).status.current.get()["status"] == "running", what="the start that it asked for is done")
    kinds = [task["type"] for task in api.nodes("pve2").tasks.get(source="all", vmid=500)]
    assert sorted(kinds) == ["vzcreate", "vzstart"]

    lxc(500).config.put(cores=1, description="renamed", tags="b;a")
    config = lxc(500).config.get()
    assert (config["cores"], config["description"], config["tags"]) == (1, "renamed\n", "a;b")
    assert [row["pool"] for row in api.cluster.resources.get(type="vm") if row["vmid"] == 500] == [pool]

    template = cast("list[int]", node.description["templates"])[NODES.index("pve2")]
    cloned = lxc(template).clone.post(newid=501, pool=pool, hostname="desk-501")
    assert Tasks.decode_upid(cloned)["id"] == str(template)
    assert outcome(api, cloned) == "OK"
    assert lxc(501).config.get()["hostname"] == "desk-501"
    assert outcome(api, lxc(501).status.start.post()) == "OK"
    assert outcome(api, lxc(501).status.shutdown.post(timeout=20)) == "OK"
    log = Tasks.decode_log(api.nodes("pve2").tasks(cloned).log.get())
    assert "TASK OK" in log

    with pytest.raises(proxmoxer.ResourceException, match="container is running") as refused:
        lxc(500).delete()
    assert refused.value.status_code == 500
    assert outcome(api, lxc(500).delete(force=1, purge=1)) == "OK"
    assert outcome(api, lxc(501).delete()) == "OK"
    assert {row["vmid"] for row in api.cluster.resources.get(type="vm")}.isdisjoint({500, 501})


def test_proxmoxer_hears_what_is_wrong_with_its_parameters(node: Node) -> None:
    with pytest.raises(proxmoxer.ResourceException, match="Parameter verification failed") as refused:
        with_token(node).nodes("pve1").lxc.post(**spec(node, 510, hostname="a_b", pool=said(node, "pool")))
    assert refused.value.status_code == 400
    assert set(refused.value.errors) == {"hostname"}


def test_proxmoxer_reads_and_writes_with_a_password(node: Node) -> None:
    api = with_password(node)
    assert {row["node"] for row in api.nodes.get()} == set(NODES)
    assert api.access.permissions.get(path="/")["/"]["VM.Allocate"] == 1
    made = api.nodes("pve1").lxc.post(**spec(node, 520))
    assert outcome(api, made) == "OK"
    assert f":{PERSON}:" in made
    api.nodes("pve1").lxc(520).config.put(memory=256)
    assert api.nodes("pve1").lxc(520).config.get()["memory"] == 256
    assert outcome(api, api.nodes("pve1").lxc(520).delete()) == "OK"


def test_proxmoxer_renews_its_ticket(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own setting says from what age on; so young a ticket is renewed before every call."""
    api = with_password(node)
    node.admin.forget_census()
    monkeypatch.setattr(ProxmoxHTTPAuth, "renew_age", 0)
    assert api.version.get()["release"]
    api.pools.post(poolid="renewed")
    assert "renewed" in {row["poolid"] for row in api.pools.get()}
    api.pools.delete(poolid="renewed")
    statuses = cast("dict[str, int]", node.admin.census()["statuses"])
    assert statuses["ticket 200"] >= 4
    assert [status for status in statuses if not status.endswith("200")] == []


def test_proxmoxer_is_not_let_in_with_a_wrong_password(node: Node) -> None:
    with pytest.raises(proxmoxer.AuthenticationError, match="code: 401"):
        with_password(node, "wrong horse")


# -- curl ------------------------------------------------------------------------------------------------------


class Curl:
    """Secrets reach it by a file: command lines can be read by everybody on a machine."""

    def __init__(self, node: Node, directory: Path) -> None:
        self._node = node
        self._secrets = directory / "curl.conf"
        self._secrets.touch(mode=0o600)

    def run(self, *arguments: str, path: str, secrets: str = "") -> subprocess.CompletedProcess[str]:
        self._secrets.write_text(secrets, encoding="utf-8")
        command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "30"]
        command += ["--config", str(self._secrets), *arguments, f"{self._node.url}/api2/json{path}"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def ask(self, *arguments: str, path: str, secrets: str = "") -> tuple[int, Any]:
        """Status and body."""
        trusted = ("--cacert", said(self._node, "ca"), "--write-out", "\n%{http_code}")
        done = self.run(*trusted, *arguments, path=path, secrets=secrets)
        assert done.returncode == 0, done.stderr
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body) if body else None


@pytest.fixture
def curl(node: Node, tmp_path: Path) -> Curl:
    return Curl(node, tmp_path)


def token_header(node: Node) -> str:
    return f'header = "Authorization: PVEAPIToken={said(node, "token")}"'


@needs_curl
def test_curl_lives_a_containers_life_with_a_token(node: Node, curl: Curl) -> None:
    header = token_header(node)
    status, body = curl.ask(path="/version", secrets=header)
    assert (status, set(body["data"])) == (200, {"version", "release", "repoid"})

    given = ("-d", "vmid=530", "-d", "rootfs=local:1", "--data-urlencode", f"ostemplate={said(node, 'ostemplate')}")
    status, body = curl.ask(*given, path="/nodes/pve3/lxc", secrets=header)
    assert status == 200
    upid = body["data"]
    until(
        lambda: curl.ask(path=f"/nodes/pve3/tasks/{upid}/status", secrets=header)[1]["data"].get("exitstatus") == "OK",
        what="the create has ended",
        every=0.2,
    )
    assert curl.ask("-X", "PUT", "-d", "cores=2", path="/nodes/pve3/lxc/530/config", secrets=header)[0] == 200
    assert curl.ask(path="/nodes/pve3/lxc/530/config", secrets=header)[1]["data"]["cores"] == 2

    status, body = curl.ask("-X", "DELETE", path="/nodes/pve3/lxc/530?purge=1&force=1", secrets=header)
    assert (status, body["data"].split(":")[5]) == (200, "vzdestroy")
    gone = {"data": None, "message": "Configuration file 'nodes/pve3/lxc/530.conf' does not exist\n"}
    until(
        lambda: curl.ask(path="/nodes/pve3/lxc/530/config", secrets=header) == (500, gone),
        what="the container is gone",
        every=0.2,
    )


@needs_curl
def test_a_delete_with_a_body_is_refused_to_curl(node: Node, curl: Curl) -> None:
    status, _ = curl.ask("-X", "DELETE", "-d", "force=1", path="/nodes/pve3/lxc/999", secrets=token_header(node))
    assert status == 501


@needs_curl
def test_curl_writes_with_a_ticket_and_its_csrf_token(curl: Curl) -> None:
    status, body = curl.ask(path="/access/ticket", secrets=f'data = "username={PERSON}"\ndata = "password={PASSWORD}"')
    ticket = body["data"]
    assert (status, ticket["username"]) == (200, PERSON)
    cookie = f'cookie = "PVEAuthCookie={ticket["ticket"]}"'
    prevention = f'header = "CSRFPreventionToken: {ticket["CSRFPreventionToken"]}"'
    assert curl.ask(path="/cluster/nextid", secrets=cookie)[0] == 200
    new = ("-d", "poolid=by-curl")
    assert curl.ask(*new, path="/pools", secrets=cookie) == (401, None)
    assert curl.ask(*new, path="/pools", secrets=f"{cookie}\n{prevention}") == (200, {"data": None})


@needs_curl
def test_curl_does_not_trust_it_without_its_authority(node: Node, curl: Curl) -> None:
    done = curl.run(path="/version", secrets=token_header(node))
    peer_certificate_not_trusted = 60
    assert done.returncode == peer_certificate_not_trusted


# -- prometheus-pve-exporter -----------------------------------------------------------------------------------

RUNNING, STOPPED, LOCKED, POOLED = 600, 601, 602, 603


@pytest.fixture(scope="module")
def exporter(node: Node) -> Iterator[Exporter]:
    """Configured as its documentation says, with a token in one module and a password in the other."""
    made = cast("dict[str, str]", node.admin.call("POST", f"/access/users/{MONITOR}/token/exporter", privsep=0))
    modules = {
        "default": {"user": MONITOR, "token_name": "exporter", "token_value": made["value"], "verify_ssl": True},
        "password": {"user": MONITOR, "password": PASSWORD, "verify_ssl": said(node, "ca")},
    }
    exporter = Exporter(node.directory, modules, ca=said(node, "ca"))
    try:
        yield exporter
    finally:
        exporter.end()


@pytest.fixture(scope="module")
def guests(node: Node) -> dict[int, str]:
    """Containers in various states, by their node, once the statistics know of them."""
    placed = {RUNNING: "pve1", STOPPED: "pve2", LOCKED: "pve3", POOLED: "pve1"}
    options: dict[int, dict[str, str | int]] = {
        RUNNING: {"start": 1, "onboot": 1, "tags": "class;prod"},
        STOPPED: {},
        LOCKED: {},
        POOLED: {"pool": said(node, "pool"), "onboot": 0},
    }
    for vmid, name in placed.items():
        given = cast("dict[str, str | int]", spec(node, vmid, memory=512, cores=2))
        node.admin.call("POST", f"/nodes/{name}/lxc", **(given | options[vmid]))

    def known() -> bool:
        rows = cast("list[dict[str, object]]", node.admin.call("GET", "/cluster/resources", type="vm"))
        states = {row["vmid"]: row["status"] for row in rows}
        wanted = dict.fromkeys(placed, "stopped") | {RUNNING: "running"}
        return all(states[vmid] == state for vmid, state in wanted.items())

    until(known, what="the statistics tell of all of them", every=0.5)
    node.admin.act(LOCKED, "lock", lock="backup")
    return placed


@pytest.fixture(scope="module")
def cluster(node: Node, exporter: Exporter, guests: dict[int, str]) -> Samples:
    assert guests
    return exporter.scrape(host(node), cluster=1)


def test_the_exporter_sees_the_cluster_and_its_nodes(cluster: Samples) -> None:
    for number, name in enumerate(NODES, start=1):
        assert cluster[sample("pve_up", id=f"node/{name}")] == 1
        assert cluster[sample("pve_node_info", id=f"node/{name}", level="", name=name, nodeid=str(number))] == 1
        assert cluster[sample("pve_memory_size_bytes", id=f"node/{name}")] > 0
        assert cluster[sample("pve_uptime_seconds", id=f"node/{name}")] > 0
    assert {"9.2"} == {dict(labels)["release"] for name, labels in cluster if name == "pve_version_info"}
    clusters = [dict(labels) for name, labels in cluster if name == "pve_cluster_info"]
    assert [(one["nodes"], one["quorate"]) for one in clusters] == [("3", "1")]
    assert cluster[sample("pve_up", id=clusters[0]["id"])] == 1


@pytest.mark.parametrize(
    ("vmid", "up", "tags"), [(RUNNING, 1, "class;prod"), (STOPPED, 0, ""), (LOCKED, 0, ""), (POOLED, 0, "")]
)
def test_the_exporter_sees_a_container(
    cluster: Samples, guests: dict[int, str], vmid: int, up: float, tags: str
) -> None:
    told = {"id": f"lxc/{vmid}", "node": guests[vmid], "name": f"desk-{vmid}", "type": "lxc", "template": "0"}
    assert cluster[sample("pve_guest_info", tags=tags, **told)] == 1
    assert cluster[sample("pve_up", id=f"lxc/{vmid}")] == up
    assert cluster[sample("pve_memory_size_bytes", id=f"lxc/{vmid}")] == 512 << 20
    assert cluster[sample("pve_cpu_usage_limit", id=f"lxc/{vmid}")] == 2
    assert cluster[sample("pve_disk_size_bytes", id=f"lxc/{vmid}")] == 1 << 30
    assert (cluster[sample("pve_memory_usage_bytes", id=f"lxc/{vmid}")] > 0) == bool(up)
    assert cluster[sample("pve_lock_state", id=f"lxc/{vmid}", state="backup")] == (vmid == LOCKED)
    assert cluster[sample("pve_ha_state", id=f"lxc/{vmid}", state="started")] == 0
    assert cluster[sample("pve_network_receive_bytes_total", id=f"lxc/{vmid}")] >= 0


def test_the_exporter_sees_every_storage_of_every_node(cluster: Samples) -> None:
    told = [dict(labels) for name, labels in cluster if name == "pve_storage_info"]
    assert {one["id"] for one in told} == {
        f"storage/{name}/{storage}" for name in NODES for storage in ("local", "local-zfs", "shared")
    }
    assert {one["storage"]: one["plugintype"] for one in told} == {
        "local": "dir",
        "local-zfs": "zfspool",
        "shared": "nfs",
    }
    for one in told:
        assert cluster[sample("pve_up", id=one["id"])] == 1
        assert cluster[sample("pve_storage_shared", id=one["id"])] == (one["storage"] == "shared")
        assert cluster[sample("pve_disk_size_bytes", id=one["id"])] > 0


def test_the_exporter_sees_the_entry_node_with_its_configs(
    node: Node, exporter: Exporter, guests: dict[int, str]
) -> None:
    assert guests
    samples = exporter.scrape(host(node), node=1)
    told = {"node": "pve1", "type": "lxc"}
    assert samples[sample("pve_onboot_status", id=f"lxc/{RUNNING}", **told)] == 1
    assert samples[sample("pve_onboot_status", id=f"lxc/{POOLED}", **told)] == 0
    assert samples[sample("pve_subscription_status", id="node/pve1", status="notfound")] == 1


def test_the_exporter_bears_a_newborn_without_a_name(node: Node, exporter: Exporter, guests: dict[int, str]) -> None:
    """Until the statistics have gone round it has neither name nor numbers."""
    assert guests
    vmids = iter(range(610, 630))

    def born_and_scraped() -> Samples | None:
        vmid = next(vmids)
        node.admin.call("POST", "/nodes/pve3/lxc", **cast("dict[str, str | int]", spec(node, vmid)))
        samples = exporter.scrape(host(node), cluster=1)
        told = {"id": f"lxc/{vmid}", "node": "pve3", "type": "lxc", "tags": ""}
        if sample("pve_guest_info", name="", template="", **told) not in samples:
            return None  # the statistics went round in between
        assert samples[sample("pve_up", id=f"lxc/{vmid}")] == 0
        assert sample("pve_memory_size_bytes", id=f"lxc/{vmid}") not in samples
        return samples

    until(born_and_scraped, what="a newborn is scraped")


def test_the_exporter_logs_in_with_a_password_too(node: Node, exporter: Exporter, guests: dict[int, str]) -> None:
    assert guests
    samples = exporter.scrape(host(node), module="password", cluster=1, node=1)
    assert samples[sample("pve_up", id=f"lxc/{RUNNING}")] == 1
    assert samples[sample("pve_onboot_status", id=f"lxc/{RUNNING}", node="pve1", type="lxc")] == 1


def test_the_exporter_has_nothing_to_complain_of(node: Node, exporter: Exporter, guests: dict[int, str]) -> None:
    assert guests
    node.admin.forget_census()
    exporter.scrape(host(node), cluster=1, node=1)
    statuses = cast("dict[str, int]", node.admin.census()["statuses"])
    # A refusal tells it that there is no quorum device; everything else it gets.
    assert [status for status in statuses if not status.endswith(" 200") and status != "unknown 501"] == []
    assert [line for line in exporter.process.output().splitlines() if "[INFO]" not in line] == []

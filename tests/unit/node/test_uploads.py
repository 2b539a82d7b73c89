"""Files that clients send to a storage, over HTTPS: larger than any body, checked, and refused as Proxmox does."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from controller.node.config import NodeConfig
from controller.node.server import NodeServer

PLACE = "/nodes/pve1/storage/local/upload"
NAME = "desktop_1_amd64.tar.zst"
BYTES = random.Random(0).randbytes(3 << 20) + b"\r\n--\r\n"
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeServer]:
    server = NodeServer(NodeConfig(profile="instant", directory=tmp_path_factory.mktemp("node")))
    server.start()
    yield server
    server.stop()


class Sender:
    def __init__(self, server: NodeServer, token: str) -> None:
        self.url = f"{server.description.url}/api2/json"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(server.description.ca)
        self.session.headers["Authorization"] = f"PVEAPIToken={token}"

    def send(self, *, name: str = NAME, part: str = "filename", place: str = PLACE, **fields: str) -> requests.Response:
        data = {"content": "vztmpl"} | {key.replace("_", "-"): value for key, value in fields.items()}
        return self.session.post(f"{self.url}{place}", data=data, files={part: (name, BYTES)}, timeout=30)

    def get(self, path: str) -> Any:
        return self.session.get(f"{self.url}{path}", timeout=30).json()["data"]

    def ended(self, answer: requests.Response) -> tuple[str, list[str]]:
        """The exit status of its task, and what it said."""
        assert answer.status_code == 200, answer.reason
        task = f"/nodes/pve1/tasks/{quote(answer.json()['data'], safe='')}"
        return self.get(f"{task}/status")["exitstatus"], [row["t"] for row in self.get(f"{task}/log")]


@pytest.fixture
def root(server: NodeServer) -> Iterator[Sender]:
    sender = Sender(server, server.description.token)
    yield sender
    sender.session.close()


@pytest.fixture
def limited(server: NodeServer) -> Iterator[Sender]:
    sender = Sender(server, server.description.pool_token)
    yield sender
    sender.session.close()


def test_a_file_larger_than_any_body_is_there_when_its_task_has_ended(root: Sender) -> None:
    answer = root.send(checksum=SHA256.upper(), checksum_algorithm="sha256")
    assert answer.json()["data"].split(":")[5:7] == ["imgcopy", ""]
    status, said = root.ended(answer)
    assert status == "OK"
    assert "calculating checksum...OK, checksum verified" in said
    assert f"target file: /var/lib/vz/template/cache/{NAME}" in said
    assert f"file size is: {len(BYTES)}" in said
    rows = {row["volid"]: row for row in root.get("/nodes/pve1/storage/local/content?content=vztmpl")}
    row = rows[f"local:vztmpl/{NAME}"]
    assert (row["size"], row["format"]) == (len(BYTES), "tzst")


def test_a_container_can_be_made_from_it(root: Sender) -> None:
    root.ended(root.send(name="mine.tar.zst"))
    guest = {"vmid": 700, "ostemplate": "local:vztmpl/mine.tar.zst", "rootfs": "local:1"}
    assert root.ended(root.session.post(f"{root.url}/nodes/pve1/lxc", data=guest, timeout=30))[0] == "OK"


def test_a_file_with_another_checksum_is_not_taken(root: Sender) -> None:
    status, _ = root.ended(root.send(name="spoilt.tar.gz", checksum="0" * 64, checksum_algorithm="sha256"))
    assert status == f"checksum mismatch: got '{SHA256}' != expect '{'0' * 64}'"
    volumes = {row["volid"] for row in root.get("/nodes/pve1/storage/local/content")}
    assert "local:vztmpl/spoilt.tar.gz" not in volumes


def test_a_file_of_the_same_name_is_overwritten(root: Sender) -> None:
    assert root.ended(root.send(name="again.tar"))[0] == "OK"
    assert root.ended(root.send(name="again.tar"))[0] == "OK"


@pytest.mark.parametrize(("given", "status", "reason"), [
    ({"place": "/nodes/pve1/storage/local-zfs/upload"}, 500, "can't upload to storage type 'zfspool'"),
    ({"place": "/nodes/pve1/storage/nowhere/upload"}, 500, "storage 'nowhere' does not exist"),
    ({"content": "import", "name": "a.raw"}, 500, "storage 'local' does not support 'import' content"),
    ({"name": "mine.exe"}, 400, "Parameter verification failed."),
    ({"checksum": "00"}, 400, "Parameter verification failed."),
    ({"part": "file"}, 501, "upload failed"),
    ({"hostname": "x" * 600_000}, 501, "upload failed"),
])  # fmt: skip
def test_uploads_that_are_refused(root: Sender, given: dict[str, str], status: int, reason: str) -> None:
    answer = root.send(**given)  # type: ignore[arg-type]
    assert (answer.status_code, answer.reason) == (status, reason)


def test_it_needs_a_right_that_a_controller_has_not(limited: Sender) -> None:
    answer = limited.send()
    text = "Permission check failed (/storage/local, Datastore.AllocateTemplate)"
    assert (answer.status_code, answer.reason) == (403, text)


def test_a_stranger_is_refused_before_his_file_is_taken(server: NodeServer) -> None:
    sender = Sender(server, "root@pam!winux=guessed")
    assert sender.send().status_code == 401
    sender.session.close()


def test_without_a_file_there_is_nothing_to_take(root: Sender) -> None:
    fields = {"content": "vztmpl", "filename": NAME}
    answer = root.session.post(f"{root.url}{PLACE}", data=fields, timeout=30)
    assert (answer.status_code, answer.reason) == (500, "missing temporary file name")
    named = fields | {"tmpfilename": "/var/tmp/pveupload-0123"}  # noqa: S108
    answer = root.session.post(f"{root.url}{PLACE}", data=named, timeout=30)
    assert answer.reason == "temporary file '/var/tmp/pveupload-0123' does not exist"

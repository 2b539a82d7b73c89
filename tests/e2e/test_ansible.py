"""The playbooks of deploy/ansible against a node's API: what they make is enough for a controller, and made once."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest
import requests
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.e2e.node import Node

PLAYBOOKS = Path(__file__).resolve().parents[2] / "deploy" / "ansible"
BIN = Path(sys.executable).parent
EXAMPLE = PLAYBOOKS / "inventory.example"
IMAGE = "winux-desktop-debian12_9_amd64.tar.zst"  # not the one that a fresh node has already
ARCHIVE = f"local:vztmpl/{IMAGE}"
NEEDED = ("ansible-playbook", "ansible-lint", "curl")
MISSING = [tool for tool in NEEDED if shutil.which(tool, path=f"{BIN}:{os.environ['PATH']}") is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.timeout(900),  # Ansible starts hundreds of programs
]

Rows = list[dict[str, object]]


class Station:
    """An administrator's machine: a directory with inventory, image, token and CA, and a node to be set up."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="wx"))
        self.said = ""
        try:
            self.node = Node(self.directory, profile="instant")
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise
        self.admin = self.node.admin
        token_id, _, self.secret = str(self.node.description["token"]).partition("=")
        self.private("proxmox-token", self.secret)
        key = Ed25519PrivateKey.generate()
        self.key = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
        self.private("guest-key", self.key)
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        (self.directory / "guest-key.pub").write_bytes(public + b" winux\n")
        self.variables: dict[str, object] = {
            "proxmox_url": self.node.url,
            "proxmox_ca_file": str(self.node.description["ca"]),
            "proxmox_token_id": token_id,
            "proxmox_token_file": str(self.directory / "proxmox-token"),
            "winux_pool": "desktops",
            "winux_user": "desktops@pve",
            "winux_token_file": str(self.directory / "winux-token"),
            "winux_storage": "local-zfs",
            "image_file": str(self.directory / IMAGE),
            "image_nodes": ["pve1"],
            "template_containers": [{"node": "pve1", "vmid": 9001}],
            "winux_guest_key_file": str(self.directory / "guest-key"),
            "package_directory": str(self.directory / "opt"),
            "package_python": sys.executable,
            "package_pip_arguments": "--no-index --no-deps",
            "controller_user": getpass.getuser(),
            "controller_directory": str(self.directory / "etc"),
            "controller_manifests": str(self.directory / "desktops"),
            "controller_units": str(self.directory),
            "controller_enabled": False,
            "image_copy_directory": str(self.directory),
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "ansible_become": False,
        }

    def private(self, name: str, text: str) -> None:
        (self.directory / name).touch(mode=0o600)
        (self.directory / name).write_text(text, encoding="utf-8")

    def put_image(self, *, content: bytes, sha256: str | None = None) -> None:
        """An image and its manifest, as the build leaves them."""
        (self.directory / IMAGE).write_bytes(content)
        manifest = {"name": IMAGE, "size": len(content), "sha256": sha256 or hashlib.sha256(content).hexdigest()}
        path = self.directory / f"{IMAGE.removesuffix('.tar.zst')}.json"
        path.write_text(json.dumps(manifest), encoding="utf-8")

    def play(self, playbook: str, *options: str, status: int = 0, **changes: object) -> int:
        """Run a playbook; how many tasks changed something, at most at one host."""
        hosts = {"here": self.variables | changes}
        groups = {group: {"hosts": hosts} for group in ("proxmox", "proxmox_nodes", "controllers")}
        inventory = self.directory / "inventory"
        shutil.copytree(EXAMPLE, inventory, dirs_exist_ok=True)
        (inventory / "hosts.yml").write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
        done = run(
            ["ansible-playbook", "-vvv", "--inventory", inventory, playbook, *options],
            home=self.directory,
        )
        self.said += done.stdout + done.stderr
        assert done.returncode == status, done.stdout + done.stderr
        found = re.findall(r"changed=(\d+)", done.stdout)
        return max(map(int, found))

    def rows(self, path: str, **parameters: str | int) -> Rows:
        return cast("Rows", self.admin.call("GET", path, **parameters))

    def end(self) -> None:
        self.node.end()
        shutil.rmtree(self.directory, ignore_errors=True)


def run(command: Sequence[str | Path], *, home: Path, cwd: Path = PLAYBOOKS) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(home / "ansible" / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(home / "ansible" / "remote"),
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_COLOR": "1",
    }
    arguments = [str(argument) for argument in command]
    arguments[0] = shutil.which(arguments[0], path=environment["PATH"]) or arguments[0]
    return subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=600)


def stand_in_wheel(directory: Path) -> Path:
    """A package of the same name without dependencies, so that nothing is fetched."""
    path = directory / "winux_controller-1.0-py3-none-any.whl"
    info = "winux_controller-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: winux-controller\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\nwinux = winux_stand_in:main\n")
        wheel.writestr("winux_stand_in.py", "def main():\n    print('here')\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def station() -> Iterator[Station]:
    station = Station()
    yield station
    station.end()


def test_the_playbooks_make_what_a_controller_needs_and_make_it_once(station: Station) -> None:
    content = random.Random(0).randbytes(2 << 20)
    station.put_image(content=content)
    wheel = str(stand_in_wheel(station.directory))
    for playbook, options in (
        ("access.yml", ()),
        ("image.yml", ()),
        ("template.yml", ()),
        ("controller.yml", ("--skip-tags", "packages,user")),
    ):
        first = station.play(playbook, *options, package_wheel=wheel)
        assert first > 0, playbook
        assert station.play(playbook, *options, package_wheel=wheel) == 0, f"{playbook} changes nothing a second time"

    check_access(station)
    archives = {row["volid"]: row["size"] for row in station.rows("/nodes/pve1/storage/local/content")}
    assert archives[ARCHIVE] == len(content)
    template = cast("dict[str, object]", station.admin.call("GET", "/nodes/pve1/lxc/9001/config"))
    assert (template["template"], template["unprivileged"]) == (1, 1)
    assert str(template["rootfs"]).startswith("local-zfs:basevol-9001")
    check_controller(station)
    secret = (station.directory / "winux-token").read_text(encoding="utf-8").strip()
    secrets = {"administrator's": station.secret, "controller's": secret, "guest key": station.key.splitlines()[1]}
    assert [name for name, value in secrets.items() if value in station.said] == []


def check_access(station: Station) -> None:
    assert "desktops" in {row["poolid"] for row in station.rows("/pools")}
    acl = {(row["path"], row["roleid"]) for row in station.rows("/access/acl") if row["ugid"] == "desktops@pve"}
    assert acl == {
        ("/pool/desktops", "WinuxPool"),
        ("/storage/local-zfs", "WinuxStorage"),
        ("/storage/local", "WinuxArchive"),
        ("/sdn/zones/localnetwork/vmbr0", "WinuxNetwork"),
        ("/vms/9001", "WinuxTemplate"),
        ("/access/groups/winux", "WinuxSelf"),
    }
    assert [row["tokenid"] for row in station.rows("/access/users/desktops@pve/token")] == ["controller"]
    assert stat.S_IMODE((station.directory / "winux-token").stat().st_mode) == 0o600


def check_controller(station: Station) -> None:
    """The installed settings and the new token are enough: nothing is missing but what is optional."""
    config = station.directory / "etc" / "winux.yaml"
    assert yaml.safe_load(config.read_text(encoding="utf-8"))["defaults"]["archive"] == ARCHIVE
    assert {stat.S_IMODE((config.parent / name).stat().st_mode) for name in ("token", "guest-key")} == {0o600}
    assert (station.directory / "winux.service").exists()
    assert run([station.directory / "opt" / "bin" / "winux"], home=station.directory).stdout == "here\n"
    clone = {
        "apiVersion": "winux.dev/v1",
        "kind": "SessionTemplate",
        "metadata": {"name": "clones"},
        "spec": {"source": {"clone": {"templates": [{"vmid": 9001}]}}},
    }
    (station.directory / "desktops" / "clones.yaml").write_text(yaml.safe_dump(clone), encoding="utf-8")
    checked = run(["winux", "check", "--config", config], home=station.directory)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "✗" not in checked.stdout
    assert "cloning template 9001" in checked.stdout, checked.stdout
    assert "Template 9001 is on pve1" in checked.stdout, checked.stdout
    assert "Guests are reached over SSH" in checked.stdout, checked.stdout
    assert f"Archive {ARCHIVE} is on pve1" in checked.stdout, checked.stdout
    assert "passed, 1 optional right is missing" in checked.stdout, checked.stdout


def test_an_image_that_is_not_what_its_manifest_says_is_not_taken(station: Station) -> None:
    station.put_image(content=b"cut off", sha256="0" * 64)
    station.play("image.yml", status=2)
    assert "checksum mismatch" in station.said
    assert ARCHIVE not in {row["volid"] for row in station.rows("/nodes/pve1/storage/local/content")}


def test_a_lost_secret_is_made_anew_only_where_that_is_asked_for(station: Station) -> None:
    station.admin.call("POST", "/access/users", userid="desktops@pve")
    made = station.admin.call("POST", "/access/users/desktops@pve/token/controller", privsep=0)
    lost = str(cast("dict[str, object]", made)["value"])
    station.play("access.yml", status=2)
    assert "Proxmox tells its secret only once" in station.said
    assert "desktops" not in {row["poolid"] for row in station.rows("/pools")}, "nothing was changed before"
    assert station.play("access.yml", access_replace_token=True) > 0
    path = station.directory / "winux-token"
    secret = path.read_text(encoding="utf-8")
    assert secret != lost
    assert (answer(station, lost), answer(station, secret)) == (401, 200), "the lost one is worth nothing any more"


def answer(station: Station, secret: str) -> int:
    """The status of a call with that secret of the controller's token."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(station.node.description["ca"])
        session.headers["Authorization"] = f"PVEAPIToken=desktops@pve!controller={secret.strip()}"
        return session.get(f"{station.node.url}/api2/json/version", timeout=30).status_code


def test_what_is_refused_is_said_without_the_token(station: Station) -> None:
    token_id, _, secret = str(station.node.description["pool_token"]).partition("=")
    station.private("proxmox-token", secret)
    station.play("access.yml", status=2, proxmox_token_id=token_id)
    assert "Make the pool: " in station.said
    assert "Permission check failed (/pool/desktops, Pool.Allocate)" in station.said
    assert secret not in station.said


def test_a_container_of_somebody_else_is_no_template(station: Station) -> None:
    station.admin.add(9001, running=False, hostname="theirs")
    station.play("template.yml", status=2)
    assert "give template_containers another vmid, or remove that container" in station.said
    config = cast("dict[str, object]", station.admin.call("GET", "/nodes/pve1/lxc/9001/config"))
    assert config["hostname"] == "theirs"
    assert "template" not in config


def test_the_image_is_copied_by_ssh_once(station: Station) -> None:
    station.put_image(content=b"an image")
    cache = station.directory / "cache"
    cache.mkdir()
    assert station.play("image.yml", image_way="copy", image_copy_directory=str(cache)) == 1
    assert (cache / IMAGE).read_bytes() == b"an image"
    assert station.play("image.yml", image_way="copy", image_copy_directory=str(cache)) == 0


@pytest.mark.parametrize("playbook", sorted(path.name for path in PLAYBOOKS.glob("*.yml")))
def test_the_syntax_is_right(playbook: str, tmp_path: Path) -> None:
    command = ["ansible-playbook", "--syntax-check", "--inventory", EXAMPLE, playbook]
    done = run(command, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_linter_finds_nothing(tmp_path: Path) -> None:
    """On a copy: it writes beside what it reads."""
    copy = tmp_path / "ansible"
    shutil.copytree(PLAYBOOKS, copy, ignore=shutil.ignore_patterns(".ansible"))
    done = run(["ansible-lint", "--offline", "--strict", "--profile", "production"], home=tmp_path, cwd=copy)
    assert done.returncode == 0, done.stdout + done.stderr

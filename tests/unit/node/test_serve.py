"""The body of ``winux node``: what cannot be used is told in one sentence, and what it says when it serves."""

from __future__ import annotations

import fcntl
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.node.config import NodeConfig, named
from controller.node.description import Description
from controller.node.serve import LOCK_FILE, STATE_FILE, serve, welcome

LOOPBACK = "write a loopback address and a port, such as 127.0.0.1:8006"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"listen": "0.0.0.0:8006"}, f"listen is '0.0.0.0:8006'; {LOOPBACK}"),
        ({"listen": "127.0.0.1"}, f"listen is '127.0.0.1'; {LOOPBACK}"),
        ({"listen": "127.0.0.1:65536"}, f"listen is '127.0.0.1:65536'; {LOOPBACK}"),
        ({"listen": "127.example.org:8006"}, f"listen is '127.example.org:8006'; {LOOPBACK}"),
        ({"profile": "quick"}, "there is no profile 'quick'; choose one of: instant, demo, real"),
        ({"version": "7.4"}, "there is no version '7.4'; choose one of: 8.4, 9.2"),
        ({"nodes": ()}, "a cluster of 0 nodes cannot be made; choose 1 to 32"),
        ({"certificate_days": 0}, "a certificate for 0 days cannot be made; choose 1 to 730"),
        ({"nodes": named(33)}, "a cluster of 33 nodes cannot be made; choose 1 to 32"),
    ],
)
def test_a_value_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], given: dict[str, Any], sentence: str
) -> None:
    assert serve(NodeConfig(directory=tmp_path, **given), json_line=False, write_config=None) == 1
    assert capfd.readouterr().err == f"The node cannot start: {sentence}.\n"


def told(config: NodeConfig, capfd: pytest.CaptureFixture[str]) -> str:
    assert serve(config, json_line=True, write_config=None) == 1
    said = capfd.readouterr()
    assert said.out == ""
    return said.err


def test_a_state_that_is_a_file_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state"
    state.touch()
    config = NodeConfig(directory=tmp_path, state=state)
    assert told(config, capfd) == f"The node cannot use {state}: it is a file, not a directory.\n"


def test_a_state_that_somebody_else_wrote_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / STATE_FILE).write_text("by somebody else, and long enough to be no empty database" * 20)
    config = NodeConfig(directory=tmp_path, state=tmp_path)
    assert told(config, capfd) == (
        f"The state in {tmp_path / STATE_FILE} cannot be read: choose another --state, or remove it.\n"
    )


@pytest.mark.parametrize(("state", "option"), [(True, "--state"), (False, "--directory")])
def test_two_nodes_do_not_share_a_directory(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], state: bool, option: str
) -> None:
    with (tmp_path / LOCK_FILE).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        config = NodeConfig(directory=tmp_path, state=tmp_path if state else None)
        assert told(config, capfd) == f"Another node uses {tmp_path}: end it, or choose another {option}.\n"


def test_a_script_of_faults_that_is_not_there_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "faults.yaml"
    config = NodeConfig(directory=tmp_path, faults=script)
    assert told(config, capfd).startswith(f"The node cannot start: {script}: the script of faults cannot be read")


DESCRIPTION = Description(
    url="https://127.0.0.1:8006",
    ca=Path("/srv/node/ca.pem"),
    node="pve1",
    nodes=("pve1", "pve2"),
    storage="local",
    ostemplate="local:vztmpl/winux.tar.zst",
    bridge="vmbr0",
    pool="winux",
    token="root@pam!winux=full-secret",
    pool_token="winux@pve!controller=pool-secret",
    templates=(9000, 9001),
    fingerprint="AA:BB",
)


def test_the_start_says_all_that_a_person_needs_and_no_secret() -> None:
    text = welcome(NodeConfig(directory=Path("/srv/node")), DESCRIPTION, None)
    for word in (
        "Proxmox VE 9.2",
        "and are gone when it ends",
        "API      https://127.0.0.1:8006\n",
        "page     https://127.0.0.1:8006/ ",
        "CA file  /srv/node/ca.pem\n",
        "winux@pve!controller  (rights on pool winux; secret in /srv/node/pool-token)",
        "root@pam!winux  (all rights; secret in /srv/node/token)",
        "curl --cacert /srv/node/ca.pem",
    ):
        assert word in text
    assert "secret" in text
    assert "full-secret" not in text
    assert "pool-secret" not in text


def test_the_start_shows_a_controllers_configuration_where_none_was_written() -> None:
    text = welcome(NodeConfig(directory=Path("/srv/node")), DESCRIPTION, None)
    shown = re.search(r"--write-config winux\.yaml writes:\n((?:  .*\n)+)", text)
    assert shown is not None
    proxmox = yaml.safe_load(shown[1])["proxmox"]
    assert proxmox == {
        "url": "https://127.0.0.1:8006",
        "tokenId": "winux@pve!controller",
        "tokenSecretFile": "/srv/node/pool-token",
        "caFile": "/srv/node/ca.pem",
        "pool": "winux",
    }


def test_the_start_says_how_a_controller_is_started_where_one_was_written() -> None:
    text = welcome(NodeConfig(directory=Path("/srv/node")), DESCRIPTION, Path("trial/winux.yaml"))
    assert "winux run --config trial/winux.yaml" in text
    assert "tokenSecretFile" not in text


def test_the_start_says_what_is_kept_and_what_is_played() -> None:
    config = NodeConfig(state=Path("kept"), faults=Path("storm.yaml"), version="8.4")
    text = welcome(config, DESCRIPTION, None)
    for word in ("Proxmox VE 8.4", "the cluster is kept in kept", "faults   storm.yaml"):
        assert word in text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Its containers exist in memory only, and are gone when it ends."),
        (
            {"engine": "lxc", "image": Path("w.tar.zst")},
            "Its containers are real, below /var/lib/winux, and end with it. They reach nothing beyond this machine.",
        ),
        (
            {"engine": "lxc", "image": Path("w.tar.zst"), "internet": True, "home": Path("/h"), "state": Path("kept")},
            "Its containers are real, below /h, and run on when it ends; the cluster is kept in kept.\n",
        ),
    ],
)
def test_the_start_says_what_containers_are(given: dict[str, Any], said: str) -> None:
    text = welcome(NodeConfig(**given), DESCRIPTION, None)
    assert said in text
    assert ("image    w.tar.zst" in text) == ("image" in given)

"""The command line as a whole: help, exit statuses, and errors without tracebacks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from controller import __version__
from controller.cli.app import app, images
from tests.unit.cli.conftest import Winux

COMMANDS = [info.name or info.callback.__name__ for info in app.registered_commands if info.callback is not None]
IMAGES = [info.name or info.callback.__name__ for info in images.registered_commands if info.callback is not None]


def test_all_commands_are_there() -> None:
    assert sorted(COMMANDS) == [
        "apply", "check", "confirm", "delete", "demo", "describe", "events", "extend", "get", "log", "node", "pause",
        "plan", "rdp", "resume", "rotate", "run", "schema", "top", "validate", "version",
        "web",
    ]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(winux: Winux, command: str) -> None:
    said = winux(command, "--help")
    assert said.status == 0
    assert f"$ winux {command}" in said.out


def test_the_exit_statuses_are_documented(winux: Winux) -> None:
    said = winux("--help")
    for status in ("0", "1", "2", "3", "64", "74", "130", "141"):
        assert any(line.split()[:1] == [status] for line in said.lines), status


def test_version(winux: Winux) -> None:
    assert winux("version").out == winux("--version").out == f"winux {__version__}\n"


@pytest.mark.parametrize("command", ["run", "check"])
def test_without_any_configuration_the_places_are_named_where_it_was_looked_for(winux: Winux, command: str) -> None:
    said = winux(command)
    assert said.status == 1
    assert said.err.splitlines()[1] == (
        "  no configuration was read: neither ./winux.yaml nor /etc/winux/winux.yaml exists; give --config FILE"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["get", "nonsense"],
        ["get", "--nonsense"],
        ["extend", "alice"],
        ["extend", "alice", "5"],
        ["apply"],
    ],
)
def test_a_wrong_command_line_is_not_taken_for_pending_changes(winux: Winux, arguments: list[str]) -> None:
    assert winux(*arguments).status == 64


@pytest.mark.parametrize(
    "arguments",
    [
        ["get"],
        ["describe", "alice"],
        ["events"],
        ["plan"],
        ["delete", "alice", "--yes"],
        ["extend", "alice", "15m"],
        ["pause"],
        ["resume", "alice"],
        ["rotate", "alice"],
        ["confirm"],
        ["rdp", "alice"],
    ],
)
def test_without_a_daemon_every_command_says_how_to_start_one(
    winux: Winux, arguments: list[str], tmp_path: Path
) -> None:
    said = winux(*arguments)
    assert said.status == 3
    assert said.err == f"error: no daemon answers at {tmp_path}/admin.sock: start it with `winux run`\n"
    assert said.out == ""


def test_the_socket_is_the_options_before_the_variables(winux: Winux, tmp_path: Path) -> None:
    assert f"at {tmp_path}/other.sock:" in winux("--socket", f"{tmp_path}/other.sock", "get").err


def test_the_socket_is_found_from_the_configuration(
    winux: Winux, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without reading the token's secret, which a person with access to the socket need not have."""
    monkeypatch.delenv("WINUX_ADMIN__SOCKET")
    config = tmp_path / "site.yaml"
    config.write_text(
        "proxmox: {url: 'https://127.0.0.1:8006', tokenId: 'winux@pve!controller', tokenSecretFile: /nonexistent}\n"
        "admin: {socket: run/a.sock}\n"
    )
    assert f"at {tmp_path}/run/a.sock:" in winux("--config", str(config), "get").err
    monkeypatch.setenv("WINUX_CONFIG", str(config))
    assert f"at {tmp_path}/run/a.sock:" in winux("get").err


def test_a_configuration_with_mistakes_is_reported_line_by_line(
    winux: Winux, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WINUX_ADMIN__SOCKET")
    config = tmp_path / "site.yaml"
    config.write_text("proxmox: {urll: x}\nworkerz: 3\n")
    for command in (["get"], ["run"], ["check"]):
        said = winux("--config", str(config), *command)
        assert said.status == 1
        assert said.err.startswith("error: the settings cannot be used\n")
        assert f"{config}:1:" in said.err
        assert f"{config}:2:" in said.err


def test_a_node_that_may_not_listen_there_says_why(winux: Winux) -> None:
    said = winux("node", "--listen", "192.0.2.1:8006")
    assert said.status == 1
    assert "write a loopback address" in said.err


def test_a_node_overwrites_no_configuration_but_its_own(winux: Winux) -> None:
    Path("precious.yaml").write_text("proxmox: {url: 'https://pve.example.org:8006'}\n")
    said = winux("node", "--listen", "127.0.0.1:0", "--write-config", "precious.yaml")
    assert said.status == 1
    assert said.err == "precious.yaml is there and was not written by winux node: choose another file.\n"
    assert "pve.example.org" in Path("precious.yaml").read_text()


def test_the_program_as_it_is_installed(tmp_path: Path) -> None:
    """Exit status, and nothing but data on standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli", "schema"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["title"] == "winux.dev/v1 manifest"
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli", "nonsense"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 64
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", [["--internet"], ["--image", "w.tar.zst"], ["--home", "."]])
def test_options_of_real_containers_are_refused_for_simulated_ones(winux: Winux, options: list[str]) -> None:
    said = winux("node", *options)
    assert said.status == 1
    assert said.err == ("error: --image, --home and --internet are about real containers: give --engine lxc too\n")


def test_an_engine_that_there_is_not_is_refused_with_those_that_there_are(winux: Winux) -> None:
    assert winux("node", "--engine", "docker").err == (
        "error: there is no engine 'docker'; choose one of: memory, lxc\n"
    )

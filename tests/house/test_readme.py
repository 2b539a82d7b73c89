"""The README and the files that it sends people to tell the truth, as far as a machine can tell."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from controller.cli.app import app
from controller.core.guards import Brakes
from controller.daemon.settings import load
from controller.daemon.settings_sources import LEAVES
from controller.telemetry.families import FAMILIES, GUARDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return README.split(f"\n{title}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("title", ["## Run it", "## Test it"])
def test_the_two_commands_are_one_fenced_line_each(title: str) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    assert blocks[0].count("\n") == 1


def test_every_command_that_it_names_exists() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"(?:`|bin/|^ *|&& )winux (?:--config \S+ )?([a-z]+)\b", README, re.MULTILINE))
    assert named
    assert named <= commands


@pytest.mark.parametrize("command", sorted(get_command(app).commands))  # type: ignore[attr-defined]
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    told = CliRunner().invoke(app, [command, "--help"])
    assert told.exit_code == 0
    assert "winux" in told.output


def test_every_file_that_it_links_to_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("https://")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_brake_is_explained() -> None:
    told = section("## When it holds back")
    assert [reason for reason in (*GUARDS, "ManifestsIncomplete") if f"`{reason}`" not in told] == []
    sentences = Brakes(unsynced="a", blind="b", clock="c", paused="d")
    assert {sentences.against_expiry(), sentences.against_creation()} == {("Paused", "d")}


def test_every_metric_that_it_names_exists() -> None:
    named = set(re.findall(r"\b(winux_[a-z_]+)", README))
    assert named
    assert named <= {family.name for family in FAMILIES}


def test_the_example_settings_load_and_name_every_key(tmp_path: Path) -> None:
    example = ROOT / "deploy" / "winux.yaml"
    copy = tmp_path / "winux.yaml"
    shutil.copy(example, copy)
    copy.chmod(0o600)
    settings = load(copy, {"WINUX_PROXMOX__TOKEN_SECRET": "only-for-this-test"})
    given = yaml.safe_load(example.read_text(encoding="utf-8"))
    assert settings.proxmox.pool == given["proxmox"]["pool"]
    text = example.read_text(encoding="utf-8")
    unnamed = {leaf.rpartition(".")[2] for leaf in LEAVES} - set(re.findall(r"\b([A-Za-z]+)\b", text))
    assert unnamed <= {"tokenSecret"}, unnamed

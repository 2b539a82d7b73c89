"""``winux demo --once`` for real: a node, a daemon and the story, as processes on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from controller.node.config import LXC_HOME
from controller.node.lxc.site import Site
from tests.e2e.desktop import alone, lacking


@pytest.mark.e2e
def test_the_story_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    """Also where the environment holds somebody else's settings."""
    environment = {
        **os.environ,
        "TMPDIR": str(tmp_path),
        "WINUX_PROXMOX__URL": "https://127.0.0.1:1",
        "proxmox_api_host": "127.0.0.1:1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli", "demo", "--once", "--engine", "memory"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.strip() for line in done.stdout.splitlines()]
    assert len([line for line in said if line.startswith("✓")]) == 12
    assert said[-1].startswith("All as it should be")
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith("winux-demo")] == []


@pytest.mark.e2e
def test_the_story_is_told_on_real_desktops_and_nothing_is_left(tmp_path: Path) -> None:
    if clauses := lacking():
        pytest.skip(clauses)
    stage = tmp_path / "stage"
    with alone():
        done = subprocess.run(
            [sys.executable, "-m", "controller.cli", "demo", "--once", "--engine", "lxc", "--dir", stage],
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.strip() for line in done.stdout.splitlines()]
    assert "✓ its desktops are real containers on this machine" in said
    assert len([line for line in said if line.startswith("✓")]) == 13
    assert said[-1].startswith("All as it should be")
    left = Site(home=LXC_HOME, node=stage / "node", state=None, archives={}).directory
    assert not left.exists()
    assert os.fspath(left) not in Path("/proc/mounts").read_text()
    assert os.fspath(left) not in subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout

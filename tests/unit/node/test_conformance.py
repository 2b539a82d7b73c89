"""The facts that were checked against a real Proxmox VE 9.2, checked against this node."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CHECKS = ROOT.parent / "shared" / "pve_conformance.py"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHECKS.exists(), reason=f"the checks of the real thing are not here: {CHECKS}"),
]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "controller.node", "--listen", "127.0.0.1:0", "--json", "--profile", "real"]
    process = subprocess.Popen(
        [*command, "--directory", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_it_answers_like_the_real_thing_in_every_check(node: dict[str, str], tmp_path: Path) -> None:
    options = [f"--{name}={node[name]}" for name in ("url", "ca", "node", "storage", "ostemplate", "bridge", "pool")]
    for name in ("token", "pool_token"):
        file = tmp_path / f"{name}.txt"
        file.write_text(node[name])
        options.append(f"--{name.replace('_', '-')}=@{file}")
    done = subprocess.run(
        [sys.executable, str(CHECKS), *options], capture_output=True, text=True, timeout=280, check=False
    )
    refused = [line for line in done.stdout.splitlines() if line.startswith(("FAIL", "skip"))]
    assert (done.returncode, refused) == (0, []), done.stdout + done.stderr

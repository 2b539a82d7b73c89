"""A session's whole life on every release of Proxmox VE that the node can be: from a file to Ready and to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.node.release import RELEASES
from tests.scenarios.world import World

SESSION = "{{apiVersion: winux.dev/v1, kind: Session, metadata: {{name: {}}}, spec: {{ttl: 30m}}}}"


@pytest.mark.parametrize("version", RELEASES)
def test_a_session_is_made_becomes_ready_and_ends(tmp_path: Path, version: str) -> None:
    world = World(tmp_path, version=version)
    for name in ("alice", "bob"):
        world.write(f"{name}.yaml", SESSION.format(name))
    world.until("alice is ready", lambda: world.phase("alice") == "Ready")
    vmid = world.vmid("alice")
    options = world.cluster.guests[vmid].options
    assert (options["unprivileged"], options["protection"]) == ("1", "1")
    world.remove("alice.yaml")
    world.until("her container is gone", lambda: vmid not in world.containers())
    ended = {task.exit_status for task in world.cluster.tasks.all.values()}
    assert ended == {"OK"}

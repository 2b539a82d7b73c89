"""How the controller itself is doing: counted from what it knows, without a call to Proxmox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from controller.admin.vital_models import NodeVitals
from controller.admin.vitals import Dials, read_vitals
from controller.core.model import Timestamp
from controller.engine.workqueue import QueueStats
from controller.proxmox.limits import CLUSTER
from controller.proxmox.recent import Summary
from tests.unit.admin.lab import Lab


@dataclass(frozen=True)
class Seen:
    """What an outlook found."""

    nodes: Mapping[str, bool] = field(default_factory=dict)
    token_expires: Timestamp | None = None
    certificate_expires: Timestamp | None = None


class Unasked:
    """Proxmox while nobody may call it."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(f"Proxmox was asked: {name}")


def test_a_quiet_site(lab: Lab) -> None:
    lab.ready("alice", "bob", more="template: small")
    lab.world.controller.tools.port = Unasked()  # type: ignore[assignment]
    vitals = lab.service.vitals()
    assert vitals.vmids.used == 2
    assert vitals.vmids.foreign == 0
    assert vitals.ready_counted == 2
    assert vitals.ready_median_seconds == pytest.approx(5, abs=5)
    assert vitals.observed_seconds is not None
    assert vitals.observed_seconds <= 2
    assert vitals.scanned_seconds is not None
    assert [(node.name, node.online, node.operations) for node in vitals.nodes] == [("pve1", None, 0)]
    assert (vitals.sinks, vitals.token_expires_at, vitals.url) == ((), None, None)


def test_before_anything_was_seen_ages_are_not_known(lab: Lab) -> None:
    vitals = lab.service.vitals()
    assert (vitals.observed_seconds, vitals.scanned_seconds, vitals.ready_median_seconds) == (None, None, None)


def test_a_vmid_rests_after_its_session_and_then_is_free(lab: Lab) -> None:
    lab.ready("alice", more="template: small")
    lab.service.delete("alice")
    lab.until("alice is gone", lambda: lab.gone("alice"))
    vmids = lab.service.vitals().vmids
    assert (vmids.used, vmids.resting, vmids.taken) == (0, 1, 1)
    lab.world.run(lab.world.controller.tools.policy.vmid_rest + 1)
    assert lab.service.vitals().vmids.taken == 0


def test_what_only_the_daemon_can_read_is_passed_on(lab: Lab) -> None:
    lab.ready("alice", more="template: small")
    now = lab.world.clock.now()
    dials = Dials(
        url="https://pve1:8006",
        queue=lambda: QueueStats(depth=3, delayed=4, processing=1, retries_total=5, longest_running_seconds=2.5),
        calls=lambda: Summary(seconds=60, calls=120, errors=2, median=0.01, slow=0.2, last_error="create: Locked"),
        in_flight=lambda: {CLUSTER: 1, "pve1": 2},
        waiting=lambda: {"pve1": 4},
        backlog=lambda: {"webhook": (7, 12.0), "file": (0, 0.0)},
        outlook=Seen(nodes={"pve1": True, "pve2": False}, token_expires=now + 3600),
    )
    tools, desired = lab.world.controller.tools, lab.world.controller.picture.desired
    vitals = read_vitals(tools, desired, dials)
    assert (vitals.queue.depth, vitals.queue.longest_seconds) == (3, 2.5)
    assert (vitals.calls.ended, vitals.calls.in_flight, vitals.calls.waiting) == (120, 3, 4)
    assert vitals.calls.last_error == "create: Locked"
    limit = tools.slots.limit("pve1")
    assert vitals.nodes == (
        NodeVitals(name="pve1", online=True, calls=2, operations=0, operations_limit=limit),
        NodeVitals(name="pve2", online=False, calls=0, operations=0, operations_limit=limit),
    )
    assert [(sink.name, sink.waiting) for sink in vitals.sinks] == [("file", 0), ("webhook", 7)]
    assert vitals.token_expires_at is not None
    assert vitals.token_expires_at.timestamp() == pytest.approx(now + 3600, abs=0.01)


def test_the_phases_of_the_status_are_those_of_the_sessions(lab: Lab) -> None:
    lab.ready("alice", more="template: small")
    lab.write("carol", more="template: small, paused: true")
    lab.world.run(1)
    assert lab.service.status().phases == {"Held": 1, "Ready": 1}

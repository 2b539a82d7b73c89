"""A VMID that is not there: what every call says to all rights, and to rights on a pool only."""

from __future__ import annotations

import pytest

from tests.unit.node.lab import Client, Lab

GONE = (500, "Configuration file 'nodes/pve1/lxc/777.conf' does not exist")
NOT_RUNNING = (500, "CT 777 not running")


def forbidden(privilege: str) -> tuple[int, str]:
    return 403, f"Permission check failed (/vms/777, {privilege})"


CONFIG = forbidden("|".join(f"VM.Config.{kind}" for kind in ("Disk", "CPU", "Memory", "Network", "Options")))
CALLS: list[Call] = [
    ("GET", "/status/current", {}, GONE, forbidden("VM.Audit")),
    ("GET", "/config", {}, GONE, forbidden("VM.Audit")),
    ("PUT", "/config", {"onboot": 1}, GONE, CONFIG),
    ("DELETE", "", {}, GONE, forbidden("VM.Allocate")),
    ("POST", "/clone", {"newid": 778, "pool": "winux"}, GONE, forbidden("VM.Clone")),
    ("POST", "/status/start", {}, (200, "OK"), forbidden("VM.PowerMgmt")),
    ("POST", "/status/stop", {}, NOT_RUNNING, forbidden("VM.PowerMgmt")),
    ("POST", "/status/shutdown", {}, NOT_RUNNING, forbidden("VM.PowerMgmt")),
    ("POST", "/status/reboot", {}, (500, "VM 777 not running"), forbidden("VM.PowerMgmt")),
    ("GET", "/interfaces", {}, (200, "OK"), forbidden("VM.Audit")),
]


Call = tuple[str, str, dict[str, object], tuple[int, str], tuple[int, str]]


def ask(client: Client, lab: Lab, call: Call) -> tuple[int, str]:
    method, tail, params, _, _ = call
    return client.call(method, lab.ct(777, tail), data=params or None).refusal


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]} {call[1]}")
def test_nothing_is_there(lab: Lab, call: Call) -> None:
    *_, full, limited = call
    assert ask(lab.root, lab, call) == full
    assert ask(lab.limited, lab, call) == limited


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]} {call[1]}")
@pytest.mark.parametrize("there", ["a virtual machine", "a container of another node"])
def test_what_is_something_else_is_not_there_either(three: Lab, there: str, call: Call) -> None:
    three.door.add(777, {}, kind="qemu" if there == "a virtual machine" else "lxc", node="pve2")
    assert ask(three.root, three, call) == call[3]


def test_the_right_to_audit_all_guests_makes_absence_provable(lab: Lab) -> None:
    lab.root.put("/access/acl", path="/vms", roles="PVEAuditor", users="winux@pve")
    assert lab.limited.get(lab.ct(777, "/config")).refusal == GONE
    lab.create()
    assert lab.limited.get(lab.ct(100, "/config")).status == 200
    assert lab.limited.post(lab.ct(100, "/status/start")).status == 403


def test_a_vmid_is_free_or_taken_for_everybody(slow: Lab) -> None:
    assert slow.limited.get("/cluster/nextid", vmid=100).data == "100"
    slow.begin()
    other = slow.root.post("/access/users/winux@pve/token/second", privsep=1).data
    for client in (slow.root, slow.limited, slow.client(f"{other['full-tokenid']}={other['value']}")):
        assert client.get("/cluster/nextid", vmid=100).refusal == (400, "Parameter verification failed.")

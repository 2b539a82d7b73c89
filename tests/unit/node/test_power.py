"""Start, stop, shutdown, reboot: what is said at once and what only in the task; the interfaces of a running guest."""

from __future__ import annotations

import dataclasses

import pytest

from controller.node.profile import PROFILES, Spread
from tests.unit.node.lab import Lab
from tests.unit.node.test_tickets import log_in, with_ticket

DHCP = "name=eth0,bridge=vmbr0,ip=dhcp"


@pytest.mark.parametrize(
    ("verb", "text"),
    [("stop", "CT 777 not running"), ("shutdown", "CT 777 not running"), ("reboot", "VM 777 not running")],
)
def test_what_does_not_run_or_exist_cannot_be_stopped(lab: Lab, verb: str, text: str) -> None:
    assert lab.root.post(lab.ct(777, f"/status/{verb}")).refusal == (500, text)


def test_a_start_of_nothing_is_accepted_and_its_task_fails(lab: Lab) -> None:
    text = "Configuration file 'nodes/pve1/lxc/777.conf' does not exist"
    assert lab.done(lab.root.post(lab.ct(777, "/status/start"))) == text


def test_a_running_container_cannot_be_started(lab: Lab) -> None:
    lab.create(start=1)
    assert lab.root.post(lab.ct(100, "/status/start")).refusal == (500, "CT 100 already running")


@pytest.mark.parametrize(
    ("verb", "kind"), [("stop", "vzstop"), ("shutdown", "vzshutdown"), ("start", "vzstart"), ("reboot", "vzreboot")]
)
def test_a_power_call_is_a_task_of_its_type(lab: Lab, verb: str, kind: str) -> None:
    lab.create()
    if verb != "start":
        lab.start(100)
    upid = lab.root.post(lab.ct(100, f"/status/{verb}")).data
    assert upid.split(":")[5:7] == [kind, "100"]
    assert lab.wait(upid) == "OK"
    assert lab.current(100)["status"] == ("running" if verb in ("start", "reboot") else "stopped")


def test_only_a_running_container_has_a_pid(lab: Lab) -> None:
    lab.create(start=1)
    assert lab.current(100)["pid"] > 0
    assert lab.done(lab.root.post(lab.ct(100, "/status/stop"))) == "OK"
    current = lab.current(100)
    assert "pid" not in current
    assert current["uptime"] == 0


@pytest.mark.parametrize("lock", ["create", "disk", "backup", "destroyed"])
def test_a_locked_container_lets_the_task_fail_not_the_call(lab: Lab, lock: str) -> None:
    lab.create()
    lab.door.lock(100, lock)
    assert lab.done(lab.root.post(lab.ct(100, "/status/start"))) == f"CT is locked ({lock})"


def test_the_lock_mounted_does_not_keep_it_from_starting(lab: Lab) -> None:
    lab.create()
    lab.door.lock(100, "mounted")
    lab.start(100)


def test_a_template_does_not_start(lab: Lab) -> None:
    assert lab.done(lab.root.post(lab.ct(9000, "/status/start"))) == "you can't start a CT if it's a template"


def test_skiplock_is_for_the_user_root_only(lab: Lab) -> None:
    answer = lab.root.post(lab.ct(lab.create(), "/status/start"), skiplock=1)
    assert answer.document["errors"] == {"skiplock": "Only root may use this option."}


def test_parallel_starts_are_all_accepted_and_wait_for_the_lock_of_the_config(slow: Lab) -> None:
    slow.create()
    upids = [slow.root.post(slow.ct(100, "/status/start")).data for _ in range(2)]
    assert [slow.wait(upid) for upid in upids] == ["OK", "OK"]


def stubborn(seconds: float) -> Lab:
    """A node whose containers take so long to shut down."""
    profile = dataclasses.replace(PROFILES["instant"], tasks={"vzshutdown": Spread(seconds, seconds)})
    lab = Lab(profile=profile)
    lab.create(start=1)
    return lab


@pytest.mark.parametrize(
    ("params", "exit_status", "status"),
    [
        ({"timeout": 20}, "container did not stop", "running"),
        ({"timeout": 20, "forceStop": 1}, "OK", "stopped"),
        ({"timeout": 50}, "OK", "stopped"),
    ],
)
def test_a_shutdown_waits_for_its_timeout(params: dict[str, object], exit_status: str, status: str) -> None:
    lab = stubborn(40)
    assert lab.done(lab.root.post(lab.ct(100, "/status/shutdown"), **params)) == exit_status
    assert lab.current(100)["status"] == status


def test_a_shutdown_holds_the_config_so_that_others_give_up_after_ten_seconds() -> None:
    lab = stubborn(40)
    timeout = "can't lock file '/run/lock/lxc/pve-config-100.lock' - got timeout"
    lab.root.post(lab.ct(100, "/status/shutdown"))
    began = lab.clock.monotonic()
    assert lab.root.put(lab.ct(100, "/config"), onboot=1).refusal == (500, timeout)
    assert lab.clock.monotonic() - began == 10
    assert lab.done(lab.root.post(lab.ct(100, "/status/stop"))) == timeout
    overruled = lab.root.post(lab.ct(100, "/status/stop"), **{"overrule-shutdown": 1})
    assert lab.done(overruled) == "OK"


@pytest.mark.parametrize("vmid", [100, 777])
def test_what_does_not_run_has_no_interfaces(lab: Lab, vmid: int) -> None:
    lab.create()
    assert lab.root.get(lab.ct(vmid, "/interfaces")).document == {"data": None}


def test_the_address_comes_a_while_after_the_start_and_the_desktop_later_still() -> None:
    lab = Lab(profile=dataclasses.replace(PROFILES["instant"], dhcp=1.0, rdp=3.0))
    lab.create(net0=DHCP, start=1)
    path = lab.ct(100, "/interfaces")
    lo, eth0 = lab.root.get(path).data
    assert lo["inet"] == "127.0.0.1/8"
    assert "inet" not in eth0
    lab.clock.advance(1)
    eth0 = lab.root.get(path).data[1]
    mac = lab.config(100)["net0"].split("hwaddr=")[1][:17].lower()
    assert (eth0["hwaddr"], eth0["hardware-address"], eth0["inet"]) == (mac, mac, "127.100.0.1/16")
    assert eth0["ip-addresses"][0] == {"ip-address": "127.100.0.1", "ip-address-type": "inet", "prefix": "16"}
    assert not lab.node.guest_answers("127.100.0.1", 3389)
    lab.clock.advance(2)
    assert lab.node.guest_answers("127.100.0.1", 3389)
    assert not lab.node.guest_answers("127.100.0.1", 22)
    assert lab.done(lab.root.post(lab.ct(100, "/status/stop"))) == "OK"
    assert not lab.node.guest_answers("127.100.0.1", 3389)


def test_a_static_address_is_the_guests(lab: Lab) -> None:
    lab.create(net0="name=eth0,bridge=vmbr0,ip=10.99.0.50/24,gw=10.99.0.1", start=1)
    assert lab.root.get(lab.ct(100, "/interfaces")).data[1]["inet"] == "10.99.0.50/24"
    assert lab.node.guest_answers("10.99.0.50", 3389)


def test_no_two_containers_get_one_address(lab: Lab) -> None:
    for vmid in range(100, 110):
        lab.create(vmid, net0=DHCP, start=1)
    inets = [lab.root.get(lab.ct(vmid, "/interfaces")).data[1]["inet"] for vmid in range(100, 110)]
    assert len(set(inets)) == 10


@pytest.mark.parametrize(
    ("lock", "skiplock", "exit_status"),
    [("backup", 0, "CT is locked (backup)"), ("backup", 1, "OK"), ("mounted", 0, "OK")],
)
def test_root_passes_by_locks_and_anybody_by_mounted(lab: Lab, lock: str, skiplock: int, exit_status: str) -> None:
    client = with_ticket(lab, log_in(lab))
    for verb in ("start", "stop"):
        vmid = lab.create(100 if verb == "start" else 101, start=int(verb == "stop"))
        lab.door.lock(vmid, lock)
        answer = client.post(lab.ct(vmid, f"/status/{verb}"), skiplock=skiplock)
        assert lab.done(answer) == exit_status


def addresses(lab: Lab, vmid: int) -> list[dict[str, str]]:
    return list(lab.root.get(lab.ct(vmid, "/interfaces")).data[1]["ip-addresses"])


def test_a_host_managed_lease_is_there_when_the_start_has_ended() -> None:
    lab = Lab(profile="real")
    for vmid, more in ((100, ""), (101, ",host-managed=1")):
        lab.create(vmid, net0=f"name=eth0,bridge=vmbr0,ip=dhcp{more}")
        lab.start(vmid)
        families = [one["ip-address-type"] for one in addresses(lab, vmid)]
        assert families == (["inet", "inet6"] if more else ["inet6"])


def test_only_ones_own_shutdown_is_overruled() -> None:
    lab = stubborn(60)
    lab.door.join_pool(100, "winux")
    hanging = lab.root.post(lab.ct(100, "/status/shutdown"), timeout=60).data
    stopping = lab.limited.post(lab.ct(100, "/status/stop"), **{"overrule-shutdown": 1}).data
    timeout = "can't lock file '/run/lock/lxc/pve-config-100.lock' - got timeout"
    assert lab.wait(stopping) == timeout
    assert lab.status(hanging).data["status"] == "running"
    assert lab.done(lab.root.post(lab.ct(100, "/status/stop"), **{"overrule-shutdown": 1})) == "OK"

"""What a client sees differently on Proxmox VE 8.4 and 9.2: one table of facts, and a container's life on both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from controller.node.release import RELEASES
from tests.unit.node.lab import NOT_IN_SCHEMA, Client, Lab

STOCK = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
NET = "name=eth0,bridge=vmbr0,host-managed=1"
PRESSURE = "pressurecpusome"


def release(lab: Lab) -> Any:
    return lab.root.get("/version").data["release"]


def kind_left_out(lab: Lab) -> Any:
    return lab.config(lab.create()).get("unprivileged")


def privileged_without_modify(lab: Lab) -> Any:
    answer = lab.limited.post("/nodes/pve1/lxc", **lab.spec(pool="winux", unprivileged=0))
    return 200 if answer.status == 200 else answer.refusal


def nesting_left_out(lab: Lab) -> Any:
    return lab.wait(lab.begin(ostemplate=STOCK, unprivileged=1))


def nesting_without_kind(lab: Lab) -> Any:
    return lab.root.post("/nodes/pve1/lxc", **lab.spec(features="nesting=1")).status


def error_of(name: str, value: str) -> Callable[[Lab], Any]:
    def ask(lab: Lab) -> Any:
        answer = lab.root.post("/nodes/pve1/lxc", **lab.spec(**{name: value}))
        return answer.document["errors"][name] if answer.status == 400 else answer.status

    return ask


def deleted_entrypoint(lab: Lab) -> Any:
    answer = lab.root.put(lab.ct(lab.create(), "/config"), delete="entrypoint")
    return answer.document["errors"]["delete"] if answer.status == 400 else answer.status


def running_row(lab: Lab) -> Any:
    lab.create(start=1)
    return PRESSURE in lab.current(100)


def broadcast_row(lab: Lab) -> Any:
    lab.create()
    lab.refresh()
    return "memhost" in (lab.row(100) or {})


def running_clone(lab: Lab) -> Any:
    lab.create(start=1)
    return lab.root.post(lab.ct(100, "/clone"), newid=101, full=1).reason


def administrators_privileges(*names: str) -> Callable[[Lab], Any]:
    return lambda lab: sorted({*names} & {*lab.root.get("/access/roles/PVEVMAdmin").data})


def new_role(privilege: str) -> Callable[[Lab], Any]:
    return lambda lab: lab.root.post("/access/roles", roleid="watcher", privs=privilege).status


def refused_with(credentials: str) -> Callable[[Lab], Any]:
    def ask(lab: Lab) -> Any:
        if credentials == "expired token":
            lab.node.cluster.access.tokens["winux@pve!controller"].expires = int(lab.clock.now()) - 1
            return lab.limited.get("/version").refusal
        if credentials == "disabled user":
            lab.door.disable_user("winux@pve", disabled=True)
            return lab.limited.get("/version").refusal
        if credentials.startswith("PVE:"):
            return Client(lab.node, {"Cookie": f"PVEAuthCookie={credentials}"}).get("/version").refusal
        return lab.client(credentials).get("/version").refusal

    return ask


ONE_TEXT = (401, "Authentication failed!")

FACTS: list[tuple[str, Callable[[Lab], Any], Any, Any]] = [
    ("the release in /version", release, "8.4", "9.2"),
    ("a container is unprivileged if nothing is said", kind_left_out, None, 1),
    ("a privileged one needs Sys.Modify", privileged_without_modify, 200,
     (403, "Permission check failed (/, Sys.Modify)")),
    ("features need an unprivileged one, said or by default", nesting_without_kind, 403, 200),
    ("systemd without nesting is warned of", nesting_left_out, "OK", "WARNINGS: 1"),
    ("ha-managed is a parameter", error_of("ha-managed", "0"), NOT_IN_SCHEMA, 200),
    ("env is a parameter", error_of("env", "A=b"), NOT_IN_SCHEMA, 200),
    ("entrypoint is a parameter", error_of("entrypoint", "/sbin/init"), NOT_IN_SCHEMA, 200),
    ("entrypoint is an option that can be deleted", deleted_entrypoint, "unknown option 'entrypoint'", 200),
    ("host-managed is a part of a network", error_of("net0", NET),
     f"invalid format - format error\nnet0.host-managed: {NOT_IN_SCHEMA}\n", 200),
    ("idmap is a part of a disk", error_of("rootfs", "local:1,idmap=passthrough"),
     f"invalid format - format error\nrootfs.idmap: {NOT_IN_SCHEMA}\n", 200),
    ("a running row has its pressure", running_row, False, True),
    ("a broadcast row has memhost", broadcast_row, False, True),
    ("a running container is not cloned in full", running_clone,
     "Cannot do full clones on a running container without snapshots",
     "Full clone of a running container is only possible from a snapshot"),
    ("VM.Monitor became VM.GuestAgent.*", administrators_privileges("VM.Monitor", "VM.GuestAgent.Audit"),
     ["VM.Monitor"], ["VM.GuestAgent.Audit"]),
    ("a role may name VM.Monitor", new_role("VM.Monitor"), 200, 400),
    ("a role may name VM.GuestAgent.Audit", new_role("VM.GuestAgent.Audit"), 400, 200),
    ("a wrong secret", refused_with("root@pam!winux=wrong"), (401, "invalid token value!"), ONE_TEXT),
    ("an unknown token", refused_with("root@pam!ghost=x"),
     (401, "no such token 'ghost' for user 'root@pam'"), ONE_TEXT),
    ("an unknown user", refused_with("ghost@pve!x=x"), (401, "no such user ('ghost@pve')"), ONE_TEXT),
    ("no token at all", refused_with("garbage"), (401, "no tokenid specified"), ONE_TEXT),
    ("an expired token", refused_with("expired token"), (401, "token 'controller' access expired"), ONE_TEXT),
    ("a disabled user", refused_with("disabled user"), (401, "user 'winux@pve' is disabled"), ONE_TEXT),
    ("a forged ticket", refused_with("PVE:root@pam:6B02F28D::forged"),
     (401, "permission denied - invalid PVE ticket"), ONE_TEXT),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "old", "new"), [pytest.param(*rest, id=name) for name, *rest in FACTS])
def test_a_fact_on_8_4_and_on_9_2(ask: Callable[[Lab], Any], old: Any, new: Any) -> None:
    assert (ask(Lab(version="8.4")), ask(Lab(version="9.2"))) == (old, new)


@pytest.mark.parametrize("version", RELEASES)
def test_what_is_alike(version: str) -> None:
    lab = Lab(version=version)
    refused = lab.root.get(lab.ct(777, "/config"))
    assert refused.document["message"] == "Configuration file 'nodes/pve1/lxc/777.conf' does not exist\n"
    lab.create(net0="name=eth0,bridge=vmbr0,ip=dhcp", unprivileged=1, start=1)
    assert {"hwaddr", "hardware-address", "ip-addresses"} <= set(lab.root.get(lab.ct(100, "/interfaces")).data[1])
    assert lab.root.get("/version").data["version"].startswith(version)


@pytest.mark.parametrize("version", RELEASES)
def test_a_controllers_rights_are_enough_for_a_life(version: str) -> None:
    lab = Lab(version=version)
    lab.create(
        client=lab.limited, pool="winux", hostname="desk", protection=1, unprivileged=1, features="nesting=1", start=1,
        net0="name=eth0,bridge=vmbr0,ip=dhcp",
    )  # fmt: skip
    digest = lab.limited.get(lab.ct(100, "/config")).data["digest"]
    assert lab.limited.put(lab.ct(100, "/config"), protection=0, digest=digest).status == 200
    assert lab.done(lab.limited.delete(lab.ct(100), force=1, purge=1)) == "OK"

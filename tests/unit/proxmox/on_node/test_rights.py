"""The rights of tokens: what is told of them, and that the lines that grant them are right."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from controller.node.access import AclKey, Token, User
from controller.node.sidedoor import SideDoor
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.preflight import Verdict, run_checks
from controller.proxmox.rights import can_observe, check_rights, grants, paths_to_observe

NODE = "pve1"
UUID = "6e1f0c5a-0000-4000-8000-000000000001"

Lab = Any
"""The lab of conftest.py, which tests cannot import."""


def test_all_rights_and_the_rights_of_the_pool_pass_the_check(lab: Lab, port: ProxmoxAdapter) -> None:
    token_id = port._endpoint.token_id
    report = run_checks(port, lab.needs, token_id=token_id, nodes=[NODE])
    assert [check for check in report.checks if check.verdict is not Verdict.OK] == []
    assert {right.held for right in report.rights if not right.optional} == {True}


def test_a_token_stripped_of_its_rights_sees_an_empty_list_and_knows_it(lab: Lab, limited: ProxmoxAdapter) -> None:
    pool = lab.about.pool
    assert can_observe(limited.permissions(), pool)
    assert can_observe(limited.permissions(paths_to_observe(pool)), pool)
    before = lab.server.behind(lambda door: door.cluster.access.roles["WinuxController"])
    lab.door(lambda door: door.set_role("WinuxController", before - {"VM.Audit"}))
    try:
        assert not can_observe(limited.permissions(), pool)
        assert not can_observe(limited.permissions(paths_to_observe(pool)), pool)
        assert pool not in {row.pool for row in limited.resources()}
        report = run_checks(limited, lab.needs, token_id="winux@pve!controller", nodes=[NODE])
        failed = [check.name for check in report.checks if check.verdict is Verdict.FAIL]
        assert failed == [f"right VM.Audit on /pool/{pool}"]
    finally:
        lab.door(lambda door: door.set_role("WinuxController", before))
    assert can_observe(limited.permissions(), pool)


def test_a_right_that_is_not_inherited_counts_on_its_own_path_only(lab: Lab) -> None:
    user = AclKey("user", "flat@pve")

    def grant(door: SideDoor) -> None:
        access = door.cluster.access
        access.users["flat@pve"] = User()
        access.tokens["flat@pve!ctl"] = Token(UUID, privsep=False)
        access.roles["Look"] = frozenset({"VM.Audit", "Pool.Audit"})
        access.grant("/pool", user, ["Look"], propagate=False)
        access.grant("/pool/flat", user, ["Look"], propagate=False)

    lab.door(grant)
    port = lab.port(f"flat@pve!ctl={UUID}")
    exact = port.permissions(("/pool/flat", f"/pool/{lab.about.pool}"))
    assert exact == {"/pool/flat": {"VM.Audit", "Pool.Audit"}, f"/pool/{lab.about.pool}": frozenset()}
    assert not can_observe(port.permissions(), lab.about.pool)
    assert can_observe(port.permissions(paths_to_observe("flat")), "flat")


def pveum(door: SideDoor, line: str) -> None:
    """What the shell and pveum make of a line of ours."""
    access = door.cluster.access
    words = shlex.split(line.partition(" 2>/dev/null || ")[0])
    assert words[0] == "pveum"
    options = dict(zip(words[4::2], words[5::2], strict=True))
    if words[1:3] == ["role", "add"]:
        again = shlex.split(line.partition(" 2>/dev/null || ")[2])
        assert again == ["pveum", "role", "modify", words[3], "--append", "1", "--privs", options["--privs"]]
        access.roles[words[3]] = access.roles.get(words[3], frozenset()) | set(options["--privs"].split())
    else:
        assert words[1:3] == ["acl", "modify"]
        kind = "user" if "--users" in options else "token"
        access.grant(words[3], AclKey(kind, options[f"--{kind}s"]), [options["--roles"]])
    access.changed()


@pytest.mark.parametrize("privsep", [True, False])
@pytest.mark.parametrize("shortest", [True, False], ids=["as one script", "right by right"])
def test_the_pveum_lines_turn_a_bare_token_into_one_that_works(lab: Lab, privsep: bool, shortest: bool) -> None:
    user = f"new{privsep:d}{shortest:d}@pve"
    token_id = f"{user}!ctl"

    def make(door: SideDoor) -> None:
        door.cluster.access.users[user] = User()
        door.cluster.access.tokens[token_id] = Token(UUID, privsep=privsep)

    lab.door(make)
    port = lab.port(f"{token_id}={UUID}")
    before = run_checks(port, lab.needs, token_id=token_id, nodes=[NODE], privsep=privsep)
    assert not any(right.held for right in before.rights)
    assert not before.ok
    # the second time the template is seen, and with it the storage that clones are made on
    for _ in range(2):
        report = run_checks(port, lab.needs, token_id=token_id, nodes=[NODE], privsep=privsep)
        lacking = [right for right in report.rights if not right.held and right.path != "/vms"]
        if shortest:
            lines = grants(lacking, token_id=token_id, privsep=privsep)
        else:
            lines = tuple(line for right in lacking for line in right.pveum.splitlines())
        for line in lines:
            lab.door(lambda door, line=line: pveum(door, line))
    assert [right.path for right in lacking] == ["/storage/local-zfs"]

    after = run_checks(port, lab.needs, token_id=token_id, nodes=[NODE], privsep=privsep)
    # To tell when it ends the token's user has to be in a group, which is no right of its own.
    assert [check.name for check in after.checks if check.verdict is not Verdict.OK] == ["end of the token"]
    vmid, cloned = lab.vmid(), lab.vmid()
    lab.done(port, port.create(NODE, lab.request(vmid)))
    lab.done(port, port.clone(NODE, lab.about.templates[0], lab.clone_request(cloned)))
    lab.done(port, port.start(NODE, vmid))
    port.update(NODE, vmid, {"protection": 0, "cores": 2, "memory": 600}, digest=port.config(NODE, vmid).digest)
    lab.done(port, port.delete(NODE, vmid))
    assert [row.vmid for row in port.resources() if row.vmid == cloned] == [cloned]


def test_each_right_that_is_called_necessary_is(lab: Lab) -> None:
    exact = lab.port(lab.about.pool_token).permissions(
        tuple(right.path for right in check_rights({}, lab.needs, token_id="winux@pve!controller"))
    )
    rights = check_rights(exact, lab.needs, token_id="winux@pve!controller")
    assert {(right.path, right.privilege) for right in rights if not right.held} == {("/vms", "VM.Audit")}

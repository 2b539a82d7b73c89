"""Rights: lists that are inherited, pools that lend theirs to members, tokens that have less than their user."""

from __future__ import annotations

import pytest

from controller.node.access import Access, AclKey, Identity, Pool, Token, User, lineage
from controller.node.errors import Refusal
from tests.unit.node.lab import Lab

OP = Identity("op@pve")
USER = AclKey("user", "op@pve")


@pytest.fixture
def access() -> Access:
    access = Access()
    access.users["op@pve"] = User()
    access.pools["desks"] = Pool()
    return access


@pytest.mark.parametrize(
    ("granted", "propagate", "asked", "has"),
    [
        ("/", True, "/vms/100", True),
        ("/", False, "/vms/100", False),
        ("/vms", True, "/vms/100", True),
        ("/vms/100", False, "/vms/100", True),
        ("/vms/101", True, "/vms/100", False),
        ("/pool/desks", True, "/vms/100", True),
        ("/pool/desks", False, "/vms/100", True),
        ("/pool/desks", True, "/vms/101", False),
        ("/storage", True, "/vms/100", False),
    ],
)
def test_where_a_right_counts(access: Access, granted: str, propagate: bool, asked: str, has: bool) -> None:
    access.join_pool(100, "desks")
    access.grant(granted, USER, ["PVEVMUser"], propagate=propagate)
    assert access.has(OP, asked, "VM.Audit") is has
    assert access.viewer(OP, "VM.Audit")(int(asked.removeprefix("/vms/"))) is has


def test_a_list_further_down_replaces_what_was_inherited(access: Access) -> None:
    access.grant("/", USER, ["PVEAdmin"])
    access.grant("/vms/100", USER, ["PVETemplateUser"])
    assert access.has(OP, "/vms/101", "VM.Allocate")
    assert access.has(OP, "/vms/100", "VM.Clone")
    assert not access.has(OP, "/vms/100", "VM.Allocate")


def test_no_access_is_stronger_than_a_pool(access: Access) -> None:
    access.join_pool(100, "desks")
    access.grant("/pool/desks", USER, ["PVEVMAdmin"])
    access.grant("/vms/100", USER, ["NoAccess"])
    assert not access.has(OP, "/vms/100", "VM.Audit")
    assert not access.viewer(OP, "VM.Audit")(100)


def test_rights_from_a_pool_end_with_the_membership(access: Access) -> None:
    access.join_pool(100, "desks")
    access.grant("/pool/desks", USER, ["PVEVMAdmin"])
    assert access.has(OP, "/vms/100", "VM.Audit")
    access.leave_pool(100)
    assert not access.has(OP, "/vms/100", "VM.Audit")


@pytest.mark.parametrize(
    ("privsep", "own", "has"),
    [(False, [], True), (True, [], False), (True, ["PVEVMUser"], True), (True, ["PVEDatastoreUser"], False)],
)
def test_a_separated_token_has_what_both_it_and_its_user_have(
    access: Access, privsep: bool, own: list[str], has: bool
) -> None:
    access.tokens["op@pve!t1"] = Token("secret", privsep=privsep)
    access.grant("/vms", USER, ["PVEVMUser"])
    if own:
        access.grant("/", AclKey("token", "op@pve!t1"), own)
    token = Identity("op@pve", "t1")
    assert access.has(token, "/vms/100", "VM.Audit") is has
    assert access.viewer(token, "VM.Audit")(100) is has
    assert not access.has(token, "/vms/100", "Datastore.Audit")


def test_a_refusal_names_the_path_and_what_is_missing(access: Access) -> None:
    with pytest.raises(Refusal, match=r"Permission check failed \(/vms/100, VM.Audit\)"):
        access.need(OP, "/vms/100", "VM.Audit")
    with pytest.raises(Refusal, match=r"\(/vms/100, VM.Audit\|VM.Clone\)"):
        access.need(OP, "/vms/100", "VM.Audit", "VM.Clone", anyone=True)


@pytest.mark.parametrize(("path", "above"), [("/", ["/"]), ("/vms/100", ["/", "/vms", "/vms/100"])])
def test_a_path_and_all_above_it(path: str, above: list[str]) -> None:
    assert lineage(path) == above


# through the API


def test_permissions_tell_a_token_its_own_rights(lab: Lab) -> None:
    lab.create(client=lab.limited, pool="winux")
    held = lab.limited.get("/access/permissions").data
    assert held["/storage/local"] == {"Datastore.AllocateSpace": 1}
    assert held["/sdn/zones/localnetwork/vmbr0"] == {"SDN.Use": 1}
    assert set(held["/vms/100"]) == set(held["/pool/winux"])
    assert "/" not in held
    assert lab.limited.get("/access/permissions", path="/pool/winux").data == {"/pool/winux": held["/pool/winux"]}


def test_an_access_list_is_changed_through_the_api(lab: Lab) -> None:
    lab.create()
    assert lab.limited.get(lab.ct(100, "/config")).status == 403
    grant = {"path": "/vms", "roles": "PVEAuditor", "users": "winux@pve"}
    assert lab.root.put("/access/acl", **grant).document == {"data": None}
    assert lab.limited.get(lab.ct(100, "/config")).status == 200
    gone = "Configuration file 'nodes/pve1/lxc/777.conf' does not exist"
    assert lab.limited.get(lab.ct(777, "/config")).refusal == (500, gone)
    lab.root.put("/access/acl", **grant, delete=1)
    assert lab.limited.get(lab.ct(100, "/config")).status == 403


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        (
            {"path": "/vms", "roles": "Nobody", "users": "winux@pve"},
            (500, "ACL update failed: role 'Nobody' does not exist"),
        ),
        (
            {"path": "/vms", "roles": "PVEAdmin", "users": "ghost@pve"},
            (500, "ACL update failed: user 'ghost@pve' does not exist"),
        ),
    ],
)
def test_an_access_list_needs_a_role_and_somebody(
    lab: Lab, params: dict[str, object], refusal: tuple[int, str]
) -> None:
    assert lab.root.put("/access/acl", **params).refusal == refusal


def test_a_pool_token_may_not_change_rights(lab: Lab) -> None:
    answer = lab.limited.put("/access/acl", path="/pool/winux", roles="PVEAdmin", users="winux@pve")
    assert answer.refusal == (403, "Permission check failed (/pool/winux, Permissions.Modify)")


def test_a_role_that_loses_a_right_takes_it_from_everybody(lab: Lab) -> None:
    lab.create(client=lab.limited, pool="winux")
    roles = lab.node.cluster.access.roles
    lab.door.set_role("WinuxController", roles["WinuxController"] - {"VM.Audit"})
    rows = lab.limited.get("/cluster/resources", type="vm")
    assert (rows.status, [row["vmid"] for row in rows.data]) == (200, [9000])


def test_a_token_is_made_shown_once_and_removed(lab: Lab) -> None:
    path = "/access/users/winux@pve/token/second"
    made = lab.root.post(path, privsep=0, comment="another").data
    assert made["full-tokenid"] == "winux@pve!second"
    second = lab.client(f"{made['full-tokenid']}={made['value']}")
    assert second.get("/version").status == 200
    assert "value" not in lab.root.get(path).data
    assert lab.root.delete(path).status == 200
    assert second.get("/version").refusal == (401, "Authentication failed!")


def test_another_token_of_the_same_user_does_not_see_the_first_ones_tasks(lab: Lab) -> None:
    made = lab.root.post("/access/users/winux@pve/token/second", privsep=0).data
    second = lab.client(f"{made['full-tokenid']}={made['value']}")
    upid = lab.begin(client=lab.limited, pool="winux")
    assert lab.status(upid, client=lab.limited).status == 200
    assert lab.status(upid, client=second).refusal == (403, "Permission check failed (/nodes/pve1, Sys.Audit)")
    assert second.get("/nodes/pve1/tasks", source="all").data == []


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/", True), ("/vms/100", True), ("/vms/99", False), ("/pool/a/b/c", True), ("/pool/a/b/c/d", False),
        ("/sdn/zones/localnetwork/vmbr0/7", True), ("/storage/local", True), ("/elsewhere", False),
    ],
)  # fmt: skip
def test_what_an_access_list_may_be_about(lab: Lab, path: str, known: bool) -> None:
    answer = lab.root.put("/access/acl", path=path, roles="PVEAuditor", users="winux@pve")
    assert answer.document.get("errors") == (None if known else {"path": f"invalid ACL path '{path}'"})


def test_an_access_list_needs_a_user_a_group_or_a_token(lab: Lab) -> None:
    errors = lab.root.put("/access/acl", path="/vms", roles="PVEAuditor").document["errors"]
    assert set(errors) == {"users", "groups", "tokens"}


def test_a_name_with_a_blank_is_no_path_for_a_right(lab: Lab) -> None:
    assert lab.root.post("/pools", poolid="a b").refusal == (403, "Permission check failed (, Pool.Allocate)")


@pytest.mark.parametrize(("name", "status"), [("x", 400), ("xy", 200)])
def test_the_name_of_a_token_has_two_characters(lab: Lab, name: str, status: int) -> None:
    assert lab.root.post(f"/access/users/winux@pve/token/{name}").status == status


def test_roles_follow_from_groups_of_privileges(lab: Lab) -> None:
    roles = {row["roleid"]: set(row["privs"].split(",")) for row in lab.root.get("/access/roles").data}
    assert roles["PVEVMUser"] < roles["PVEVMAdmin"] < roles["PVEAdmin"] < roles["Administrator"]
    assert roles["Administrator"] - roles["PVEAdmin"] == {
        *("Mapping.Modify", "Permissions.Modify", "Realm.Allocate"),
        *("Sys.AccessNetwork", "Sys.Incoming", "Sys.Modify", "Sys.PowerMgmt"),
    }
    assert all(privilege.endswith(".Audit") for privilege in roles["PVEAuditor"])


@pytest.mark.parametrize("path", ["/vms/100", "/pool/winux", "/storage/local", "/sdn/zones/localnetwork/vmbr0"])
def test_a_separated_token_has_to_be_given_rights_of_its_own(lab: Lab, path: str) -> None:
    made = lab.root.post("/access/users/winux@pve/token/own").data
    own = lab.client(f"{made['full-tokenid']}={made['value']}")
    lab.root.put("/access/acl", path="/", roles="Administrator", tokens="winux@pve!own")
    user = lab.limited.get("/access/permissions", path=path).data
    assert own.get("/access/permissions", path=path).data == user
    lab.root.put("/access/acl", path="/", roles="Administrator", tokens="winux@pve!own", delete=1)
    assert own.get("/access/permissions", path=path).data == {}

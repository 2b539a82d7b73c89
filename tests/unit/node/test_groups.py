"""Groups and the rights that they get from access lists; changes of tokens."""

from __future__ import annotations

import pytest

from tests.unit.node.lab import Client, Lab

TOKEN = "/access/users/winux@pve/token/controller"


@pytest.fixture
def member(lab: Lab) -> Client:
    """A token without privilege separation of a user who is in the group ``staff``, and has no rights of his own."""
    assert lab.root.post("/access/groups", groupid="staff", comment="c").status == 200
    assert lab.root.post("/access/users", userid="ann@pve", groups="staff").status == 200
    made = lab.root.post("/access/users/ann@pve/token/ci", privsep=0).data
    return lab.client(f"{made['full-tokenid']}={made['value']}")


def test_a_group_and_its_members(lab: Lab, member: Client) -> None:
    staff = {"groupid": "staff", "users": "ann@pve", "comment": "c"}
    assert [row for row in lab.root.get("/access/groups").data if row["groupid"] != "winux"] == [staff]
    assert lab.root.get("/access/groups/staff").data == {"members": ["ann@pve"], "comment": "c"}
    assert lab.root.put("/access/groups/staff", comment="d").status == 200
    assert lab.root.get("/access/groups/staff").data["comment"] == "d"
    assert member.get("/access/groups").data == []
    wanted = (403, "Permission check failed (/access/groups, Sys.Audit|Group.Allocate)")
    assert member.get("/access/groups/staff").refusal == wanted
    wanted = (403, "Permission check failed (/access/groups, Group.Allocate)")
    assert member.post("/access/groups", groupid="mine").refusal == wanted


@pytest.mark.usefixtures("member")
def test_groups_that_are_refused(lab: Lab) -> None:
    again = lab.root.post("/access/groups", groupid="staff")
    assert again.refusal == (500, "create group failed: group 'staff' already exists")
    assert lab.root.get("/access/groups/none").refusal == (500, "group 'none' does not exist")
    missing = lab.root.post("/access/users", userid="bob@pve", groups="none")
    assert missing.refusal == (500, "create user failed: no such group 'none'")
    assert all(row["userid"] != "bob@pve" for row in lab.root.get("/access/users").data)


def test_an_access_list_gives_rights_to_a_group(lab: Lab, member: Client) -> None:
    lab.create()
    assert member.get(lab.ct(100, "/config")).status == 403
    assert lab.root.put("/access/acl", path="/vms", roles="PVEAuditor", groups="staff").status == 200
    row = {"path": "/vms", "type": "group", "ugid": "staff", "roleid": "PVEAuditor", "propagate": 1}
    assert row in lab.root.get("/access/acl").data
    assert member.get(lab.ct(100, "/config")).status == 200
    assert lab.root.put("/access/acl", path="/vms", roles="PVEAuditor", groups="staff", delete=1).status == 200
    assert member.get(lab.ct(100, "/config")).status == 403


def test_an_access_list_refuses_a_group_that_is_not_there(lab: Lab) -> None:
    answer = lab.root.put("/access/acl", path="/vms", roles="PVEAuditor", groups="none")
    assert answer.status == 500
    assert answer.reason.endswith("group 'none' does not exist")


def test_on_one_path_the_users_own_rights_replace_those_of_the_group(lab: Lab, member: Client) -> None:
    lab.create()
    lab.root.put("/access/acl", path="/vms", roles="PVEAuditor", groups="staff")
    lab.root.put("/access/acl", path="/vms", roles="NoAccess", users="ann@pve")
    assert member.get(lab.ct(100, "/config")).status == 403
    lab.root.put("/access/acl", path="/vms/100", roles="PVEAuditor", groups="staff")
    assert member.get(lab.ct(100, "/config")).status == 200


def test_a_group_that_goes_takes_its_access_lists_with_it(lab: Lab, member: Client) -> None:
    lab.create()
    lab.root.put("/access/acl", path="/vms", roles="PVEAuditor", groups="staff")
    assert lab.root.delete("/access/groups/staff").status == 200
    assert member.get(lab.ct(100, "/config")).status == 403
    assert all(row["ugid"] != "staff" for row in lab.root.get("/access/acl").data)
    assert lab.root.post("/access/groups", groupid="staff").status == 200
    assert lab.root.get("/access/groups/staff").data == {"members": []}


# tokens


def test_a_token_is_changed_in_place(lab: Lab) -> None:
    answer = lab.root.put(TOKEN, comment="new", expire=4_000_000_000, privsep=0)
    assert answer.data == {"comment": "new", "expire": 4_000_000_000, "privsep": 0}
    assert lab.root.get(TOKEN).data == answer.data
    assert "comment" not in lab.root.put(TOKEN, delete="comment").data
    assert lab.limited.get("/version").status == 200


def test_privilege_separation_takes_the_users_rights_from_a_token(lab: Lab) -> None:
    assert lab.limited.get(lab.ct(9000, "/config")).status == 200
    assert lab.root.put(TOKEN, privsep=1).status == 200
    assert lab.limited.get(lab.ct(9000, "/config")).status == 403


def test_an_expired_token_is_nobodys(lab: Lab) -> None:
    assert lab.root.put(TOKEN, expire=1).status == 200
    assert lab.limited.get("/version").refusal == (401, "Authentication failed!")


def test_a_regenerated_secret_replaces_the_old_one(lab: Lab) -> None:
    answer = lab.root.put(TOKEN, regenerate=1).data
    assert answer["full-tokenid"] == "winux@pve!controller"
    assert lab.limited.get("/version").status == 401
    assert lab.client(f"{answer['full-tokenid']}={answer['value']}").get("/version").status == 200
    assert "value" not in lab.root.put(TOKEN, comment="x").data


def test_token_changes_that_are_refused(lab: Lab) -> None:
    missing = lab.root.put("/access/users/winux@pve/token/none", comment="x")
    assert missing.refusal == (500, "no such token 'none' for user 'winux@pve'")
    only_comment = lab.root.put(TOKEN, delete="expire")
    assert only_comment.refusal == (500, "updating token info failed: 400 Parameter verification failed.")
    others = lab.limited.put("/access/users/root@pam/token/winux", comment="x")
    assert others.status == 403
    assert lab.limited.put(TOKEN, comment="my own").refusal == (403, "Permission check failed")


def test_a_token_is_not_its_user_and_reads_of_itself_only_by_a_right_on_a_group(lab: Lab, member: Client) -> None:
    """``userid-param self`` compares with the whole ``user@realm!token`` (PVE::RPCEnvironment)."""
    own = "/access/users/ann@pve/token"
    for path in (own, f"{own}/ci"):
        assert member.get(path).refusal == (403, "Permission check failed")
    assert member.get("/access/users", full=1).data == []
    assert lab.root.put("/access/acl", path="/access/groups/staff", roles="PVEAuditor", users="ann@pve").status == 200
    assert lab.root.put(f"{own}/ci", expire=4_000_000_000).status == 200
    (row,) = member.get("/access/users", full=1).data
    token = {"tokenid": "ci", "privsep": 0, "expire": 4_000_000_000}
    assert (row["userid"], row["groups"], row["tokens"]) == ("ann@pve", "staff", [token])
    assert "tokens" not in member.get("/access/users").data[0]
    assert member.get(f"{own}/ci").status == 403, "to audit is not enough for it"
    assert lab.root.put("/access/acl", path="/access/groups/staff", roles="PVEUserAdmin", users="ann@pve").status == 200
    assert member.get(f"{own}/ci").data == {"privsep": 0, "expire": 4_000_000_000}

"""Groups of users, to which access lists may give rights (PVE::API2::Group)."""

from __future__ import annotations

from controller.node import formats
from controller.node.access import AclKey, Group
from controller.node.context import Context
from controller.node.errors import died
from controller.node.parameters import TEXT
from controller.node.schema import Param, Schema

ONE: Schema = {"groupid": Param(required=True, format=formats.group_id)}
WRITE: Schema = {**ONE, "comment": TEXT}


def list_groups(context: Context) -> list[dict[str, object]]:
    """Those that the caller may see."""
    return [
        {"groupid": name, "users": ",".join(sorted(group.users))} | _comment(group)
        for name, group in sorted(context.cluster.access.groups.items())
        if context.may(f"/access/groups/{name}", "User.Modify", "Sys.Audit", "Group.Allocate", anyone=True)
    ]


def _comment(group: Group) -> dict[str, object]:
    return {"comment": group.comment} if group.comment else {}


def create(context: Context) -> None:
    access, name = context.cluster.access, context.text("groupid")
    if name in access.groups:
        raise died(f"create group failed: group '{name}' already exists")
    access.groups[name] = Group(comment=context.text("comment"))
    access.changed()


def read(context: Context) -> dict[str, object]:
    group = _group(context, "")
    return {"members": sorted(group.users)} | _comment(group)


def update(context: Context) -> None:
    group = _group(context, "update group failed: ")
    group.comment = context.text("comment", group.comment)
    context.cluster.access.changed()


def delete(context: Context) -> None:
    """Its access lists go with it."""
    access, name = context.cluster.access, context.text("groupid")
    _group(context, "delete group failed: ")
    del access.groups[name]
    for path, entries in [*access.acl.items()]:
        if AclKey("group", name) in entries:
            access.revoke(path, AclKey("group", name), [*entries[AclKey("group", name)]])
    access.changed()


def _group(context: Context, prefix: str) -> Group:
    name = context.text("groupid")
    if name not in context.cluster.access.groups:
        raise died(f"{prefix}group '{name}' does not exist")
    return context.cluster.access.groups[name]


def check_exist(context: Context, names: list[str], text: str) -> None:
    """Refuse a name of which there is no group; ``{}`` in the text stands for it."""
    for name in names:
        if name not in context.cluster.access.groups:
            raise died(text.format(name))


def join(context: Context, user: str, names: list[str]) -> None:
    for name in names:
        context.cluster.access.groups[name].users.add(user)

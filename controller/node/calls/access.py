"""Rights as seen and changed through the API: lists, roles, users, tokens and tickets (PVE::API2::AccessControl)."""

from __future__ import annotations

import uuid

from controller.node.access import AclKey, Token, User, is_path, lineage, normal
from controller.node.calls import groups
from controller.node.context import Context
from controller.node.errors import died, forbidden, invalid
from controller.node.formats import split_list

_TOP = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")
_DELEGATED = {"vms": "VM.Allocate", "pool": "Pool.Allocate", "storage": "Datastore.Allocate", "sdn": "SDN.Allocate"}


def permissions(context: Context) -> dict[str, dict[str, int]]:
    """The caller's rights by path; 1 where they are inherited below."""
    access = context.cluster.access
    if "userid" in context.params and context.text("userid") not in (context.who.authid, context.who.user):
        context.need("/access", "Sys.Audit")
    if "path" in context.params:
        paths = [context.text("path")]
    else:
        members = [f"/vms/{vmid}" for pool in access.pools.values() for vmid in pool.vmids]
        paths = sorted({*_TOP, *access.acl, *(f"/pool/{pool}" for pool in access.pools), *members})
    found = {path: access.permissions(context.who, path) for path in paths}
    return {path: {name: int(below) for name, below in held.items()} for path, held in found.items() if held}


# access lists


def read_acl(context: Context) -> list[dict[str, object]]:
    auditor = context.may("/access", "Sys.Audit")
    return [
        {"path": path, "type": key.kind, "ugid": key.name, "roleid": role, "propagate": int(inherited)}
        for path, entries in sorted(context.cluster.access.acl.items())
        if auditor or _may_modify(context, path)
        for key, roles in entries.items()
        for role, inherited in roles.items()
    ]


def check_modify(context: Context) -> None:
    """Permissions.Modify there, or the right to allocate what the path is about."""
    path = normal(context.text("path"))
    if not _may_modify(context, path):
        raise forbidden(f"{path}, Permissions.Modify")


def _may_modify(context: Context, path: str) -> bool:
    delegated = _DELEGATED.get(lineage(path)[-1].strip("/").partition("/")[0])
    names = ("Permissions.Modify", delegated) if delegated else ("Permissions.Modify",)
    return context.may(path, *names, anyone=True)


def update_acl(context: Context) -> None:
    access, path, roles = context.cluster.access, context.text("path"), split_list(context.text("roles"))
    who = [AclKey(kind, name) for kind in ("user", "token", "group") for name in split_list(context.text(f"{kind}s"))]
    if not who:
        text = "either 'users', 'groups' or 'tokens' is required."
        raise invalid(dict.fromkeys(("users", "groups", "tokens"), text))
    if not is_path(path) and not context.flag("delete"):
        raise invalid({"path": f"invalid ACL path '{path}'"})
    for role in roles:
        if role not in access.roles:
            raise died(f"ACL update failed: role '{role}' does not exist")
    groups.check_exist(context, split_list(context.text("groups")), "ACL update failed: group '{}' does not exist")
    for key in who:
        if key.kind == "user" and key.name not in access.users:
            raise died(f"ACL update failed: user '{key.name}' does not exist")
        if key.kind == "token" and key.name not in access.tokens:
            user, _, name = key.name.partition("!")
            raise died(f"ACL update failed: no such token '{name}' for user '{user}'")
    for key in who:
        if context.flag("delete"):
            access.revoke(path, key, roles)
        else:
            access.grant(path, key, roles, propagate=context.text("propagate", "1") == "1")


# roles


def list_roles(context: Context) -> list[dict[str, object]]:
    return [
        {"roleid": name, "privs": ",".join(sorted(held)), "special": int(name in context.cluster.access.rights.roles)}
        for name, held in sorted(context.cluster.access.roles.items())
    ]


def read_role(context: Context) -> dict[str, int]:
    return dict.fromkeys(sorted(_role(context)), 1)


def create_role(context: Context) -> None:
    name, access = context.text("roleid"), context.cluster.access
    if name in access.roles:
        raise died(f"create role failed: role '{name}' already exists")
    access.roles[name] = _privileges(context)
    access.changed()


def update_role(context: Context) -> None:
    name, access = context.text("roleid"), context.cluster.access
    if name in access.rights.roles:
        raise died(f"auto-generated role '{name}' cannot be modified")
    held = _role(context, "update role failed: ")
    access.roles[name] = _privileges(context) | (held if context.flag("append") else frozenset())
    access.changed()


def delete_role(context: Context) -> None:
    name, access = context.text("roleid"), context.cluster.access
    if name in access.rights.roles:
        raise died(f"auto-generated role '{name}' cannot be deleted")
    _role(context, "delete role failed: ")
    del access.roles[name]
    access.changed()


def _role(context: Context, prefix: str = "") -> frozenset[str]:
    name = context.text("roleid")
    if name not in context.cluster.access.roles:
        raise died(f"{prefix}role '{name}' does not exist")
    return context.cluster.access.roles[name]


def _privileges(context: Context) -> frozenset[str]:
    names = frozenset(split_list(context.text("privs")))
    for name in sorted(names - context.cluster.access.rights.privileges):
        raise invalid({"privs": f"invalid format - invalid privilege '{name}'\n"})
    return names


# users and tokens


def list_users(context: Context) -> list[dict[str, object]]:
    """Those of the groups that the caller may audit, and the caller; a token is not its user."""
    return [
        {"userid": name, "enable": int(user.enabled), "expire": user.expires, "realm-type": name.rpartition("@")[2]}
        | (_members_and_tokens(context, name) if context.flag("full") else {})
        for name, user in context.cluster.access.users.items()
        if name == context.who.authid or _may_over(context, name, "User.Modify", "Sys.Audit")
    ]


def _members_and_tokens(context: Context, user: str) -> dict[str, object]:
    access = context.cluster.access
    tokens = {name.partition("!")[2]: token for name, token in access.tokens.items() if name.startswith(f"{user}!")}
    return {
        "groups": ",".join(sorted(name for name, group in access.groups.items() if user in group.users)),
        "tokens": [{"tokenid": name} | _info(token) for name, token in sorted(tokens.items())],
    }


def create_user(context: Context) -> None:
    name, access = context.text("userid"), context.cluster.access
    if name in access.users:
        raise died(f"create user failed: user '{name}' already exists")
    joined = split_list(context.text("groups"))
    groups.check_exist(context, joined, "create user failed: no such group '{}'")
    access.users[name] = User(
        enabled=context.text("enable", "1") == "1",
        expires=context.number("expire", 0),
        comment=context.text("comment"),
        password=context.params.get("password"),
    )
    groups.join(context, name, joined)
    access.changed()


def check_own_or_admin(context: Context) -> None:
    """``self`` is the user alone, not a token of his; and some group of the user's is enough to be his admin."""
    user = context.text("userid")
    if context.who.authid != user and not _may_over(context, user, "User.Modify"):
        raise forbidden()


def _may_over(context: Context, user: str, *names: str) -> bool:
    """Any of the privileges over all groups, or over one that the user is in (PVE::RPCEnvironment)."""
    groups = (name for name, group in context.cluster.access.groups.items() if user in group.users)
    places = ("/access/groups", *(f"/access/groups/{name}" for name in groups))
    return any(context.may(place, *names, anyone=True) for place in places)


def list_tokens(context: Context) -> list[dict[str, object]]:
    prefix = f"{_user(context)}!"
    tokens = context.cluster.access.tokens.items()
    return [{"tokenid": name.removeprefix(prefix)} | _info(token) for name, token in tokens if name.startswith(prefix)]


def read_token(context: Context) -> dict[str, object]:
    return _info(_token(context))


def create_token(context: Context) -> dict[str, object]:
    """The secret is shown here and never again."""
    full, access = f"{_user(context)}!{context.text('tokenid')}", context.cluster.access
    if full in access.tokens:
        raise invalid({"tokenid": "Token already exists."})
    token = Token(
        secret=str(uuid.uuid4()),
        privsep=context.text("privsep", "1") == "1",
        expires=context.number("expire", 0),
        comment=context.text("comment"),
    )
    access.tokens[full] = token
    access.changed()
    return {"full-tokenid": full, "value": token.secret, "info": _info(token)}


def delete_token(context: Context) -> None:
    _token(context)
    full, access = f"{context.text('userid')}!{context.text('tokenid')}", context.cluster.access
    del access.tokens[full]
    for path, entries in [*access.acl.items()]:
        if AclKey("token", full) in entries:
            access.revoke(path, AclKey("token", full), [*entries[AclKey("token", full)]])
    access.changed()


def _user(context: Context) -> str:
    name = context.text("userid")
    if name not in context.cluster.access.users:
        raise died(f"no such user ('{name}')")
    return name


def _token(context: Context) -> Token:
    user, name = _user(context), context.text("tokenid")
    token = context.cluster.access.tokens.get(f"{user}!{name}")
    if token is None:
        raise died(f"no such token '{name}' for user '{user}'")
    return token


def _info(token: Token) -> dict[str, object]:
    info: dict[str, object] = {"privsep": int(token.privsep), "expire": token.expires}
    return info | ({"comment": token.comment} if token.comment else {})

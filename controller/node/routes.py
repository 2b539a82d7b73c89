"""Every path of the API: its name, its parameters, the right that is asked before they are looked at, its call.

Names are those of operations in faults, statistics and profiles.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeAlias

from controller.node import parameters as p
from controller.node.calls import access, clone, config, create, destroy, guests, nodes, pools, power, resources, tasks
from controller.node.calls import ticket as tickets
from controller.node.context import Context
from controller.node.schedule import Awaited
from controller.node.schema import Schema

Result: TypeAlias = object | Generator[Awaited, None, object]
Check: TypeAlias = Callable[[Context], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    name: str
    call: Callable[[Context], Result]
    schema: Schema = field(default_factory=dict)
    check: Check | None = None
    public: bool = False
    """Needs no credentials."""
    tokens: bool = True
    """Whether API tokens may use it."""


class _Given(dict[str, str]):
    """Parameters of which some may be missing."""

    def __missing__(self, name: str) -> str:
        return ""


def needs(template: str, *privileges: str, anyone: bool = False) -> Check:
    """The right on a path whose ``{names}`` are parameters, not checked yet at that time."""

    def check(context: Context) -> None:
        context.need(template.format_map(_Given(context.params)), *privileges, anyone=anyone)

    return check


_AUDIT = needs("/vms/{vmid}", "VM.Audit")
_POWER = needs("/vms/{vmid}", "VM.PowerMgmt")
_ALLOCATE = needs("/vms/{vmid}", "VM.Allocate")
_DISK = needs("/vms/{vmid}", "VM.Config.Disk")
_CONFIG = needs(
    "/vms/{vmid}", *(f"VM.Config.{kind}" for kind in ("Disk", "CPU", "Memory", "Network", "Options")), anyone=True
)
_NODE_AUDIT = needs("/nodes/{node}", "Sys.Audit")
_ROOT_AUDIT = needs("/", "Sys.Audit")
_POOL = needs("/pool/{poolid}", "Pool.Allocate")
_POOL_AUDIT = needs("/pool/{poolid}", "Pool.Audit")
_ROLES = needs("/access", "Sys.Modify")
_CONTENT = needs("/storage/{storage}", "Datastore.Audit", "Datastore.AllocateSpace", anyone=True)
_USERS = needs("/access/groups", "User.Modify")

_LXC = "/nodes/{node}/lxc"
_CT = f"{_LXC}/{{vmid}}"
_TASK = "/nodes/{node}/tasks/{upid}"
_TOKEN = "/access/users/{userid}/token/{tokenid}"  # noqa: S105  # a path

ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/version"): Route(name="version", call=nodes.version),
    ("GET", "/cluster/nextid"): Route(name="nextid", call=resources.nextid, schema=p.NEXTID),
    ("GET", "/cluster/resources"): Route(name="resources", call=resources.resources, schema=p.RESOURCES),
    ("GET", "/cluster/status"): Route(name="cluster_status", call=resources.status, check=_ROOT_AUDIT),
    ("GET", "/cluster/tasks"): Route(name="cluster_tasks", call=tasks.cluster_tasks),
    ("GET", "/cluster/backup-info/not-backed-up"): Route(name="not_backed_up", call=nodes.nothing),
    ("GET", "/nodes"): Route(name="nodes", call=nodes.list_nodes),
    ("GET", "/nodes/{node}"): Route(name="node", call=nodes.index, schema=p.ON_NODE),
    ("GET", "/nodes/{node}/status"): Route(name="node_status", call=nodes.status, schema=p.ON_NODE, check=_NODE_AUDIT),
    ("GET", "/nodes/{node}/version"): Route(name="version", call=nodes.version, schema=p.ON_NODE),
    ("GET", "/nodes/{node}/network"): Route(name="network", call=nodes.networks, schema=p.NETWORK),
    ("GET", "/nodes/{node}/qemu"): Route(name="qemu", call=nodes.nothing, schema=p.ON_NODE),
    ("GET", "/nodes/{node}/replication"): Route(name="replication", call=nodes.nothing, schema=p.ON_NODE),
    ("GET", "/nodes/{node}/subscription"): Route(name="subscription", call=nodes.subscription, schema=p.ON_NODE),
    ("GET", "/nodes/{node}/storage"): Route(name="storage", call=nodes.storages, schema=p.STORAGES),
    ("GET", "/nodes/{node}/storage/{storage}/content"): Route(
        name="content", call=nodes.content, schema=p.CONTENT, check=_CONTENT
    ),
    ("GET", "/nodes/{node}/tasks"): Route(name="tasks", call=tasks.list_tasks, schema=p.TASKS),
    ("GET", _TASK): Route(name="task", call=tasks.index, schema=p.TASK),
    ("DELETE", _TASK): Route(name="task_stop", call=tasks.stop, schema=p.TASK),
    ("GET", f"{_TASK}/status"): Route(name="task_status", call=tasks.status, schema=p.TASK),
    ("GET", f"{_TASK}/log"): Route(name="task_log", call=tasks.log, schema=p.TASK_LOG),
    ("GET", _LXC): Route(name="list", call=guests.list_guests, schema=p.ON_NODE),
    ("POST", _LXC): Route(name="create", call=create.create, schema=p.CREATE),
    ("GET", _CT): Route(name="guest", call=guests.index, schema=p.GUEST),
    ("DELETE", _CT): Route(name="delete", call=destroy.destroy, schema=p.DELETE, check=_ALLOCATE),
    ("GET", f"{_CT}/config"): Route(name="config", call=config.read, schema=p.CONFIG, check=_AUDIT),
    ("PUT", f"{_CT}/config"): Route(name="update", call=config.update, schema=p.UPDATE, check=_CONFIG),
    ("GET", f"{_CT}/pending"): Route(name="pending", call=config.pending, schema=p.GUEST, check=_AUDIT),
    ("PUT", f"{_CT}/resize"): Route(name="resize", call=config.resize, schema=p.RESIZE, check=_DISK),
    ("POST", f"{_CT}/clone"): Route(name="clone", call=clone.clone, schema=p.CLONE, check=clone.check_rights),
    ("POST", f"{_CT}/template"): Route(name="template", call=clone.template, schema=p.GUEST, check=_ALLOCATE),
    ("GET", f"{_CT}/interfaces"): Route(name="interfaces", call=guests.interfaces, schema=p.GUEST, check=_AUDIT),
    ("GET", f"{_CT}/status/current"): Route(name="current", call=guests.current, schema=p.GUEST, check=_AUDIT),
    ("POST", f"{_CT}/status/start"): Route(name="start", call=power.start, schema=p.START, check=_POWER),
    ("POST", f"{_CT}/status/stop"): Route(name="stop", call=power.stop, schema=p.STOP, check=_POWER),
    ("POST", f"{_CT}/status/shutdown"): Route(name="shutdown", call=power.shutdown, schema=p.SHUTDOWN, check=_POWER),
    ("POST", f"{_CT}/status/reboot"): Route(name="reboot", call=power.reboot, schema=p.REBOOT, check=_POWER),
    ("GET", "/pools"): Route(name="pools", call=pools.list_pools, schema=p.POOL_LIST),
    ("POST", "/pools"): Route(name="pool_create", call=pools.create, schema=p.POOL_CREATE, check=_POOL),
    ("PUT", "/pools"): Route(name="pool_update", call=pools.update, schema=p.POOL_UPDATE, check=_POOL),
    ("DELETE", "/pools"): Route(name="pool_delete", call=pools.delete, schema=p.POOL_DELETE, check=_POOL),
    ("GET", "/pools/{poolid}"): Route(name="pool_read", call=pools.read, schema=p.POOL_READ, check=_POOL_AUDIT),
    ("PUT", "/pools/{poolid}"): Route(name="pool_update", call=pools.update, schema=p.POOL_UPDATE, check=_POOL),
    ("DELETE", "/pools/{poolid}"): Route(name="pool_delete", call=pools.delete, schema=p.POOL_DELETE, check=_POOL),
    ("GET", "/access/permissions"): Route(name="permissions", call=access.permissions, schema=p.PERMISSIONS),
    ("GET", "/access/acl"): Route(name="acl", call=access.read_acl),
    ("PUT", "/access/acl"): Route(
        name="acl_update", call=access.update_acl, schema=p.ACL_UPDATE, check=access.check_modify
    ),
    ("GET", "/access/roles"): Route(name="roles", call=access.list_roles),
    ("POST", "/access/roles"): Route(name="role_create", call=access.create_role, schema=p.ROLE_CREATE, check=_ROLES),
    ("GET", "/access/roles/{roleid}"): Route(name="role", call=access.read_role, schema=p.ROLE),
    ("PUT", "/access/roles/{roleid}"): Route(
        name="role_update", call=access.update_role, schema=p.ROLE_UPDATE, check=_ROLES
    ),
    ("DELETE", "/access/roles/{roleid}"): Route(
        name="role_delete", call=access.delete_role, schema=p.ROLE, check=_ROLES
    ),
    ("GET", "/access/users"): Route(name="users", call=access.list_users, schema=p.USERS),
    ("POST", "/access/users"): Route(name="user_create", call=access.create_user, schema=p.USER_CREATE, check=_USERS),
    ("GET", "/access/users/{userid}/token"): Route(
        name="tokens", call=access.list_tokens, schema=p.USER, check=access.check_own_or_admin
    ),
    ("GET", _TOKEN): Route(name="token", call=access.read_token, schema=p.TOKEN, check=access.check_own_or_admin),
    ("POST", _TOKEN): Route(
        name="token_create", call=access.create_token, schema=p.TOKEN_CREATE, check=access.check_own_or_admin
    ),
    ("DELETE", _TOKEN): Route(
        name="token_delete", call=access.delete_token, schema=p.TOKEN, check=access.check_own_or_admin
    ),
    ("GET", "/access/ticket"): Route(name="ticket", call=nodes.nothing, public=True),
    ("POST", "/access/ticket"): Route(name="ticket", call=tickets.create, schema=p.TICKET, public=True, tokens=False),
}


@dataclass(slots=True)
class _Branch:
    literal: dict[str, _Branch] = field(default_factory=dict)
    variable: tuple[str, _Branch] | None = None
    routes: dict[str, Route] = field(default_factory=dict)


def _grow(routes: dict[tuple[str, str], Route]) -> _Branch:
    root = _Branch()
    for (method, path), route in routes.items():
        branch = root
        for part in path.strip("/").split("/"):
            if part.startswith("{"):
                if branch.variable is None:
                    branch.variable = (part[1:-1], _Branch())
                branch = branch.variable[1]
            else:
                branch = branch.literal.setdefault(part, _Branch())
        branch.routes[method] = route
    return root


_ROOT = _grow(ROUTES)


def find(method: str, segments: tuple[str, ...]) -> tuple[Route, dict[str, str]] | None:
    """The route of a path and the parameters in it."""
    branch, values = _ROOT, {}
    for part in segments:
        if part in branch.literal:
            branch = branch.literal[part]
        elif branch.variable is not None:
            name, branch = branch.variable[0], branch.variable[1]
            values[name] = part
        else:
            return None
    route = branch.routes.get(method)
    return (route, values) if route else None

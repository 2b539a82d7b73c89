"""Every path of the API: its name, its parameters, the right that is asked before they are looked at, its call.

Names are those of operations in faults, statistics and profiles.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeAlias

from controller.node import firewall_parameters as f
from controller.node import parameters as p
from controller.node.access import is_normal, normal
from controller.node.calls import (
    access,
    clone,
    config,
    console,
    create,
    datacenter,
    destroy,
    downloads,
    firewall,
    groups,
    guests,
    ipsets,
    nodes,
    pending,
    pools,
    power,
    resources,
    sdn,
    snapshots,
    tasks,
    tokens,
    uploads,
    volumes,
)
from controller.node.calls import ticket as tickets
from controller.node.context import Context
from controller.node.datacenter import UPDATE as UPDATE_DATACENTER
from controller.node.errors import forbidden
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
        path = normal(template.format_map(_Given(context.params)))
        if is_normal(path):
            context.need(path, *privileges, anyone=anyone)
        elif not context.is_root:
            raise forbidden(f", {privileges[0]}")

    return check


_AUDIT = needs("/vms/{vmid}", "VM.Audit")
_POWER = needs("/vms/{vmid}", "VM.PowerMgmt")
_ALLOCATE = needs("/vms/{vmid}", "VM.Allocate")
_DISK = needs("/vms/{vmid}", "VM.Config.Disk")
_CONFIG = needs(
    "/vms/{vmid}", *(f"VM.Config.{kind}" for kind in ("Disk", "CPU", "Memory", "Network", "Options")), anyone=True
)
_NODE_AUDIT = needs("/nodes/{node}", "Sys.Audit")
_ROOT_MODIFY = needs("/", "Sys.Modify")
_ROOT_AUDIT = needs("/", "Sys.Audit")
_POOL = needs("/pool/{poolid}", "Pool.Allocate")
_POOL_AUDIT = needs("/pool/{poolid}", "Pool.Audit")
_ROLES = needs("/access", "Sys.Modify")
_CONTENT = needs("/storage/{storage}", "Datastore.Audit", "Datastore.AllocateSpace", anyone=True)
_USERS = needs("/access/groups", "User.Modify")
_GROUPS = needs("/access/groups", "Group.Allocate")
_GROUPS_AUDIT = needs("/access/groups", "Sys.Audit", "Group.Allocate", anyone=True)
_SNAPSHOT = needs("/vms/{vmid}", "VM.Snapshot")
_ROLLBACK = needs("/vms/{vmid}", "VM.Snapshot", "VM.Snapshot.Rollback", anyone=True)
_CONSOLE = needs("/vms/{vmid}", "VM.Console")
_FIREWALL = needs("/vms/{vmid}", "VM.Config.Network")
_SPACE = needs("/storage/{storage}", "Datastore.AllocateSpace")
_IPAM = needs("/sdn/ipams/{ipam}", "SDN.Allocate")
_VNET = needs("/sdn/zones/{zone}/{vnet}", "SDN.Allocate")

_LXC = "/nodes/{node}/lxc"
_CT = f"{_LXC}/{{vmid}}"
_ONE_SNAPSHOT = f"{_CT}/snapshot/{{snapname}}"
_RULES = f"{_CT}/firewall/rules"
_RULE = f"{_RULES}/{{pos}}"
_SETS = f"{_CT}/firewall/ipset"
_SET = f"{_SETS}/{{name}}"
_MEMBER = f"{_SET}/{{cidr}}"
_STORAGE = "/nodes/{node}/storage/{storage}"
_VOLUME = f"{_STORAGE}/content/{{volume}}"
_IPS = "/cluster/sdn/vnets/{vnet}/ips"
_TASK = "/nodes/{node}/tasks/{upid}"
_TOKEN = "/access/users/{userid}/token/{tokenid}"  # noqa: S105  # a path

ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/version"): Route(name="version", call=nodes.version),
    ("GET", "/cluster/options"): Route(name="datacenter", call=datacenter.read),
    ("PUT", "/cluster/options"): Route(
        name="datacenter_update", call=datacenter.update, schema=UPDATE_DATACENTER, check=_ROOT_MODIFY
    ),
    ("GET", "/cluster/nextid"): Route(name="nextid", call=resources.nextid, schema=p.NEXTID),
    ("GET", "/cluster/resources"): Route(name="resources", call=resources.resources, schema=p.RESOURCES),
    ("GET", "/cluster/status"): Route(name="cluster_status", call=resources.status, check=_ROOT_AUDIT),
    ("GET", "/cluster/tasks"): Route(name="cluster_tasks", call=tasks.cluster_tasks),
    ("GET", "/cluster/backup-info/not-backed-up"): Route(name="not_backed_up", call=nodes.not_backed_up),
    ("GET", "/nodes"): Route(name="nodes", call=nodes.list_nodes),
    ("GET", "/nodes/{node}"): Route(name="node", call=nodes.index, schema=p.ON_NODE),
    ("GET", "/nodes/{node}/status"): Route(name="node_status", call=nodes.status, schema=p.ON_NODE, check=_NODE_AUDIT),
    ("GET", "/nodes/{node}/version"): Route(name="version", call=nodes.version, schema=p.ON_NODE),
    ("GET", "/nodes/{node}/network"): Route(name="network", call=nodes.networks, schema=p.NETWORK),
    ("GET", "/nodes/{node}/network/{iface}"): Route(
        name="network_interface", call=nodes.network, schema=p.INTERFACE, check=_NODE_AUDIT
    ),
    ("GET", "/nodes/{node}/aplinfo"): Route(name="appliances", call=downloads.list_appliances, schema=p.ON_NODE),
    ("POST", "/nodes/{node}/aplinfo"): Route(
        name="download_appliance",
        call=downloads.from_list,
        schema=downloads.FROM_LIST,
        check=downloads.check_template_right,
    ),
    ("GET", "/nodes/{node}/qemu"): Route(name="qemu", call=nodes.nothing, schema=p.ON_NODE),
    ("GET", "/nodes/{node}/replication"): Route(name="replication", call=nodes.nothing, schema=p.ON_NODE),
    ("GET", "/nodes/{node}/subscription"): Route(name="subscription", call=nodes.subscription, schema=p.ON_NODE),
    ("GET", "/nodes/{node}/storage"): Route(name="storage", call=nodes.storages, schema=p.STORAGES),
    ("GET", "/nodes/{node}/storage/{storage}/content"): Route(
        name="content", call=nodes.content, schema=p.CONTENT, check=_CONTENT
    ),
    ("POST", f"{_STORAGE}/content"): Route(name="volume_create", call=volumes.make, schema=volumes.MAKE, check=_SPACE),
    ("GET", _VOLUME): Route(name="volume", call=volumes.read, schema=volumes.READ),
    ("DELETE", _VOLUME): Route(name="volume_delete", call=volumes.delete, schema=volumes.DELETE),
    ("POST", f"{_STORAGE}/download-url"): Route(
        name="download", call=downloads.from_url, schema=downloads.FROM_URL, check=downloads.check_url_rights
    ),
    ("POST", f"{_STORAGE}/upload"): Route(
        name="upload", call=uploads.upload, schema=uploads.UPLOAD, check=downloads.check_template_right
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
    ("GET", f"{_CT}/pending"): Route(name="pending", call=pending.list_pending, schema=p.GUEST, check=_AUDIT),
    ("PUT", f"{_CT}/resize"): Route(name="resize", call=config.resize, schema=p.RESIZE, check=_DISK),
    ("POST", f"{_CT}/clone"): Route(name="clone", call=clone.clone, schema=p.CLONE, check=clone.check_rights),
    ("POST", f"{_CT}/template"): Route(name="template", call=clone.template, schema=p.GUEST, check=_ALLOCATE),
    ("GET", f"{_CT}/interfaces"): Route(name="interfaces", call=guests.interfaces, schema=p.GUEST, check=_AUDIT),
    ("GET", f"{_CT}/status/current"): Route(name="current", call=guests.current, schema=p.GUEST, check=_AUDIT),
    ("POST", f"{_CT}/status/start"): Route(name="start", call=power.start, schema=p.START, check=_POWER),
    ("POST", f"{_CT}/status/stop"): Route(name="stop", call=power.stop, schema=p.STOP, check=_POWER),
    ("POST", f"{_CT}/status/shutdown"): Route(name="shutdown", call=power.shutdown, schema=p.SHUTDOWN, check=_POWER),
    ("POST", f"{_CT}/status/reboot"): Route(name="reboot", call=power.reboot, schema=p.REBOOT, check=_POWER),
    ("GET", f"{_CT}/snapshot"): Route(name="snapshots", call=snapshots.list_snapshots, schema=p.GUEST, check=_AUDIT),
    ("POST", f"{_CT}/snapshot"): Route(name="snapshot", call=snapshots.take, schema=snapshots.TAKE, check=_SNAPSHOT),
    ("GET", _ONE_SNAPSHOT): Route(name="snapshot_index", call=snapshots.index, schema=snapshots.ONE),
    ("DELETE", _ONE_SNAPSHOT): Route(
        name="snapshot_delete", call=snapshots.drop, schema=snapshots.DROP, check=_SNAPSHOT
    ),
    ("POST", f"{_ONE_SNAPSHOT}/rollback"): Route(
        name="rollback", call=snapshots.roll_back, schema=snapshots.ROLL_BACK, check=_ROLLBACK
    ),
    ("POST", f"{_CT}/termproxy"): Route(name="termproxy", call=console.termproxy, schema=p.GUEST, check=_CONSOLE),
    ("POST", f"{_CT}/vncproxy"): Route(name="vncproxy", call=console.vncproxy, schema=console.VNC, check=_CONSOLE),
    ("GET", f"{_CT}/vncwebsocket"): Route(
        name="vncwebsocket", call=console.websocket, schema=console.WEBSOCKET, check=_CONSOLE
    ),
    ("GET", f"{_CT}/firewall/options"): Route(
        name="firewall", call=firewall.read_options, schema=p.GUEST, check=_AUDIT
    ),
    ("PUT", f"{_CT}/firewall/options"): Route(
        name="firewall_update", call=firewall.set_options, schema=f.SET_OPTIONS, check=_FIREWALL
    ),
    ("GET", _RULES): Route(name="rules", call=firewall.list_rules, schema=p.GUEST, check=_AUDIT),
    ("POST", _RULES): Route(name="rule_create", call=firewall.create_rule, schema=f.CREATE_RULE, check=_FIREWALL),
    ("GET", _RULE): Route(name="rule", call=firewall.read_rule, schema=f.ONE_RULE, check=_AUDIT),
    ("PUT", _RULE): Route(name="rule_update", call=firewall.update_rule, schema=f.UPDATE_RULE, check=_FIREWALL),
    ("DELETE", _RULE): Route(name="rule_delete", call=firewall.delete_rule, schema=f.DELETE_RULE, check=_FIREWALL),
    ("GET", _SETS): Route(name="ipsets", call=ipsets.list_sets, schema=p.GUEST, check=_AUDIT),
    ("POST", _SETS): Route(name="ipset_create", call=ipsets.create_set, schema=f.CREATE_SET, check=_FIREWALL),
    ("GET", _SET): Route(name="ipset", call=ipsets.list_members, schema=f.ONE_SET, check=_AUDIT),
    ("POST", _SET): Route(name="ipset_add", call=ipsets.create_member, schema=f.CREATE_MEMBER, check=_FIREWALL),
    ("DELETE", _SET): Route(name="ipset_delete", call=ipsets.delete_set, schema=f.DELETE_SET, check=_FIREWALL),
    ("GET", _MEMBER): Route(name="ipset_member", call=ipsets.read_member, schema=f.ONE_MEMBER, check=_AUDIT),
    ("PUT", _MEMBER): Route(name="ipset_update", call=ipsets.update_member, schema=f.UPDATE_MEMBER, check=_FIREWALL),
    ("DELETE", _MEMBER): Route(name="ipset_remove", call=ipsets.delete_member, schema=f.DELETE_MEMBER, check=_FIREWALL),
    ("GET", "/cluster/sdn/ipams"): Route(name="ipams", call=sdn.list_ipams, schema=sdn.IPAMS),
    ("GET", "/cluster/sdn/ipams/{ipam}"): Route(name="ipam", call=sdn.read_ipam, schema=sdn.ONE_IPAM, check=_IPAM),
    ("GET", "/cluster/sdn/ipams/{ipam}/status"): Route(name="ipam_status", call=sdn.status, schema=sdn.ONE_IPAM),
    ("POST", _IPS): Route(name="ip_create", call=sdn.add, schema=sdn.ADDRESS, check=_VNET),
    ("PUT", _IPS): Route(name="ip_update", call=sdn.update, schema=sdn.UPDATE, check=_VNET),
    ("DELETE", _IPS): Route(name="ip_delete", call=sdn.remove, schema=sdn.ADDRESS, check=_VNET),
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
    ("PUT", _TOKEN): Route(
        name="token_update", call=tokens.update, schema=tokens.UPDATE, check=access.check_own_or_admin
    ),
    ("GET", "/access/groups"): Route(name="groups", call=groups.list_groups),
    ("POST", "/access/groups"): Route(name="group_create", call=groups.create, schema=groups.WRITE, check=_GROUPS),
    ("GET", "/access/groups/{groupid}"): Route(name="group", call=groups.read, schema=groups.ONE, check=_GROUPS_AUDIT),
    ("PUT", "/access/groups/{groupid}"): Route(
        name="group_update", call=groups.update, schema=groups.WRITE, check=_GROUPS
    ),
    ("DELETE", "/access/groups/{groupid}"): Route(
        name="group_delete", call=groups.delete, schema=groups.ONE, check=_GROUPS
    ),
    ("GET", "/access/ticket"): Route(name="ticket", call=nodes.nothing, public=True),
    ("POST", "/access/ticket"): Route(name="ticket", call=tickets.create, schema=p.TICKET, public=True, tokens=False),
}


_TO_THE_END = frozenset({"cidr", "volume"})
"""Parameters that take the rest of the path, because a slash may stand in them."""


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
    for place, part in enumerate(segments):
        if part in branch.literal:
            branch = branch.literal[part]
        elif branch.variable is not None:
            name, branch = branch.variable[0], branch.variable[1]
            values[name] = part
            if name in _TO_THE_END:
                values[name] = "/".join(segments[place:])
                break
        else:
            return None
    route = branch.routes.get(method)
    return (route, values) if route else None

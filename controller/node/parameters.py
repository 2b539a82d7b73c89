"""The parameters of the endpoints, as data. What they mean lives with the calls that take them.

Limits and formats are those of Proxmox VE 9.2 (PVE::LXC::Config and the API modules).
"""

from __future__ import annotations

from controller.node import formats
from controller.node.schema import Param, Schema

BOOLEAN = Param(kind="boolean")
TEXT = Param()
COUNT = Param(kind="integer", minimum=0)
NODE = Param(required=True, format=formats.node)
VMID = Param(kind="integer", minimum=100, maximum=999999999, format=formats.vmid, required=True)
OPTIONAL_VMID = Param(kind="integer", minimum=100, maximum=999999999, format=formats.vmid)
POOL = Param(format=formats.pool_id)
STORAGE = Param(format=formats.storage_id)
HOSTNAME = Param(format=formats.dns_name, max_length=255)
DIGEST = Param(max_length=40)
CONFIG_IDS = Param(format=formats.each(formats.config_id))
SNAPSHOT = Param(format=formats.config_id, max_length=40)

_ID_MAPS = r"passthrough|[ug]:\d+:\d+:[1-9]\d*(?:;[ug]:\d+:\d+:[1-9]\d*)*"
_MOUNT_OPTION = "discard|lazytime|noatime|nodev|noexec|nosuid"
_VOLUME: Schema = {
    "volume": Param(format=formats.mount_point, required=True),
    "acl": BOOLEAN,
    "mountoptions": Param(pattern=f"(?:{_MOUNT_OPTION})(?:;(?:{_MOUNT_OPTION}))*"),
    "quota": BOOLEAN,
    "replicate": BOOLEAN,
    "ro": BOOLEAN,
    "shared": BOOLEAN,
    "size": Param(format=formats.disk_size),
    "idmap": Param(pattern=_ID_MAPS, since=(9, 2)),
}
_NAME = r"[-_.\w]+"
_INTERFACE: Schema = {
    "name": Param(pattern=_NAME, required=True),
    "bridge": Param(pattern=_NAME),
    "firewall": BOOLEAN,
    "gw": Param(format=formats.ipv4),
    "gw6": Param(format=formats.ipv6),
    "host-managed": Param(kind="boolean", since=(9, 1)),
    "hwaddr": Param(format=formats.mac),
    "ip": Param(format=formats.ipv4_config),
    "ip6": Param(format=formats.ipv6_config),
    "link_down": BOOLEAN,
    "mtu": Param(kind="integer", minimum=64, maximum=65535),
    "rate": Param(kind="number"),
    "tag": Param(kind="integer", minimum=1, maximum=4094),
    "trunks": Param(pattern=r"\d+(?:;\d+)*"),
    "type": Param(choices=("veth",)),
}
_FEATURES: Schema = {
    **dict.fromkeys(("force_rw_sys", "fuse", "keyctl", "mknod", "nesting"), BOOLEAN),
    "mount": Param(pattern="[a-zA-Z0-9_; ]+"),
}
_DEVICE: Schema = {
    "path": TEXT,
    "deny-write": BOOLEAN,
    "gid": COUNT,
    "uid": COUNT,
    "mode": Param(pattern="0[0-7]{3}"),
}
_PRINTABLE = r"[^\x00-\x08\x0A-\x1F\x7F]"

LOCKS = (
    "backup",
    "create",
    "destroyed",
    "disk",
    "fstrim",
    "migrate",
    "mounted",
    "rollback",
    "snapshot",
    "snapshot-delete",
)

OPTIONS: Schema = {
    "arch": Param(choices=("amd64", "i386", "arm64", "armhf", "riscv32", "riscv64")),
    "cmode": Param(choices=("shell", "console", "tty")),
    "console": BOOLEAN,
    "cores": Param(kind="integer", minimum=1, maximum=8192),
    "cpulimit": Param(kind="number", minimum=0, maximum=8192),
    "cpuunits": Param(kind="integer", minimum=0, maximum=500000),
    "debug": BOOLEAN,
    "description": Param(max_length=8192),
    "dev[n]": Param(properties=_DEVICE, default_key="path", count=256),
    "entrypoint": Param(pattern=f"{_PRINTABLE}+", since=(9, 1)),
    "env": Param(pattern=rf"\w+={_PRINTABLE}*(?:\0\w+={_PRINTABLE}*)*", since=(9, 1)),
    "features": Param(properties=_FEATURES),
    "hookscript": Param(format=formats.volume_id),
    "hostname": HOSTNAME,
    "lock": Param(choices=LOCKS),
    "memory": Param(kind="integer", minimum=16),
    "mp[n]": Param(
        properties={
            **_VOLUME,
            "mp": Param(required=True),
            "backup": BOOLEAN,
            "keepattrs": Param(kind="boolean", since=(9, 1)),
        },
        default_key="volume",
        count=256,
    ),
    "nameserver": Param(format=formats.each(formats.ip)),
    "net[n]": Param(properties=_INTERFACE, count=32),
    "onboot": BOOLEAN,
    "ostype": Param(
        choices=(
            *("debian", "devuan", "ubuntu", "centos", "fedora", "opensuse"),
            *("archlinux", "alpine", "gentoo", "nixos", "unmanaged"),
        )
    ),
    "protection": BOOLEAN,
    "rootfs": Param(properties=_VOLUME, default_key="volume"),
    "searchdomain": Param(format=formats.each(formats.dns_name)),
    "startup": Param(format=formats.startup),
    "swap": Param(kind="integer", minimum=0),
    "tags": Param(format=formats.each(formats.tag)),
    "template": BOOLEAN,
    "timezone": TEXT,
    "tty": Param(kind="integer", minimum=0, maximum=6),
    "unprivileged": BOOLEAN,
    "unused[n]": Param(properties={"volume": Param(format=formats.volume_id)}, default_key="volume", count=256),
}
"""The options of a container's config."""

ON_NODE: Schema = {"node": NODE}
GUEST: Schema = {"node": NODE, "vmid": VMID}

CREATE: Schema = {
    **ON_NODE,
    **OPTIONS,
    "vmid": VMID,
    "ostemplate": Param(required=True, max_length=255),
    "bwlimit": Param(kind="number", minimum=0),
    "force": BOOLEAN,
    "ha-managed": Param(kind="boolean", since=(9, 1)),
    "ignore-unpack-errors": BOOLEAN,
    "password": Param(min_length=5),
    "pool": POOL,
    "restore": BOOLEAN,
    "ssh-public-keys": TEXT,
    "start": BOOLEAN,
    "storage": STORAGE,
    "unique": Param(kind="boolean", requires="restore"),
}
UPDATE: Schema = {**GUEST, **OPTIONS, "delete": CONFIG_IDS, "revert": CONFIG_IDS, "digest": DIGEST}
CONFIG: Schema = {**GUEST, "current": BOOLEAN, "snapshot": SNAPSHOT}
DELETE: Schema = {**GUEST, "force": BOOLEAN, "purge": BOOLEAN, "destroy-unreferenced-disks": BOOLEAN}
CLONE: Schema = {
    **GUEST,
    "newid": VMID,
    "bwlimit": Param(kind="number", minimum=0),
    "description": TEXT,
    "full": BOOLEAN,
    "hostname": Param(format=formats.dns_name),
    "pool": POOL,
    "snapname": SNAPSHOT,
    "storage": STORAGE,
    "target": Param(format=formats.node),
}
RESIZE: Schema = {
    **GUEST,
    "disk": Param(required=True, choices=("rootfs", *(f"mp{n}" for n in range(256)))),
    "size": Param(required=True, pattern=r"\+?\d+(\.\d+)?[KMGT]?"),
    "digest": DIGEST,
}
START: Schema = {**GUEST, "debug": BOOLEAN, "skiplock": BOOLEAN}
STOP: Schema = {**GUEST, "overrule-shutdown": BOOLEAN, "skiplock": BOOLEAN}
SHUTDOWN: Schema = {**GUEST, "forceStop": BOOLEAN, "timeout": COUNT}
REBOOT: Schema = {**GUEST, "timeout": COUNT}
TASKS: Schema = {
    **ON_NODE,
    "errors": BOOLEAN,
    "limit": COUNT,
    "since": Param(kind="integer"),
    "source": Param(choices=("archive", "active", "all")),
    "start": COUNT,
    "statusfilter": Param(format=formats.task_statuses),
    "typefilter": TEXT,
    "until": Param(kind="integer"),
    "userfilter": TEXT,
    "vmid": OPTIONAL_VMID,
}
TASK: Schema = {**ON_NODE, "upid": Param(required=True)}
TASK_LOG: Schema = {**TASK, "download": BOOLEAN, "limit": COUNT, "start": COUNT}
NEXTID: Schema = {"vmid": OPTIONAL_VMID}
RESOURCES: Schema = {"type": Param(choices=("vm", "storage", "node", "sdn"))}
STORAGES: Schema = {
    **ON_NODE,
    "content": TEXT,
    "enabled": BOOLEAN,
    "format": BOOLEAN,
    "storage": STORAGE,
    "target": Param(format=formats.node),
}
CONTENT: Schema = {
    **ON_NODE,
    "storage": Param(required=True, format=formats.storage_id),
    "content": TEXT,
    "vmid": OPTIONAL_VMID,
}
NETWORK: Schema = {**ON_NODE, "type": TEXT}
INTERFACE: Schema = {**ON_NODE, "iface": Param(required=True, format=formats.iface, min_length=2, max_length=20)}

_POOL_ID = Param(required=True, format=formats.pool_id)
POOL_LIST: Schema = {"poolid": POOL, "type": Param(choices=("qemu", "lxc", "storage"), requires="poolid")}
POOL_READ: Schema = {"poolid": _POOL_ID, "type": Param(choices=("qemu", "lxc", "storage"))}
POOL_CREATE: Schema = {"poolid": _POOL_ID, "comment": TEXT}
POOL_DELETE: Schema = {"poolid": _POOL_ID}
POOL_UPDATE: Schema = {
    "poolid": _POOL_ID,
    "allow-move": BOOLEAN,
    "comment": TEXT,
    "delete": BOOLEAN,
    "storage": Param(format=formats.each(formats.storage_id)),
    "vms": Param(format=formats.each(formats.vmid)),
}

_USER = Param(required=True, format=formats.user_id, max_length=64)
_ROLE = Param(required=True, format=formats.role_id)
ACL_UPDATE: Schema = {
    "path": Param(required=True),
    "roles": Param(required=True, format=formats.each(formats.role_id)),
    "delete": BOOLEAN,
    "groups": Param(format=formats.each(formats.group_id)),
    "propagate": BOOLEAN,
    "tokens": Param(format=formats.each(formats.token_id)),
    "users": Param(format=formats.each(formats.user_id)),
}
PERMISSIONS: Schema = {"path": TEXT, "userid": TEXT}
ROLE: Schema = {"roleid": _ROLE}
ROLE_CREATE: Schema = {"roleid": _ROLE, "privs": TEXT}
ROLE_UPDATE: Schema = {"roleid": _ROLE, "privs": TEXT, "append": Param(kind="boolean", requires="privs")}
USERS: Schema = {"enabled": BOOLEAN, "full": BOOLEAN}
USER_CREATE: Schema = {
    "userid": _USER,
    "comment": Param(max_length=2048),
    "email": TEXT,
    "enable": BOOLEAN,
    "expire": COUNT,
    "firstname": TEXT,
    "groups": TEXT,
    "keys": TEXT,
    "lastname": TEXT,
    "password": Param(min_length=8, max_length=64),
}
USER: Schema = {"userid": _USER}
TOKEN: Schema = {"userid": _USER, "tokenid": Param(required=True, pattern=r"[A-Za-z][A-Za-z0-9.\-_]+")}
TOKEN_CREATE: Schema = {**TOKEN, "comment": TEXT, "expire": COUNT, "privsep": BOOLEAN}
TICKET: Schema = {
    "username": Param(required=True, max_length=64),
    "password": Param(required=True),
    "new-format": BOOLEAN,
    "otp": TEXT,
    "path": Param(max_length=64, requires="privs"),
    "privs": Param(max_length=64, requires="path"),
    "realm": Param(format=formats.realm, max_length=32),
    "tfa-challenge": TEXT,
}

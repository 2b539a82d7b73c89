"""Which calls pveproxy does not answer itself: those it hands to pvedaemon, and those that change ``user.cfg``.

Sources: the ``protected`` flag of each method in Proxmox's API description; PVE::API2::{ACL,Role,User,Pool}.
"""

from __future__ import annotations

_PROTECTED_READS = frozenset(
    {
        *("list", "current", "interfaces", "snapshots", "task_status", "task_log", "storage", "content", "volume"),
        *("cluster_status", "not_backed_up", "users", "qemu", "replication", "ipam_status", "ipset_member"),
    }
)

CHANGES_USERS = {
    "pool_create": "create pool failed",
    "pool_update": "update pools failed",
    "pool_delete": "delete pool failed",
    "acl_update": "ACL update failed",
    "role_create": "create role failed",
    "role_update": "update role failed",
    "role_delete": "delete role failed",
    "user_create": "create user failed",
    "user_update": "update user failed",
    "user_delete": "delete user failed",
    "group_create": "create group failed",
    "group_update": "update group failed",
    "group_delete": "delete group failed",
    "token_create": "generating token failed",
    "token_update": "updating token info failed",
    "token_delete": "deleting token failed",
}
"""Operation → what stands in front of the error of an operation that could not lock ``user.cfg``."""


def is_protected(operation: str, method: str) -> bool:
    """Whether pvedaemon has to do it: every write, and what can only be read as root."""
    return method != "GET" or operation in _PROTECTED_READS

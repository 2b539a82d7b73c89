"""The privileges and built-in roles of Proxmox VE 9 (PVE::AccessControl), as data. Who has them lives in ``access``."""

from __future__ import annotations

_VM_USER = frozenset({"VM.Audit", "VM.Backup", "VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Console", "VM.PowerMgmt"})
_VM_ADMIN = _VM_USER | {
    *("VM.Allocate", "VM.Clone", "VM.Migrate", "VM.Replicate", "VM.Snapshot", "VM.Snapshot.Rollback"),
    *("VM.Config.CPU", "VM.Config.Disk", "VM.Config.HWType", "VM.Config.Memory", "VM.Config.Network"),
    *("VM.Config.Options", "VM.GuestAgent.Audit", "VM.GuestAgent.FileRead", "VM.GuestAgent.FileSystemMgmt"),
    *("VM.GuestAgent.FileWrite", "VM.GuestAgent.Unrestricted"),
}
_DATASTORE_USER = frozenset({"Datastore.AllocateSpace", "Datastore.Audit"})
_DATASTORE_ADMIN = _DATASTORE_USER | {"Datastore.Allocate", "Datastore.AllocateTemplate"}
_SDN_USER = frozenset({"SDN.Audit", "SDN.Use"})
_SDN_ADMIN = _SDN_USER | {"SDN.Allocate"}
_POOL_USER = frozenset({"Pool.Audit"})
_POOL_ADMIN = _POOL_USER | {"Pool.Allocate"}
_MAPPING_ADMIN = frozenset({"Mapping.Audit", "Mapping.Modify", "Mapping.Use"})
_USER_ADMIN = frozenset({"Group.Allocate", "Realm.AllocateUser", "User.Modify"})
_SYS_ADMIN = frozenset({"Sys.Audit", "Sys.Console", "Sys.Syslog"})
_SYS_ROOT = frozenset({"Sys.AccessNetwork", "Sys.Incoming", "Sys.Modify", "Sys.PowerMgmt"})

_ADMIN = frozenset().union(
    _VM_ADMIN, _DATASTORE_ADMIN, _SDN_ADMIN, _POOL_ADMIN, _MAPPING_ADMIN, _USER_ADMIN, _SYS_ADMIN
)

ALL: frozenset[str] = _ADMIN | _SYS_ROOT | {"Permissions.Modify", "Realm.Allocate"}

ROLES: dict[str, frozenset[str]] = {
    "Administrator": ALL,
    "NoAccess": frozenset(),
    "PVEAdmin": _ADMIN,
    "PVEAuditor": frozenset(name for name in ALL if name.endswith(".Audit")),
    "PVEDatastoreAdmin": _DATASTORE_ADMIN,
    "PVEDatastoreUser": _DATASTORE_USER,
    "PVEMappingAdmin": _MAPPING_ADMIN,
    "PVEPoolAdmin": _POOL_ADMIN,
    "PVEPoolUser": _POOL_USER,
    "PVESDNAdmin": _SDN_ADMIN,
    "PVESDNUser": _SDN_USER,
    "PVESysAdmin": _SYS_ADMIN,
    "PVETemplateUser": frozenset({"VM.Audit", "VM.Clone"}),
    "PVEUserAdmin": _USER_ADMIN,
    "PVEVMAdmin": _VM_ADMIN,
    "PVEVMUser": _VM_USER,
}

BUILT_IN = frozenset(ROLES)

"""The privileges and built-in roles of Proxmox VE (PVE::AccessControl), as data. Who has them lives in ``access``.

Privileges stand in groups, each with those of root, of an administrator, a user and an auditor; roles follow from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """What only Administrator has, what a group's Admin, User and Auditor have besides."""

    root: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    audit: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All privileges of a release, and its roles that cannot be changed."""

    privileges: frozenset[str]
    roles: Mapping[str, frozenset[str]]


_CONFIG = tuple(f"VM.Config.{kind}" for kind in ("Disk", "CPU", "Memory", "Network", "HWType", "Options"))
_VM_ADMIN = (*_CONFIG, "VM.Allocate", "VM.Clone", "VM.Migrate", "VM.Snapshot", "VM.Snapshot.Rollback")
_VM_USER = ("VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Console", "VM.Backup", "VM.PowerMgmt")
_FILES = ("VM.GuestAgent.FileRead", "VM.GuestAgent.FileSystemMgmt", "VM.GuestAgent.FileWrite")

_OTHERS = {
    "Sys": _Group(
        root=("Sys.PowerMgmt", "Sys.Modify", "Sys.Incoming", "Sys.AccessNetwork"),
        admin=("Sys.Console", "Sys.Syslog"),
        audit=("Sys.Audit",),
    ),
    "Datastore": _Group(
        admin=("Datastore.Allocate", "Datastore.AllocateTemplate"),
        user=("Datastore.AllocateSpace",),
        audit=("Datastore.Audit",),
    ),
    "SDN": _Group(admin=("SDN.Allocate", "SDN.Audit"), user=("SDN.Use",), audit=("SDN.Audit",)),
    "User": _Group(root=("Realm.Allocate",), admin=("User.Modify", "Group.Allocate", "Realm.AllocateUser")),
    "Pool": _Group(admin=("Pool.Allocate",), user=("Pool.Audit",), audit=("Pool.Audit",)),
    "Mapping": _Group(admin=("Mapping.Modify",), user=("Mapping.Use",), audit=("Mapping.Audit",)),
}


def _catalogue(groups: Mapping[str, _Group]) -> Catalogue:
    """The roles of PVE::AccessControl::create_roles."""
    roles: dict[str, frozenset[str]] = {"NoAccess": frozenset(), "PVETemplateUser": frozenset({"VM.Audit", "VM.Clone"})}
    everything, admin, auditor = {"Permissions.Modify"}, set[str](), set[str]()
    for name, group in groups.items():
        held = frozenset((*group.admin, *group.user, *group.audit))
        roles[f"PVE{name}Admin"] = held
        if group.user:
            roles[f"PVE{name}User"] = frozenset((*group.user, *group.audit))
        everything |= {*held, *group.root}
        admin |= held
        auditor |= {*group.audit}
    roles |= {"PVEAdmin": frozenset(admin - {"Mapping.Modify"}), "PVEAuditor": frozenset(auditor)}
    return Catalogue(frozenset(everything), roles | {"Administrator": frozenset(everything)})


PVE9 = _catalogue(
    {
        "VM": _Group(
            admin=(*_VM_ADMIN, "VM.GuestAgent.Unrestricted", "VM.Replicate"),
            user=(*_VM_USER, *_FILES),
            audit=("VM.Audit", "VM.GuestAgent.Audit"),
        ),
        **_OTHERS,
    }
)
PVE8 = _catalogue({"VM": _Group(admin=(*_VM_ADMIN, "VM.Monitor"), user=_VM_USER, audit=("VM.Audit",)), **_OTHERS})
"""With VM.Monitor, which 9.0 took away in favour of VM.GuestAgent.*."""

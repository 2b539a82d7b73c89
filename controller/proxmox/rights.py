"""What a token must be allowed to do, what it lacks, and the ``pveum`` lines that grant it. Pure.

The rights are the least with which a running PVE 9.2 let a session live and die, found by removing one at a time.
Asking a real Proxmox for them is in ``controller.proxmox.preflight``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

Permissions = Mapping[str, frozenset[str]]
"""Rights by path, as ``Proxmox.permissions`` tells them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """A network that containers are connected to. ``zone`` is ``localnetwork`` unless it is a virtual network."""

    name: str
    vlan: int | None = None
    zone: str = "localnetwork"

    @property
    def path(self) -> str:
        base = f"/sdn/zones/{self.zone}/{self.name}"
        return base if self.vlan is None else f"{base}/{self.vlan}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a controller is going to use, of one pool."""

    pool: str
    storages: tuple[str, ...]
    """Where the disks of containers are made."""
    archives: tuple[str, ...] = ()
    """Volumes to create containers from, such as ``local:vztmpl/winux.tar.zst``."""
    templates: tuple[int, ...] = ()
    """VMIDs to clone containers from."""
    bridges: tuple[Bridge, ...] = ()
    firewall: bool = False
    """Containers get rules of their own."""

    @property
    def archive_storages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(volume.partition(":")[0] for volume in self.archives))


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One privilege on one path."""

    path: str
    privilege: str
    held: bool
    needed_for: str
    pveum: str
    """The shell lines, one per line, that grant it; harmless where it is held already."""
    optional: bool = False
    also: tuple[str, ...] = ()
    """Other privileges that do as well."""


_POOL_RIGHTS = (
    ("VM.Audit", "seeing its containers"),
    ("Pool.Audit", "telling which containers are in the pool"),
    ("VM.Allocate", "creating and destroying containers"),
    ("VM.PowerMgmt", "starting and stopping containers"),
    ("VM.Config.CPU", "setting cores"),
    ("VM.Config.Memory", "setting memory"),
    ("VM.Config.Disk", "setting the size of the disk"),
    ("VM.Config.Network", "setting host name, network, name servers and firewall"),
    ("VM.Config.Options", "setting description and protection, which guard against destroying by mistake"),
)
_ALL_GUESTS = "telling by one question that a container is gone (it lets the token read every guest's configuration)"


def needed_rights(needs: Needs, *, token_id: str, privsep: bool | None = None) -> tuple[Right, ...]:
    """Every right with ``held`` False. ``privsep`` as the token was made; None if that is not known."""
    grant = _Granter(token_id, privsep)
    return tuple(
        replace(right, pveum="\n".join(grant.script(right.path, (right.privilege,)))) for right in _wanted(needs)
    )


def check_rights(
    permissions: Permissions, needs: Needs, *, token_id: str, privsep: bool | None = None
) -> tuple[Right, ...]:
    """Every right that the token needs, and whether it holds it."""
    rights = needed_rights(needs, token_id=token_id, privsep=privsep)
    return tuple(
        replace(right, held=any(holds(permissions, right.path, p) for p in (right.privilege, *right.also)))
        for right in rights
    )


def holds(permissions: Permissions, path: str, privilege: str) -> bool:
    """Whether a privilege is held on a path: as the path itself says, else as the nearest one above says."""
    if path in permissions:
        return privilege in permissions[path]
    return path != "/" and holds(permissions, path.rpartition("/")[0] or "/", privilege)


def paths_to_observe(pool: str) -> tuple[str, ...]:
    """The paths to ask ``permissions`` for, so that ``can_observe`` knows for certain."""
    return (f"/pool/{pool}", "/vms")


def can_observe(permissions: Permissions, pool: str) -> bool:
    """Whether the containers of this pool, and that they are in it, show in the list of guests."""
    path = f"/pool/{pool}"
    sees = holds(permissions, path, "VM.Audit") or holds(permissions, "/vms", "VM.Audit")
    return sees and holds(permissions, path, "Pool.Audit")


def grants(rights: Iterable[Right], *, token_id: str, privsep: bool | None = None) -> tuple[str, ...]:
    """The shortest script that grants these rights: one role and one entry per path."""
    grant = _Granter(token_id, privsep)
    by_path: dict[str, list[str]] = {}
    for right in rights:
        by_path.setdefault(right.path, []).append(right.privilege)
    return tuple(line for path, privileges in by_path.items() for line in grant.script(path, privileges))


def _wanted(needs: Needs) -> Iterator[Right]:
    for privilege, needed_for in _POOL_RIGHTS:
        yield _right(f"/pool/{needs.pool}", privilege, needed_for)
    for template in needs.templates:
        yield _right(f"/vms/{template}", "VM.Clone", f"cloning template {template}")
        yield _right(f"/vms/{template}", "VM.Audit", f"seeing where template {template} is", optional=True)
    for storage in needs.storages:
        yield _right(f"/storage/{storage}", "Datastore.AllocateSpace", "making the disks of containers")
    for storage in needs.archive_storages:
        if storage not in needs.storages:
            also = ("Datastore.AllocateSpace",)
            yield _right(f"/storage/{storage}", "Datastore.Audit", "reading the archive of the desktop", also=also)
    for bridge in needs.bridges:
        yield _right(bridge.path, "SDN.Use", f"connecting containers to {bridge.name}")
    yield _right("/vms", "VM.Audit", _ALL_GUESTS, optional=True)


def _right(path: str, privilege: str, needed_for: str, *, also: tuple[str, ...] = (), optional: bool = False) -> Right:
    return Right(
        path=path, privilege=privilege, held=False, needed_for=needed_for, pveum="", also=also, optional=optional
    )


def _role(path: str, privilege: str) -> str:
    """One role per kind of path, or a role made for one place would grant too much in another."""
    if path == "/vms":
        return "WinuxAudit"
    if privilege == "Datastore.Audit":
        return "WinuxArchive"
    return {"pool": "WinuxPool", "vms": "WinuxTemplate", "storage": "WinuxStorage", "sdn": "WinuxNetwork"}[
        path.split("/")[1]
    ]


@dataclass(frozen=True, slots=True)
class _Granter:
    token_id: str
    privsep: bool | None

    def script(self, path: str, privileges: Sequence[str]) -> Iterator[str]:
        """A role has to exist before it is granted; granting one twice changes nothing."""
        role, privs = _role(path, privileges[0]), " ".join(privileges)
        yield (
            f'pveum role add {role} --privs "{privs}" 2>/dev/null || '
            f'pveum role modify {role} --append 1 --privs "{privs}"'
        )
        yield f"pveum acl modify {path} --users '{self.token_id.partition('!')[0]}' --roles {role}"
        if self.privsep is not False:
            # a separated token has what both it and its user have; on any other token this is ignored
            yield f"pveum acl modify {path} --tokens '{self.token_id}' --roles {role}"

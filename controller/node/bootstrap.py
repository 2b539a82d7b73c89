"""What a fresh cluster holds: storages, an archive, a template on each node, a pool, and the two tokens.

The pool's token has exactly the rights that a controller needs (measured by removing each): on the pool, the storages,
the bridge's zone and the ready templates. One more lets it read when it expires itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from controller.node.access import ROOT, AclKey, Group, Pool, Token, User
from controller.node.cluster import Cluster
from controller.node.guest import MIB, Guest
from controller.node.storage import Storage, Volume

ARCHIVE = "local:vztmpl/winux-desktop-debian12_1_amd64.tar.zst"
STOCK_ARCHIVE = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
BRIDGE = "vmbr0"
FULL_TOKEN = f"{ROOT}!winux"
POOL_USER = "winux@pve"
POOL_TOKEN = f"{POOL_USER}!controller"
POOL_GROUP = "winux"
"""Of that user alone: rights on it are rights to read about this user and its tokens."""

CONTROLLER_PRIVILEGES = frozenset(
    {
        *("VM.Allocate", "VM.Audit", "VM.Clone", "VM.PowerMgmt", "Pool.Audit"),
        *(f"VM.Config.{kind}" for kind in ("CPU", "Memory", "Disk", "Network", "Options")),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Furniture:
    """The names of what was set up; ``repr`` hides the tokens, which hold their secrets."""

    templates: tuple[int, ...]
    token: str = field(repr=False)
    pool_token: str = field(repr=False)
    storage: str = "local"
    ostemplate: str = ARCHIVE
    bridge: str = BRIDGE


def stock(cluster: Cluster, *, image: Path | None = None) -> None:
    """Storages and the files on them; with an image the archive is that file, and there is no other."""
    now = int(cluster.schedule.wall())
    files = {
        ARCHIVE: Volume("vztmpl", "tzst", 190 * MIB, now),
        STOCK_ARCHIVE: Volume("vztmpl", "tzst", 120 * MIB, now, systemd=True),
    }
    if image is not None and image.exists():
        files = {ARCHIVE: Volume("vztmpl", "tzst", image.stat().st_size, int(image.stat().st_mtime))}
    content = ("backup", "images", "iso", "rootdir", "snippets", "vztmpl")
    storages = [Storage("local", "dir", content, volumes=files), Storage("local-zfs", "zfspool", ("images", "rootdir"))]
    if len(cluster.nodes) > 1:
        storages.append(Storage("shared", "nfs", ("images", "rootdir", "vztmpl"), shared=True))
    cluster.storages = {storage.name: storage for storage in storages}


def resume(cluster: Cluster, *, first_template: int) -> Furniture:
    """The names of a cluster that was furnished in an earlier run."""
    secrets = {name: token.secret for name, token in cluster.access.tokens.items()}
    templates = [vmid for vmid in _template_vmids(cluster, first_template) if vmid in cluster.guests]
    return Furniture(
        templates=tuple(templates),
        token=f"{FULL_TOKEN}={secrets.get(FULL_TOKEN, '')}",
        pool_token=f"{POOL_TOKEN}={secrets.get(POOL_TOKEN, '')}",
    )


def _template_vmids(cluster: Cluster, first: int) -> tuple[int, ...]:
    return tuple(first + n for n in range(len(cluster.nodes)))


def furnish(
    cluster: Cluster, *, pool: str, first_template: int, full_secret: str, pool_secret: str, root_password: str | None
) -> Furniture:
    """Set up a fresh cluster."""
    if not cluster.storages:
        stock(cluster)
    templates = _template_vmids(cluster, first_template)
    for vmid, node in zip(templates, cluster.nodes, strict=True):
        cluster.add(_template(cluster, vmid, node))
    _grant(cluster, pool, [*cluster.storages], templates)
    access = cluster.access
    access.users[ROOT].password = root_password
    access.tokens[FULL_TOKEN] = Token(full_secret, privsep=False, comment="all rights")
    access.tokens[POOL_TOKEN] = Token(pool_secret, privsep=False, comment="a controller's rights")
    access.changed()
    cluster.broadcast()
    return Furniture(templates=templates, token=f"{FULL_TOKEN}={full_secret}", pool_token=f"{POOL_TOKEN}={pool_secret}")


def _template(cluster: Cluster, vmid: int, node: str) -> Guest:
    """Its storage can make linked clones."""
    return Guest(
        vmid,
        node,
        {
            "arch": "amd64",
            "cores": "2",
            "features": "nesting=1",
            "hostname": f"winux-golden-{node}",
            "memory": "1024",
            "net0": f"name=eth0,bridge={BRIDGE},hwaddr={cluster.new_mac()},ip=dhcp,type=veth",
            "ostype": "debian",
            "rootfs": f"local-zfs:basevol-{vmid}-disk-0,size=10G",
            "swap": "512",
            "template": "1",
            "unprivileged": "1",
        },
    )


def _grant(cluster: Cluster, pool: str, storages: list[str], templates: tuple[int, ...]) -> None:
    access, user = cluster.access, AclKey("user", POOL_USER)
    access.roles |= {
        "WinuxController": CONTROLLER_PRIVILEGES,
        "WinuxStorage": frozenset({"Datastore.AllocateSpace"}),
        "WinuxNetwork": frozenset({"SDN.Use"}),
        "WinuxSelf": frozenset({"Sys.Audit"}),
    }
    access.users[POOL_USER] = User(comment="winux-controller")
    access.groups[POOL_GROUP] = Group(comment="winux-controller", users={POOL_USER})
    access.grant(f"/access/groups/{POOL_GROUP}", user, ["WinuxSelf"])
    access.pools[pool] = Pool(comment="desktops of winux-controller")
    access.grant(f"/pool/{pool}", user, ["WinuxController"])
    for storage in storages:
        access.grant(f"/storage/{storage}", user, ["WinuxStorage"])
    access.grant(f"/sdn/zones/localnetwork/{BRIDGE}", user, ["WinuxNetwork"])
    for vmid in templates:
        access.grant(f"/vms/{vmid}", user, ["PVETemplateUser"])

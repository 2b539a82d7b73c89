"""Storages and what lies on them (PVE::Storage), as far as containers need it."""

from __future__ import annotations

from dataclasses import dataclass, field

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Volume:
    """A file that somebody put there: a container template or an ISO image. Root disks belong to their guests."""

    content: str
    format: str
    size: int
    created: int
    systemd: bool = False
    """Whether its guest runs systemd, which without ``nesting=1`` gets a warning in create and start tasks."""


@dataclass(slots=True)
class Storage:
    name: str
    kind: str
    """``dir``, ``zfspool``, ``nfs`` …"""
    content: tuple[str, ...]
    shared: bool = False
    total: int = 1000 * GIB
    nodes: frozenset[str] | None = None
    """None: on every node."""
    volumes: dict[str, Volume] = field(default_factory=dict)

    @property
    def clones(self) -> bool:
        """Whether a base volume there can have linked clones. Neither raw files nor sub-directories can."""
        return self.kind in ("zfspool", "lvmthin", "btrfs")

    def disk(self, vmid: int, size: int) -> str:
        """The value of ``rootfs`` for a new disk of ``size`` GiB; 0 on a directory is a plain sub-directory."""
        if self.kind in ("dir", "nfs"):
            suffix = "raw" if size else "subvol"
            name = f"{vmid}/{'vm' if size else 'subvol'}-{vmid}-disk-0.{suffix}"
        else:
            name = f"subvol-{vmid}-disk-0"
        return f"{self.name}:{name},size={f'{size}G' if size else '0T'}"

    def base(self, volume: str) -> str:
        """The name of a root disk's volume after its guest became a template."""
        return volume.replace("subvol-", "basevol-").replace("/vm-", "/base-")

"""Storages and what lies on them (PVE::Storage), as far as containers need it."""

from __future__ import annotations

from dataclasses import dataclass, field

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Volume:
    """What somebody put there: a container template, an ISO image, a disk. Root disks belong to their guests."""

    content: str
    format: str
    size: int
    created: int
    systemd: bool = False
    """Whether its guest runs systemd, which without ``nesting=1`` gets a warning in create and start tasks."""
    vmid: int | None = None
    """The owner of a disk that was made by itself."""


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
    taken: dict[str, int] = field(default_factory=dict)
    """Node → bytes that others put there; of a shared storage under the name ``""``."""

    def taken_on(self, node: str) -> int:
        return self.taken.get("" if self.shared else node, 0)

    def take(self, node: str, size: int) -> None:
        """Others put so many bytes there, of which all before were part."""
        self.taken["" if self.shared else node] = size

    @property
    def clones(self) -> bool:
        """Whether a base volume there can have linked clones. Neither raw files nor sub-directories can."""
        return self.kind in ("zfspool", "lvmthin", "btrfs")

    @property
    def snapshots(self) -> bool:
        """Whether a container's disk there can have snapshots (volume_has_feature of PVE::Storage::*Plugin)."""
        return self.kind in ("zfspool", "lvmthin", "btrfs", "rbd")

    @property
    def clones_of_snapshots(self) -> bool:
        """Whether a snapshot there can have linked clones."""
        return self.kind in ("lvmthin", "rbd")

    @property
    def newest_only(self) -> bool:
        """Whether a rollback has to be to the newest snapshot."""
        return self.kind == "zfspool"

    @property
    def directory(self) -> str | None:
        """Where its files lie; None where it has no files, but datasets or logical volumes."""
        if self.kind == "dir":
            return "/var/lib/vz" if self.name == "local" else f"/mnt/{self.name}"
        return f"/mnt/pve/{self.name}" if self.kind in ("nfs", "cifs", "cephfs", "btrfs") else None

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

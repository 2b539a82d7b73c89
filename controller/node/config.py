"""What a node is started with."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from controller.node.profile import PROFILES, Profile
from controller.node.release import NEWEST, RELEASES, Release
from controller.node.tls import VALID_DAYS

MOST_NODES = 32
ENGINES = ("memory", "lxc")
USUAL_PROFILE = {"memory": "real", "lxc": "instant"}
"""What is simulated takes as long as the real thing; what is real takes as long as it takes."""
LXC_HOME = Path("/var/lib/winux")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """A cluster of one or more nodes and the address of its API."""

    listen: str = "127.0.0.1:0"
    """Loopback only; port 0 takes a free one."""
    nodes: tuple[str, ...] = ("pve1",)
    """The first one answers the API; the others are reached through it."""
    profile: str = "real"
    """A name in ``profile.PROFILES``."""
    version: str = NEWEST.name
    """The release of Proxmox VE that it answers like: a name in ``release.RELEASES``."""
    seed: int = 0
    """Of durations, MAC addresses and the choices of faults. Secrets are never drawn from it."""
    directory: Path = field(default_factory=lambda: Path(".winux-node"))
    """Where ``ca.pem`` and the token files go."""
    state: Path | None = None
    """A directory in which the cluster survives a restart; None keeps it in memory only."""
    faults: Path | None = None
    """A script of faults over time (``script``); it begins when the node serves, at every start anew."""
    pool: str = "winux"
    first_template: int = 9000
    """VMID of the ready container template of the first node; each further node has the next one."""
    root_password: str | None = field(default=None, repr=False)
    """Of root@pam, for tickets; None: no password logs in."""
    engine: str = "memory"
    """What containers are: ``memory``, or ``lxc`` for real ones on this machine."""
    image: Path | None = None
    """The tarball that containers of ``lxc`` are made from."""
    home: Path | None = None
    """Where ``lxc`` keeps containers and unpacked images; None: ``/var/lib/winux``."""
    internet: bool = False
    """Whether containers of ``lxc`` reach what is beyond this machine."""
    certificate_days: int = VALID_DAYS
    """How long the API's certificate is good. One for less than a month is made anew at every start."""
    rdp_port: int = 3389
    rdp: bool = True
    """Whether running containers answer on their loopback addresses."""

    @property
    def timing(self) -> Profile:
        if self.profile not in PROFILES:
            raise ValueError(f"there is no profile {self.profile!r}; choose one of: {', '.join(PROFILES)}")
        return PROFILES[self.profile]

    @property
    def release(self) -> Release:
        if self.version not in RELEASES:
            raise ValueError(f"there is no version {self.version!r}; choose one of: {', '.join(RELEASES)}")
        return RELEASES[self.version]

    @property
    def host_port(self) -> tuple[str, int]:
        """The two parts of ``listen``: an address, never a name."""
        host, colon, port = self.listen.rpartition(":")
        if not colon or not _is_loopback(host) or not port.isdecimal() or int(port) > 65535:
            raise ValueError(f"listen is {self.listen!r}; write a loopback address and a port, such as 127.0.0.1:8006")
        return host, int(port)

    def check(self) -> None:
        """Raises a ``ValueError`` with one sentence for the first value that cannot be used."""
        if not 1 <= len(self.nodes) <= MOST_NODES:
            raise ValueError(f"a cluster of {len(self.nodes)} nodes cannot be made; choose 1 to {MOST_NODES}")
        if not 1 <= self.certificate_days <= VALID_DAYS:
            raise ValueError(f"a certificate for {self.certificate_days} days cannot be made; choose 1 to {VALID_DAYS}")
        _ = self.host_port, self.timing, self.release
        if self.engine not in ENGINES:
            raise ValueError(f"there is no engine {self.engine!r}; choose one of: {', '.join(ENGINES)}")
        if self.engine == "lxc" and self.image is None:
            raise ValueError("the engine lxc makes containers from an image: build one with `winux image build`")


def named(count: int) -> tuple[str, ...]:
    """The names of so many nodes: ``pve1``, ``pve2`` …"""
    return tuple(f"pve{number + 1}" for number in range(count))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False

"""The text that ``lxc-start`` reads for one container. Pure: nothing here touches the host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.node.lxc.filters import OPEN, Filter
from controller.node.lxc.idmap import UIDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """One network interface."""

    name: str
    mac: str
    bridge: str
    pair: str
    """The name of the host's end."""
    address: str | None = None
    """With its prefix; None: the guest has none."""
    gateway: str | None = None
    filtered: Filter = OPEN
    """The container's firewall on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    cgroup: str
    """Where the container's control groups are."""
    relative: bool
    """Whether that is below the node's own."""
    hostname: str
    root: Path
    first: int
    """The host's id of the container's root."""
    nics: Sequence[Nic]
    limits: Sequence[str]
    """Lines of cgroup limits."""
    console: Path
    nesting: bool = False


def text(settings: Settings) -> str:
    """An unprivileged container, as systemd wants it."""
    lines = [
        "lxc.include = /usr/share/lxc/config/common.conf",
        "lxc.include = /usr/share/lxc/config/userns.conf",
        *(["lxc.include = /usr/share/lxc/config/nesting.conf"] if settings.nesting else []),
        "lxc.arch = linux64",
        f"lxc.uts.name = {settings.hostname}",
        f"lxc.rootfs.path = dir:{settings.root}",
        f"lxc.idmap = u 0 {settings.first} {UIDS}",
        f"lxc.idmap = g 0 {settings.first} {UIDS}",
        f"lxc.cgroup.relative = {int(settings.relative)}",
        f"lxc.cgroup.dir.container = {settings.cgroup}/payload",
        f"lxc.cgroup.dir.monitor = {settings.cgroup}/monitor",
        f"lxc.cgroup.dir.monitor.pivot = {settings.cgroup}/pivot",
        "lxc.signal.halt = SIGRTMIN+3",
        f"lxc.console.logfile = {settings.console}",
        *settings.limits,
    ]
    for number, nic in enumerate(settings.nics):
        lines += _nic(f"lxc.net.{number}", nic)
    if not settings.nics:
        lines.append("lxc.net.0.type = empty")
    return "\n".join(lines) + "\n"


def _nic(key: str, nic: Nic) -> list[str]:
    lines = [
        f"{key}.type = veth",
        f"{key}.link = {nic.bridge}",
        f"{key}.veth.pair = {nic.pair}",
        f"{key}.name = {nic.name}",
        f"{key}.hwaddr = {nic.mac}",
        f"{key}.flags = up",
    ]
    if nic.address:
        lines.append(f"{key}.ipv4.address = {nic.address}")
    if nic.gateway:
        lines.append(f"{key}.ipv4.gateway = {nic.gateway}")
    return lines

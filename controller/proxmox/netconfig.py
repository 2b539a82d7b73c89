"""Writes and reads the network interface of a container as Proxmox does: ``name=eth0,bridge=vmbr0,ip=dhcp``. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

_BRIDGE = re.compile(r"[A-Za-z][\w.-]{0,14}", re.ASCII)
_NAME = re.compile(r"[A-Za-z][\w.-]{0,14}", re.ASCII)


def format_net(
    *,
    bridge: str,
    vlan: int | None = None,
    address: str | None = None,
    gateway: str | None = None,
    firewall: bool = False,
    name: str = "eth0",
) -> str:
    """The value of ``net0``. ``address`` is IPv4 with its prefix (``10.0.0.5/24``), or None for DHCP.
    ``firewall``: it goes through the container's firewall; else nothing is said of that.

    Raises ``ValueError`` with one sentence for what Proxmox would refuse or, worse, take for something else.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a network interface, such as eth0")
    if not _BRIDGE.fullmatch(bridge):
        raise ValueError(f"{bridge!r} is not the name of a bridge, such as vmbr0")
    parts = {"name": name, "bridge": bridge}
    if vlan is not None:
        if not 1 <= vlan <= 4094:
            raise ValueError(f"a VLAN is a number from 1 to 4094, not {vlan}")
        parts["tag"] = str(vlan)
    parts.update(_addressing(address, gateway))
    if firewall:
        parts["firewall"] = "1"
    parts["type"] = "veth"
    return ",".join(f"{key}={value}" for key, value in parts.items())


def _addressing(address: str | None, gateway: str | None) -> Mapping[str, str]:
    if address is None:
        if gateway is not None:
            raise ValueError(f"with DHCP the gateway comes from there: leave out {gateway}")
        return {"ip": "dhcp"}
    if "/" not in address:
        raise ValueError(f"the address {address!r} lacks its prefix, as in 10.0.0.5/24")
    try:
        interface = ipaddress.IPv4Interface(address)
    except ValueError as error:
        raise ValueError(f"{address!r} is not an IPv4 address with a prefix, as in 10.0.0.5/24: {error}") from None
    if gateway is None:
        return {"ip": str(interface)}
    try:
        router = ipaddress.IPv4Address(gateway)
    except ValueError:
        raise ValueError(f"the gateway {gateway!r} is not an IPv4 address") from None
    if router not in interface.network or router == interface.ip:
        raise ValueError(f"the gateway {router} is not another address of {interface.network}, where {interface} is")
    return {"ip": str(interface), "gw": str(router)}


def parse_net(text: str) -> Mapping[str, str]:
    """The parts by key, ``hwaddr`` among them once Proxmox gave one. Raises ``ValueError`` for what is no such list."""
    parts: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals or not key or key in parts:
            raise ValueError(f"{text!r} is not a list of key=value")
        parts[key] = value
    return parts


def behind_firewall(text: str) -> str:
    """The same interface, going through the container's firewall. Raises ``ValueError`` for what is no such list."""
    return ",".join(f"{key}={value}" for key, value in {**parse_net(text), "firewall": "1"}.items())


def static_address(text: str) -> str | None:
    """The fixed IPv4 address in a net0, without its prefix; None for DHCP or none."""
    ip = parse_net(text).get("ip", "")
    return ip.partition("/")[0] if "/" in ip else None

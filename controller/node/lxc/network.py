"""The bridge that containers are on: addresses of its own, no way from one guest to another, none to the host.

All rules are in two tables of nftables that belong to one engine. They hold for every port whose name begins as this
engine's do, so a container is never on the bridge without them. IPv6 is not spoken on it.
"""

from __future__ import annotations

import ipaddress
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from controller.node.lxc import host

_POOL = ipaddress.IPv4Network("10.64.0.0/10")
"""Where subnets are taken from, one /24 for an engine."""
_FIRST_GUEST = 10


@dataclass(frozen=True, slots=True)
class Nat:
    """Whether guests reach what is beyond the host."""

    enabled: bool = False


class Network:
    """The bridge of the engine in ``directory``. ``up`` makes it, ``down`` removes all of it."""

    def __init__(self, directory: Path, *, internet: bool) -> None:
        self._number = zlib.crc32(os.fspath(directory.resolve()).encode()) & 0xFFFF
        self.tag = f"wx{self._number:04x}"
        self.bridge = self.tag
        self._internet = internet
        self.subnet = ipaddress.IPv4Network("10.64.0.0/24")

    @property
    def gateway(self) -> str:
        return str(self.subnet[1])

    @property
    def prefix(self) -> int:
        return self.subnet.prefixlen

    def pair(self, vmid: int, number: int) -> str:
        """The name of the host's end of an interface; at most 15 characters."""
        return f"{self.tag}p{vmid}" if number == 0 else f"{self.tag}{'qrst'[number - 1 & 3]}{vmid}"

    def up(self) -> None:
        """Make it, or find it as an earlier process left it.

        Raises:
            HostError: the host lacks bridges or nftables, or no subnet is free.
        """
        found = _addresses()
        if self.bridge in found:
            self.subnet = ipaddress.IPv4Interface(found[self.bridge][0]).network
        else:
            self.subnet = self._free_subnet([network for texts in found.values() for network in texts])
            host.run("ip", "link", "add", self.bridge, "type", "bridge")
            host.run("ip", "address", "add", f"{self.gateway}/{self.prefix}", "dev", self.bridge)
        host.run("ip", "link", "set", self.bridge, "up")
        host.run("nft", "-f", "-", text=self._rules())
        if self._internet:
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n", encoding="ascii")

    def down(self) -> None:
        for table in (f"inet {self.tag}", f"bridge {self.tag}"):
            if host.succeeds("nft", "list", "table", *table.split()):
                host.run("nft", "delete", "table", *table.split())
        if self.bridge in _addresses():
            host.run("ip", "link", "delete", self.bridge)

    def free_address(self, taken: set[str]) -> str:
        """Raises ``HostError`` when all are taken."""
        for number in range(_FIRST_GUEST, self.subnet.num_addresses - 1):
            if (address := str(self.subnet[number])) not in taken:
                return address
        raise host.HostError(f"no address of {self.subnet} is free")

    def admit(self, pair: str, mac: str, address: str) -> None:
        """Let an interface speak with that hardware address and that address, and no other."""
        host.run("nft", "add", "element", "bridge", self.tag, "guests", f"{{ {pair} . {mac.lower()} . {address} }}")

    def dismiss(self, pair: str, mac: str, address: str) -> None:
        element = f"{{ {pair} . {mac.lower()} . {address} }}"
        host.succeeds("nft", "delete", "element", "bridge", self.tag, "guests", element)

    def _rules(self) -> str:
        """Both tables, with what they held before replaced in one transaction; admitted guests stay admitted."""
        ports = f'"{self.tag}*"'
        reach = "" if self._internet else f'        iifname "{self.bridge}" drop\n'
        nat = (
            f"""    chain leave {{
        type nat hook postrouting priority srcnat;
        ip saddr {self.subnet} oifname != "{self.bridge}" masquerade
    }}
"""
            if self._internet
            else ""
        )
        return f"""table bridge {self.tag} {{
    set guests {{ type ifname . ether_addr . ipv4_addr; }}
    chain enter {{ type filter hook prerouting priority 0; }}
    chain between {{ type filter hook forward priority 0; }}
}}
flush table bridge {self.tag}
table bridge {self.tag} {{
    chain enter {{
        iifname != {ports} accept
        iifname "{self.bridge}" accept
        ether type ip iifname . ether saddr . ip saddr @guests accept
        ether type arp iifname . ether saddr . arp saddr ip @guests accept
        drop
    }}
    chain between {{
        iifname {ports} oifname {ports} drop
    }}
}}
table inet {self.tag}
delete table inet {self.tag}
table inet {self.tag} {{
    chain host {{
        type filter hook input priority 0;
        iifname != "{self.bridge}" accept
        ct state established,related accept
        icmp type echo-request accept
        drop
    }}
    chain beyond {{
        type filter hook forward priority 0;
        oifname "{self.bridge}" ct state established,related accept
        oifname "{self.bridge}" drop
{reach}    }}
{nat}}}
"""

    def _free_subnet(self, used: list[str]) -> ipaddress.IPv4Network:
        taken = [ipaddress.IPv4Interface(text).network for text in used]
        taken += [ipaddress.IPv4Network(text) for text in _routes()]
        subnets = 1 << (24 - _POOL.prefixlen)
        start = self._number % subnets
        for step in range(subnets):
            first = int(_POOL[0]) + ((start + step) % subnets << 8)
            subnet = ipaddress.IPv4Network((first, 24))
            if not any(subnet.overlaps(other) for other in taken):
                return subnet
        raise host.HostError(f"no subnet of {_POOL} is free for a bridge")


def _addresses() -> dict[str, list[str]]:
    """Interface → its IPv4 addresses with prefixes."""
    rows = json.loads(host.run("ip", "-json", "-4", "address", "show") or "[]")
    return {row["ifname"]: [f"{one['local']}/{one['prefixlen']}" for one in row["addr_info"]] for row in rows if row}


def _routes() -> list[str]:
    rows = json.loads(host.run("ip", "-json", "-4", "route", "show", "table", "all") or "[]")
    texts = [str(row["dst"]) for row in rows if str(row.get("dst", "default")) != "default"]
    return [text if "/" in text else f"{text}/32" for text in texts]

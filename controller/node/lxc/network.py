"""The bridge that containers are on: addresses of its own, no way from one guest to another, none to the host.

All rules are in two tables of nftables that belong to one engine. They hold for every port whose name begins as this
engine's do, so a container is never on the bridge without them. As no guest reaches another, all that one of them says
or hears passes the host's own hooks: there the filters of containers are, by address, which nobody can forge. IPv6 is
not spoken on the bridge.
"""

from __future__ import annotations

import ipaddress
import json
import os
import string
import zlib
from dataclasses import dataclass
from pathlib import Path

from controller.node.lxc import host
from controller.node.lxc.filters import OPEN, Filter

_POOL = ipaddress.IPv4Network("10.64.0.0/10")
"""Where subnets are taken from, one /24 for an engine."""
_FIRST_GUEST = 10
_TAKEN = "File exists"
"""What nft says of an address that leads to another chain already; then it did nothing at all."""
_MAPS = ("inwards", "outwards")
"""An address → the chain with its filter; they are in the order of ``Filter``."""


@dataclass(frozen=True, slots=True)
class Port:
    """The host's end of a guest's interface, and who speaks there."""

    pair: str
    mac: str
    address: str
    """IPv4, without a prefix."""

    @property
    def element(self) -> str:
        return f"{self.pair} . {self.mac.lower()} . {self.address}"


class Network:
    """The bridge of the engine in ``directory``. ``up`` makes it, ``down`` removes all of it.

    Its name comes from the directory, which is kept beside it as the interface's alias.
    """

    def __init__(self, directory: Path, *, internet: bool) -> None:
        self._alias = os.fspath(directory.resolve())
        self._number = zlib.crc32(self._alias.encode()) & 0xFFFF
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
        """The name of the host's end of an interface: 15 characters are allowed, and VMIDs may have nine digits."""
        return f"{self.tag}{string.ascii_letters[number]}{vmid:x}"

    def up(self) -> None:
        """Make it, or find it as an earlier process left it, even half made.

        Raises:
            HostError: the host lacks bridges or nftables, no subnet is free, or the bridge is somebody else's.
        """
        if not self._is_there():
            host.run("ip", "link", "add", self.bridge, "type", "bridge")
            host.run("ip", "link", "set", self.bridge, "alias", self._alias)
        self._check_ours()
        found = _addresses()
        if self.bridge in found:
            self.subnet = ipaddress.IPv4Interface(found[self.bridge][0]).network
        else:
            self.subnet = self._free_subnet([network for texts in found.values() for network in texts])
            host.run("ip", "address", "add", f"{self.gateway}/{self.prefix}", "dev", self.bridge)
        host.run("nft", "-f", "-", text=self._rules())
        if Path("/proc/sys/net/ipv6").is_dir():
            host.run("ip", "link", "set", self.bridge, "addrgenmode", "none")
        host.run("ip", "link", "set", self.bridge, "up")
        if self._internet:
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n", encoding="ascii")

    def down(self) -> None:
        """Remove what is there of it."""
        # a table that is not there is made first, for deleting it would be an error
        host.run("nft", "-f", "-", text="".join(f"table {one}\ndelete table {one}\n" for one in self._tables))
        if self._is_there():
            self._check_ours()
            host.run("ip", "link", "delete", self.bridge)

    @property
    def _tables(self) -> tuple[str, str]:
        return f"inet {self.tag}", f"bridge {self.tag}"

    def _is_there(self) -> bool:
        return host.succeeds("ip", "link", "show", "dev", self.bridge)

    def _check_ours(self) -> None:
        (link,) = json.loads(host.run("ip", "-json", "link", "show", "dev", self.bridge))
        alias = link.get("ifalias")
        if alias not in (None, self._alias):  # none: its maker was killed before it said whose it is
            raise host.HostError(f"bridge {self.bridge} belongs to {alias}: choose another directory for this node")

    def has(self, address: str) -> bool:
        return ipaddress.IPv4Address(address) in self.subnet

    def free_address(self, taken: set[str]) -> str:
        """Raises ``HostError`` when all are taken."""
        for number in range(_FIRST_GUEST, self.subnet.num_addresses - 1):
            if (address := str(self.subnet[number])) not in taken:
                return address
        raise host.HostError(f"no address of {self.subnet} is free")

    def admit(self, port: Port, filtered: Filter) -> None:
        """Let an interface speak with that hardware address and that address, and no other, as the filter says.

        Raises:
            HostError: another one was admitted with that address.
        """
        element = f"add element bridge {self.tag} guests {{ {port.element} }}\n"
        try:
            host.run("nft", "-f", "-", text=element + self._filter(port, filtered))
        except host.HostError as failure:
            if _TAKEN in str(failure):
                raise host.HostError(f"address {port.address} is in use by another container") from failure
            raise

    def filter(self, port: Port, filtered: Filter) -> None:
        """Another filter for an interface that was admitted; there is no moment without one."""
        host.run("nft", "-f", "-", text=self._filter(port, filtered))

    def dismiss(self, port: Port) -> None:
        """Also one that was not admitted, be it for its address is another one's."""
        guest = f"element bridge {self.tag} guests {{ {port.element} }}\n"
        text = f"add {guest}delete {guest}" + self._filter(port, OPEN)
        for way in _MAPS:
            text += f"delete element inet {self.tag} {way} {{ {port.address} }}\n"
            text += f"delete chain inet {self.tag} {way}-{port.pair}\n"
        try:
            host.run("nft", "-f", "-", text=text)
        except host.HostError as failure:
            if _TAKEN not in str(failure):
                raise

    def _filter(self, port: Port, filtered: Filter) -> str:
        text = ""
        for way, rules in zip(_MAPS, (filtered.inwards, filtered.outwards), strict=True):
            chain = f"inet {self.tag} {way}-{port.pair}"
            text += f"add chain {chain}\nflush chain {chain}\n"
            text += "".join(f"add rule {chain} {rule}\n" for rule in rules)
            text += f"add element inet {self.tag} {way} {{ {port.address} : jump {way}-{port.pair} }}\n"
        return text

    def _rules(self) -> str:
        """All base chains in one transaction; guests that were admitted, and their filters, stay as they are."""
        beyond = "" if self._internet else f'        iifname "{self.bridge}" drop\n'
        nat = f'        ip saddr {self.subnet} oifname != "{self.bridge}" masquerade\n' if self._internet else ""
        return f"""table bridge {self.tag} {{
    set guests {{ type ifname . ether_addr . ipv4_addr; }}
    chain enter {{ type filter hook prerouting priority 0; }}
    chain between {{ type filter hook forward priority 0; }}
}}
flush table bridge {self.tag}
table bridge {self.tag} {{
    chain enter {{
        iifname != "{self.tag}*" accept
        iifname "{self.bridge}" accept
        ether type ip iifname . ether saddr . ip saddr @guests accept
        ether type arp iifname . ether saddr . arp saddr ip @guests accept
        drop
    }}
    chain between {{
        iifname "{self.tag}*" oifname "{self.tag}*" drop
    }}
}}
table inet {self.tag} {{
    map inwards {{ type ipv4_addr : verdict; }}
    map outwards {{ type ipv4_addr : verdict; }}
    chain from-guest {{ type filter hook input priority 0; }}
    chain beyond {{ type filter hook forward priority 0; }}
    chain to-guest {{ type filter hook output priority 0; }}
    chain leave {{ type nat hook postrouting priority srcnat; }}
}}
flush chain inet {self.tag} from-guest
flush chain inet {self.tag} beyond
flush chain inet {self.tag} to-guest
flush chain inet {self.tag} leave
table inet {self.tag} {{
    chain from-guest {{
        iifname != "{self.bridge}" accept
        ip saddr vmap @outwards
        ct state established,related accept
        icmp type echo-request accept
        drop
    }}
    chain beyond {{
        iifname "{self.bridge}" ip saddr vmap @outwards
        oifname "{self.bridge}" ip daddr vmap @inwards
        oifname "{self.bridge}" ct state established,related accept
        oifname "{self.bridge}" drop
{beyond}    }}
    chain to-guest {{
        oifname "{self.bridge}" ip daddr vmap @inwards
    }}
    chain leave {{
{nat}    }}
}}
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

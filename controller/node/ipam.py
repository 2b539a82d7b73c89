"""The addresses of a software-defined network, as the built-in IPAM of Proxmox VE keeps them (PVE::Network::SDN).

There is one zone with DHCP, one vnet and one subnet, ready to be written to; zones cannot be made. Containers do not
attach to that vnet: entries are those that calls of the API made, and the gateway.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from controller.node.errors import died

IPAM = "pve"
ZONE = "winux"
VNET = "winux0"
SUBNET = "10.97.0.0/16"
GATEWAY = "10.97.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    mac: str | None = None
    vmid: int | None = None
    gateway: bool = False


@dataclass(slots=True)
class Ipam:
    """The entries of the subnet, by address. Errors are 500 with the texts of the IPAM's plug-in."""

    leases: dict[str, Lease] = field(default_factory=lambda: {GATEWAY: Lease(gateway=True)})

    def add(self, vnet: str, address: str, lease: Lease) -> None:
        address = _in_subnet(vnet, address)
        if address in self.leases:
            raise died(f"IP '{address}' already exist")
        self.leases[address] = lease

    def remove(self, vnet: str, address: str) -> Lease:
        address = _in_subnet(vnet, address)
        if address not in self.leases:
            raise died(f"IP '{address}' does not exist in IPAM DB")
        return self.leases.pop(address)

    def of_mac(self, mac: str) -> str | None:
        return next((address for address, lease in self.leases.items() if lease.mac == mac), None)


def _in_subnet(vnet: str, address: str) -> str:
    """The canonical address; refuses one that no subnet of the vnet holds, as of a vnet that is not there."""
    parsed = ipaddress.ip_address(address)
    if vnet != VNET or parsed not in ipaddress.ip_network(SUBNET):
        raise died(f"can't find any subnet for ip {address}")
    return str(parsed)

"""The built-in IPAM: what it is, its entries, and entries by hand (PVE::API2::Network::SDN::Ipams, ::Ips).

What there is to write to is in ``ipam``. Texts are those of the sources, not measured.
"""

from __future__ import annotations

import hashlib

from controller.node import formats
from controller.node.context import Context
from controller.node.errors import Refusal, died
from controller.node.ipam import IPAM, SUBNET, VNET, ZONE, Lease
from controller.node.parameters import OPTIONAL_VMID
from controller.node.schema import Param, Schema

_ID = r"[a-zA-Z][a-zA-Z0-9]*[a-zA-Z0-9]"
_SHORT = Param(required=True, pattern=_ID, min_length=2, max_length=8)

IPAMS: Schema = {"type": Param(choices=("netbox", "phpipam", "pve"))}
ONE_IPAM: Schema = {"ipam": Param(required=True, pattern=_ID, min_length=2)}
ADDRESS: Schema = {
    "vnet": _SHORT,
    "zone": _SHORT,
    "ip": Param(required=True, format=formats.ip),
    "mac": Param(format=formats.mac),
}
UPDATE: Schema = {**ADDRESS, "vmid": OPTIONAL_VMID}


def list_ipams(context: Context) -> list[dict[str, str]]:
    seen = context.may(f"/sdn/ipams/{IPAM}", "SDN.Audit", "SDN.Allocate", anyone=True)
    return [_config()] if seen and context.text("type", IPAM) == IPAM else []


def read_ipam(context: Context) -> dict[str, str]:
    if context.text("ipam") != IPAM:
        raise died(f"sdn '{context.text('ipam')}' does not exist")
    return _config()


def _config() -> dict[str, str]:
    return {"ipam": IPAM, "type": "pve", "digest": hashlib.sha1(b"pve: pve\n", usedforsecurity=False).hexdigest()}


def status(context: Context) -> list[dict[str, object]]:
    """The entries of those vnets that the caller may see; the gateway is one of them."""
    if context.text("ipam") != IPAM:
        raise died("Currently only PVE IPAM is supported!")
    if not context.may(f"/sdn/zones/{ZONE}/{VNET}", "SDN.Audit", "SDN.Allocate", anyone=True):
        return []
    return [_row(address, lease) for address, lease in context.cluster.ipam.leases.items()]


def _row(address: str, lease: Lease) -> dict[str, object]:
    row: dict[str, object] = {"zone": ZONE, "subnet": SUBNET, "vnet": VNET, "ip": address}
    if lease.gateway:
        return row | {"gateway": 1}
    known = {"mac": lease.mac, "vmid": lease.vmid}
    return row | {name: value for name, value in known.items() if value is not None}


def add(context: Context) -> None:
    lease = Lease(mac=context.params.get("mac"))
    context.cluster.ipam.add(context.text("vnet"), context.text("ip"), lease)
    context.cluster.journal.others()


def update(context: Context) -> None:
    """Give the MAC address another address; the old one comes back when the new one cannot be had."""
    ipam, vnet, mac = context.cluster.ipam, context.text("vnet"), context.params.get("mac")
    lease = Lease(mac=mac, vmid=int(context.text("vmid")) if "vmid" in context.params else None)
    old = ipam.of_mac(mac) if mac else None
    if old is None:
        raise died("can't find any subnet for ip ")
    ipam.remove(vnet, old)
    try:
        ipam.add(vnet, context.text("ip"), lease)
    except Refusal:
        ipam.add(vnet, old, lease)
        raise
    finally:
        context.cluster.journal.others()


def remove(context: Context) -> None:
    context.cluster.ipam.remove(context.text("vnet"), context.text("ip"))
    context.cluster.journal.others()

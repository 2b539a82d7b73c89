"""Containers as a node lists them: live, unlike ``/cluster/resources`` (PVE::LXC::vmstatus)."""

from __future__ import annotations

from controller.node.context import Context
from controller.node.engine import Interface
from controller.node.guest import Guest
from controller.node.schedule import Steps, until

_PRESSURE = tuple(f"pressure{what}{kind}" for what in ("cpu", "io", "memory") for kind in ("some", "full"))
IDLE_MEMORY = 20 << 20
IDLE_DISK = 300 << 20


def list_guests(context: Context) -> list[dict[str, object]]:
    guests = sorted(context.cluster.on(context.node), key=lambda guest: guest.vmid)
    return [
        _row(context, guest)
        for guest in guests
        if guest.kind == "lxc" and context.may(f"/vms/{guest.vmid}", "VM.Audit")
    ]


def current(context: Context) -> dict[str, object]:
    return _row(context, context.guest) | {"ha": {"managed": 0}}


def index(context: Context) -> list[dict[str, str]]:
    names = ("config", "status", "vncproxy", "termproxy", "interfaces", "firewall", "snapshot", "pending")
    context.guest  # noqa: B018  # raises if there is none
    return [{"subdir": name} for name in names]


def _row(context: Context, guest: Guest) -> dict[str, object]:
    up = guest.running
    row: dict[str, object] = {
        "vmid": guest.vmid,
        "type": "lxc",
        "name": guest.name,
        "status": "running" if up else "stopped",
        "cpus": guest.cores or context.cluster.nodes[guest.node].cores,
        "cpu": 0.002 if up else 0,
        "uptime": int(context.cluster.schedule.wall() - guest.started) if guest.started else 0,
        "mem": min(IDLE_MEMORY, guest.memory) if up else 0,
        "maxmem": guest.memory,
        "swap": 0,
        "maxswap": guest.swap,
        "disk": IDLE_DISK if up else 0,
        "maxdisk": guest.disk,
        **dict.fromkeys(("diskread", "diskwrite", "netin", "netout"), 0),
    }
    if up:
        row["pid"] = guest.pid
        if context.cluster.release.measures_pressure:
            row |= dict.fromkeys(_PRESSURE, "0.00")
    row |= {name: guest.options[name] for name in ("tags", "lock") if name in guest.options}
    if guest.template:
        row["template"] = 1
    return row


def interfaces(context: Context) -> Steps[list[dict[str, object]] | None]:
    """Null for a container that is stopped or not there at all."""
    guest = context.cluster.guests.get(context.vmid)
    if guest is None or guest.node != context.node or not guest.running:
        return None
    return [_interface(row) for row in (yield from until(context.cluster.engine.interfaces(guest.vmid)))]


def _interface(interface: Interface) -> dict[str, object]:
    row: dict[str, object] = {
        "name": interface.name,
        "hwaddr": interface.mac,
        "hardware-address": interface.mac,
        "ip-addresses": [
            {"ip-address": one.address, "ip-address-type": one.family, "prefix": str(one.prefix)}
            for one in interface.addresses
        ],
    }
    return row | {one.family: f"{one.address}/{one.prefix}" for one in interface.addresses}

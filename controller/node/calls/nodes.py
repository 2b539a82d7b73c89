"""Nodes, their storages and networks, and the version."""

from __future__ import annotations

from controller.node.calls.resources import node_row, numbers
from controller.node.cluster import Cluster
from controller.node.context import Context
from controller.node.errors import invalid
from controller.node.formats import split_list
from controller.node.storage import Storage


def version(context: Context) -> dict[str, str]:
    release = context.cluster.release
    return {"version": release.package, "release": release.name, "repoid": release.repoid}


def list_nodes(context: Context) -> list[dict[str, object]]:
    """To those who may not audit a node it shows no numbers."""
    rows = []
    for name in context.cluster.nodes:
        row = node_row(context, name)
        row.pop("cgroup-mode", None)
        rows.append(row | {"ssl_fingerprint": context.cluster.fingerprint})
    return rows


def index(context: Context) -> list[dict[str, str]]:
    del context
    return [{"name": name} for name in ("lxc", "network", "qemu", "status", "storage", "tasks", "version")]


def status(context: Context) -> dict[str, object]:
    node, load = context.cluster.nodes[context.node], numbers(context.cluster, context.node)
    release = context.cluster.release
    used, total = int(str(load["mem"])), node.memory
    disk, size = int(str(load["disk"])), int(str(load["maxdisk"]))
    return {
        "uptime": load["uptime"],
        "cpu": load["cpu"],
        "wait": 0,
        "idle": 0,
        "loadavg": ["0.10", "0.08", "0.05"],
        "pveversion": f"pve-manager/{release.package}/{release.repoid}",
        "kversion": f"Linux {release.kernel} #1 SMP PREEMPT_DYNAMIC",
        "current-kernel": {
            "sysname": "Linux",
            "release": release.kernel,
            "version": "#1 SMP PREEMPT_DYNAMIC",
            "machine": "x86_64",
        },
        "boot-info": {"mode": "efi", "secureboot": 0},
        "cpuinfo": {"cpus": node.cores, "cores": node.cores // 2, "sockets": 1, "model": "winux", "flags": ""},
        "memory": {"total": total, "used": used, "free": total - used, "available": total - used},
        "swap": {"total": 0, "used": 0, "free": 0},
        "rootfs": {"total": size, "used": disk, "free": size - disk, "avail": size - disk},
        "ksm": {"shared": 0},
    }


def networks(context: Context) -> list[dict[str, object]]:
    """Bridges are shown to those who may use them."""
    wanted = context.params.get("type")
    if wanted not in (None, "bridge", "any_bridge", "any_local_bridge", "include_sdn"):
        return []
    return [
        row
        for row in bridges(context)
        if context.may(f"/sdn/zones/localnetwork/{row['iface']}", "SDN.Audit", "SDN.Use", anyone=True)
    ]


def bridges(context: Context) -> list[dict[str, object]]:
    return [
        {
            "iface": bridge,
            "type": "bridge",
            "active": 1,
            "autostart": 1,
            "method": "static",
            "method6": "manual",
            "families": ["inet"],
            "bridge_ports": "eno1",
            "bridge_stp": "off",
            "bridge_fd": "0",
            "priority": priority,
        }
        for priority, bridge in enumerate(context.cluster.nodes[context.node].bridges, start=3)
    ]


def network(context: Context) -> dict[str, object]:
    """One of those that the node's configuration names; rights on bridges are not asked."""
    for row in bridges(context):
        if row["iface"] == context.text("iface"):
            return {name: value for name, value in row.items() if name != "iface"}
    raise invalid({"iface": "interface does not exist"})


# storages


def storages(context: Context) -> list[dict[str, object]]:
    cluster, wanted = context.cluster, set(split_list(context.text("content")))
    return [
        _storage_row(cluster, storage, context.node)
        for storage in cluster.storages.values()
        if storage.name == context.text("storage", storage.name)
        and (storage.nodes is None or context.node in storage.nodes)
        and wanted <= set(storage.content)
        and context.may(f"/storage/{storage.name}", "Datastore.Audit", "Datastore.AllocateSpace", anyone=True)
    ]


def _storage_row(cluster: Cluster, storage: Storage, node: str) -> dict[str, object]:
    used = cluster.used(storage, node)
    return {
        "storage": storage.name,
        "type": storage.kind,
        "content": ",".join(storage.content),
        "active": 1,
        "enabled": 1,
        "shared": int(storage.shared),
        "total": storage.total,
        "used": used,
        "avail": max(0, storage.total - used),
        "used_fraction": used / storage.total,
    }


def content(context: Context) -> list[dict[str, object]]:
    """Templates and the like, and the root disks of guests."""
    storage = context.cluster.storage(context.text("storage"), context.node)
    wanted = context.params.get("content")
    rows: list[dict[str, object]] = [
        {"volid": name, "content": kept.content, "format": kept.format, "size": kept.size, "ctime": kept.created}
        | ({"vmid": kept.vmid} if kept.vmid is not None else {})
        for name, kept in storage.volumes.items()
        if wanted in (None, kept.content) and context.text("vmid", str(kept.vmid)) == str(kept.vmid)
    ]
    if wanted in (None, "rootdir"):
        rows += _disks(context, storage)
    return rows


def _disks(context: Context, storage: Storage) -> list[dict[str, object]]:
    return [
        {
            "volid": guest.volume,
            "content": "rootdir",
            "format": "raw" if (guest.volume or "").endswith(".raw") else "subvol",
            "size": guest.disk,
            "vmid": guest.vmid,
            "ctime": int(context.cluster.nodes[guest.node].since),
        }
        for guest in context.cluster.guests.values()
        if (guest.volume or "").startswith(f"{storage.name}:")
        and (storage.shared or guest.node == context.node)
        and str(guest.vmid) == context.text("vmid", str(guest.vmid))
    ]


def nothing(context: Context) -> list[object]:
    """Lists that are empty here: virtual machines, replication jobs."""
    del context
    return []


def not_backed_up(context: Context) -> list[dict[str, object]]:
    """The guests in no backup job, which are all: there are no jobs here. Which rights show which was not measured."""
    guests = sorted(context.cluster.guests.values(), key=lambda guest: guest.vmid)
    return [
        {"vmid": guest.vmid, "name": guest.name, "type": guest.kind}
        for guest in guests
        if context.may(f"/vms/{guest.vmid}", "VM.Audit")
    ]


def subscription(context: Context) -> dict[str, str]:
    del context
    return {"status": "notfound", "message": "There is no subscription key", "serverid": "0" * 32}

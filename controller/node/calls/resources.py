"""What the whole cluster tells: ``/cluster/resources``, ``nextid`` and the cluster's status.

Of a guest's row existence, lock, tags and pool are live; name, status and numbers are what pvestatd last broadcast. The
rows of guests are encoded once and kept until something in them changes, so that ten thousand of them are quick.
"""

from __future__ import annotations

import json

from controller.node.calls.guests import IDLE_DISK, IDLE_MEMORY
from controller.node.cluster import Cluster
from controller.node.context import Context
from controller.node.errors import died, invalid
from controller.node.guest import Guest, Row, Seen
from controller.node.wire import Encoded


def nextid(context: Context) -> str:
    """The lowest free VMID, as text. It reserves nothing and needs no right."""
    guests = context.cluster.guests
    if "vmid" in context.params:
        if context.vmid in guests:
            raise invalid({"vmid": f"VM {context.vmid} already exists"})
        return str(context.vmid)
    lower, upper = context.cluster.datacenter.vmids
    for vmid in range(lower, upper):
        if vmid not in guests:
            return str(vmid)
    raise died(f"unable to get any free VMID in range [{lower}, {upper}]")


def resources(context: Context) -> Encoded:
    wanted = context.params.get("type")
    rows: list[bytes] = []
    if wanted in (None, "vm"):
        rows += _guest_rows(context)
    others: list[dict[str, object]] = []
    if wanted is None:
        pools = sorted(context.cluster.access.pools)
        others += [
            {"id": f"/pool/{pool}", "pool": pool, "type": "pool"}
            for pool in pools
            if context.may(f"/pool/{pool}", "Pool.Audit")
        ]
    if wanted in (None, "node"):
        others += [node_row(context, name) for name in context.cluster.nodes]
    if wanted in (None, "storage"):
        others += _storage_rows(context)
    if wanted in (None, "sdn") and context.may("/sdn/zones/localnetwork", "SDN.Audit"):
        others += [
            {"id": f"sdn/{name}/localnetwork", "node": name, "sdn": "localnetwork", "status": "ok", "type": "sdn"}
            for name in context.cluster.nodes
        ]
    rows += [_encode(row) for row in others]
    return Encoded(b"[" + b",".join(rows) + b"]")


def _guest_rows(context: Context) -> list[bytes]:
    cluster, access, who = context.cluster, context.cluster.access, context.who
    visible = access.viewer(who, "VM.Audit")
    shown = {pool for pool in access.pools if access.has(who, f"/pool/{pool}", "Pool.Audit")}
    told = {name: int(node.told) for name, node in cluster.nodes.items()}
    pool_of, last_seen, memhost = access.pool_of, cluster.last_seen, cluster.release.measures_pressure
    rows = []
    for vmid, guest in cluster.guests.items():
        if visible(vmid):
            pool = pool_of.get(vmid)
            row = _guest_row(
                guest, last_seen(guest), told[guest.node], pool if pool in shown else None, memhost=memhost
            )
            rows.append(row)
    return rows


def _guest_row(guest: Guest, seen: Seen | None, told: int, pool: str | None, *, memhost: bool) -> bytes:
    """The encoded row. All of it but the uptime stays as it is until the guest, its pool or its ``Seen`` changes."""
    kept = guest.rows.get(pool is not None)
    if kept is None or kept.version != guest.version or kept.seen is not seen or kept.pool != pool:
        head = _encode(_stable(guest, seen, pool, memhost=memhost)).removesuffix(b"}")
        kept = Row(guest.version, seen, pool, told=-1, head=head, full=head + b"}")
        guest.rows[pool is not None] = kept
    if seen is not None and kept.told != told:
        if seen.running or kept.told < 0:
            kept.full = b'%b,"uptime":%d}' % (kept.head, max(0, int(told - seen.since)) if seen.since else 0)
        kept.told = told
    return kept.full


def _stable(guest: Guest, seen: Seen | None, pool: str | None, *, memhost: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "id": f"{guest.kind}/{guest.vmid}",
        "vmid": guest.vmid,
        "node": guest.node,
        "type": guest.kind,
        "status": "unknown",
    }
    if seen:
        up = seen.running
        row |= {
            "status": "running" if up else "stopped",
            "name": seen.name,
            "template": int(seen.template),
            "cpu": 0.002 if up else 0,
            "maxcpu": seen.cores,
            "mem": min(IDLE_MEMORY, seen.memory) if up else 0,
            "maxmem": seen.memory,
            **({"memhost": 0} if memhost else {}),
            "disk": IDLE_DISK if up else 0,
            "maxdisk": seen.disk,
            **dict.fromkeys(("diskread", "diskwrite", "netin", "netout"), 0),
        }
    row |= {name: guest.options[name] for name in ("tags", "lock") if name in guest.options}
    return row if pool is None else row | {"pool": pool}


def node_row(context: Context, name: str) -> dict[str, object]:
    """Load and size only for those who may audit the node."""
    node = context.cluster.nodes[name]
    told = context.cluster.is_told(name)
    row: dict[str, object] = {
        "id": f"node/{name}",
        "node": name,
        "type": "node",
        "status": ("online" if told else "unknown") if node.online else "offline",
    }
    if node.online and told and context.may(f"/nodes/{name}", "Sys.Audit"):
        row |= numbers(context.cluster, name) | {"cgroup-mode": 2, "level": ""}
    return row


def numbers(cluster: Cluster, name: str) -> dict[str, object]:
    """A node's load and size."""
    node = cluster.nodes[name]
    running = sum(1 for guest in cluster.on(name) if guest.running)
    local = next((storage for storage in cluster.storages.values() if not storage.shared), None)
    return {
        "cpu": min(1.0, 0.01 + 0.002 * running),
        "maxcpu": node.cores,
        "mem": min(node.memory, (2 << 30) + running * IDLE_MEMORY),
        "maxmem": node.memory,
        "disk": cluster.used(local, name) if local else 0,
        "maxdisk": local.total if local else 0,
        "uptime": int(cluster.schedule.wall() - node.since),
    }


def _storage_rows(context: Context) -> list[dict[str, object]]:
    cluster = context.cluster
    return [
        {
            "id": f"storage/{node}/{storage.name}",
            "storage": storage.name,
            "node": node,
            "type": "storage",
            "status": "available" if cluster.is_told(node) else "unknown",
            "plugintype": storage.kind,
            "content": ",".join(storage.content),
            "shared": int(storage.shared),
            **({"disk": cluster.used(storage, node), "maxdisk": storage.total} if cluster.is_told(node) else {}),
        }
        for storage in cluster.storages.values()
        if context.may(f"/storage/{storage.name}", "Datastore.Audit")
        for node in cluster.nodes
        if storage.nodes is None or node in storage.nodes
    ]


def status(context: Context) -> list[dict[str, object]]:
    """Nodes with their ids and addresses; a cluster's own row only where there is more than one node."""
    cluster = context.cluster
    rows: list[dict[str, object]] = []
    if len(cluster.nodes) > 1:
        count = len(cluster.nodes)
        rows.append(
            {
                "id": "cluster",
                "type": "cluster",
                "name": "winux",
                "version": count,
                "nodes": count,
                "quorate": int(cluster.quorate),
            }
        )
    for number, node in enumerate(cluster.nodes.values(), start=1):
        alone = len(cluster.nodes) == 1
        rows.append(
            {
                "id": f"node/{node.name}",
                "type": "node",
                "name": node.name,
                "nodeid": 0 if alone else number,
                "ip": node.ip,
                "local": int(node.name == cluster.entry),
                "online": int(node.online),
                "level": "",
            }
        )
    return rows


def _encode(row: dict[str, object]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()

"""Resource pools (PVE::API2::Pool)."""

from __future__ import annotations

from controller.node.access import Pool
from controller.node.context import Context
from controller.node.errors import died, forbidden
from controller.node.formats import split_list


def list_pools(context: Context) -> list[dict[str, object]]:
    """All that may be audited, or one with its members, for which no right is asked."""
    pools = context.cluster.access.pools
    if "poolid" in context.params:
        return [_head(context.text("poolid"), _pool(context)) | {"members": _members(context)}]
    return [_head(name, pool) for name, pool in sorted(pools.items()) if context.may(f"/pool/{name}", "Pool.Audit")]


def read(context: Context) -> dict[str, object]:
    head = _head(context.text("poolid"), _pool(context)) | {"members": _members(context)}
    head.pop("poolid")
    return head


def create(context: Context) -> None:
    name, pools = context.text("poolid"), context.cluster.access.pools
    _check_writable(context)
    if name in pools:
        raise died(f"create pool failed: pool '{name}' already exists")
    parent = name.rpartition("/")[0]
    if parent and parent not in pools:
        raise died(f"create pool failed: parent '{parent}' of pool '{name}' does not exist")
    if not name.rpartition("/")[2][:1].isalpha():
        raise died("create pool failed: pool name must start with a letter")
    pools[name] = Pool(comment=context.params.get("comment"))
    context.cluster.access.changed()


def delete(context: Context) -> None:
    name, pool = context.text("poolid"), _pool(context, "delete pool failed: ")
    _check_writable(context)
    if pool.vmids:
        raise died(f"delete pool failed: pool '{name}' is not empty (contains VM {min(pool.vmids)})")
    if pool.storages:
        raise died(f"delete pool failed: pool '{name}' is not empty (contains storage {min(pool.storages)})")
    if any(other.startswith(f"{name}/") for other in context.cluster.access.pools):
        raise died(f"delete pool failed: pool '{name}' is not empty (contains pools)")
    del context.cluster.access.pools[name]
    context.cluster.access.changed()


def update(context: Context) -> None:
    """Change the comment, or add members (``delete=1``: remove them)."""
    name, pool = context.text("poolid"), _pool(context, "update pools failed: ")
    _check_writable(context)
    if "comment" in context.params:
        pool.comment = context.text("comment")
    for text in split_list(context.text("vms")):
        context.need(f"/vms/{text}", "Permissions.Modify", "VM.Allocate", anyone=True)
        _change_member(context, name, int(text))
    for storage in split_list(context.text("storage")):
        context.need(f"/storage/{storage}", "Permissions.Modify", "Datastore.Allocate", anyone=True)
        if context.flag("delete"):
            pool.storages.discard(storage)
        else:
            pool.storages.add(storage)
    context.cluster.access.changed()


def _change_member(context: Context, name: str, vmid: int) -> None:
    access = context.cluster.access
    if context.flag("delete"):
        if vmid not in access.pools[name].vmids:
            raise died(f"update pools failed: VM {vmid} is not a pool member")
        access.leave_pool(vmid)
        return
    if vmid not in context.cluster.guests:
        raise died(f"update pools failed: VM {vmid} does not exist")
    other = access.pool_of.get(vmid)
    if other == name:
        raise died(f"update pools failed: VM {vmid} is already a pool member")
    if other is not None:
        if not context.flag("allow-move"):
            raise died(f"update pools failed: VM {vmid} belongs already to pool '{other}' and 'allow-move' is not set")
        if not context.may(f"/pool/{other}", "Pool.Allocate"):
            raise forbidden(f"/pool/{other}, Pool.Allocate")
    access.join_pool(vmid, name)


def _pool(context: Context, prefix: str = "") -> Pool:
    name = context.text("poolid")
    pool = context.cluster.access.pools.get(name)
    if pool is None:
        raise died(f"{prefix}pool '{name}' does not exist")
    return pool


def _head(name: str, pool: Pool) -> dict[str, object]:
    head: dict[str, object] = {"poolid": name}
    return head if pool.comment is None else head | {"comment": pool.comment}


def _members(context: Context) -> list[dict[str, object]]:
    cluster, pool = context.cluster, _pool(context)
    members: list[dict[str, object]] = []
    for vmid in sorted(pool.vmids & cluster.guests.keys()):
        guest = cluster.guests[vmid]
        if context.params.get("type", guest.kind) != guest.kind:
            continue
        seen = cluster.last_seen(guest)
        row: dict[str, object] = {
            "id": f"{guest.kind}/{vmid}",
            "vmid": vmid,
            "node": guest.node,
            "type": guest.kind,
            "status": ("running" if seen.running else "stopped") if seen else "unknown",
        }
        members.append(row | ({"name": seen.name} if seen else {}))
    return members


def _check_writable(context: Context) -> None:
    if not context.cluster.quorate:
        raise died("cfs-lock 'file-user_cfg' error: no quorum!")

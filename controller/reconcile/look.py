"""Reading one container: is it there, and whose is it? Only a proof is taken for an absence."""

from __future__ import annotations

from controller.core.ownership import is_ours
from controller.core.view import Live, Presence
from controller.proxmox.netconfig import parse_net
from controller.proxmox.port import ContainerConfig, Forbidden, NotFound, Proxmox

UNMARKED_LOCKS = frozenset({"create", "destroyed"})
"""Locks of a container that has no description: not yet written, or gone already (pve-container, API2/LXC.pm)."""


def look(port: Proxmox, *, controller: str, uid: str, node: str, vmid: int, status_too: bool = False) -> Live:
    """What is under this VMID, as of now.

    Raises:
        ProxmoxError: it could not be read; nothing is known then.
    """
    try:
        config = port.config(node, vmid)
    except (NotFound, Forbidden):
        # A pool-scoped token gets 403 for what is gone, and another node answers for what has moved: in both cases
        # only the cluster-wide question whether the VMID is free is a proof.
        free = port.vmid_is_free(vmid)
        return Live(presence=Presence.ABSENT if free else Presence.HIDDEN, node=node)
    presence = _whose(config, controller=controller, uid=uid)
    running = None
    if status_too and presence is Presence.OURS:
        running = port.status(node, vmid).status == "running"
    return Live(
        presence=presence,
        node=node,
        digest=config.digest,
        cores=config.cores,
        memory_mib=config.memory_mib,
        disk_gib=config.disk_gib,
        protection=config.protection,
        lock=config.lock,
        net0=config.net0,
        filtered=_filtered(config.net0),
        running=running,
    )


def _filtered(net0: str | None) -> bool:
    try:
        return net0 is not None and parse_net(net0).get("firewall") == "1"
    except ValueError:
        return False  # edited beyond recognition


def _whose(config: ContainerConfig, *, controller: str, uid: str) -> Presence:
    marker = is_ours(config.description, controller=controller, vmid=config.vmid)
    if marker is not None and marker.uid == uid:
        return Presence.OURS
    if not config.description and config.lock in UNMARKED_LOCKS:
        return Presence.STUB
    return Presence.FOREIGN

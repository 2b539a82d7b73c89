"""Who may set or take away which tag (PVE::GuestHelpers::assert_tag_permissions)."""

from __future__ import annotations

from controller.node.context import Context
from controller.node.errors import forbidden
from controller.node.formats import split_list


def check_rights(context: Context, vmid: int, old: str, new: str) -> None:
    """VM.Config.Options on the guest, never through a pool to be; and the cluster's policy on each changed tag."""
    context.need(f"/vms/{vmid}", "VM.Config.Options")
    if context.may("/", "Sys.Modify"):
        return
    datacenter, allowed = context.cluster.datacenter, allowed_to(context)
    for tag in sorted({*split_list(old)} ^ {*split_list(new)}):
        if tag in datacenter.registered or (datacenter.allowed != "free" and tag not in allowed):
            raise forbidden(f"/, Sys.Modify for modifying tag '{tag}'")


def allowed_to(context: Context) -> set[str]:
    """The tags that the caller may set, as far as they are known: a free choice is not limited to them."""
    datacenter, privileged = context.cluster.datacenter, context.may("/", "Sys.Modify")
    tags: set[str] = set()
    if privileged or datacenter.allowed != "none":
        tags |= datacenter.listed
    if privileged or datacenter.allowed in ("free", "existing"):
        sees = context.cluster.access.viewer(context.who, "VM.Audit")
        for guest in context.cluster.guests.values():
            if "tags" in guest.options and (privileged or sees(guest.vmid)):
                tags |= {*split_list(guest.options["tags"])}
    return tags | datacenter.registered if privileged else tags - datacenter.registered

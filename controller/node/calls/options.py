"""Who may set which option of a config, and what is stored for it (PVE::LXC::check_ct_modify_config_perm).

Shared by create, clone and PUT config. Formats were checked before, by the schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from controller.node.calls import tags
from controller.node.context import Context
from controller.node.errors import died
from controller.node.formats import split_list
from controller.node.parameters import OPTIONS
from controller.node.schema import NEWEST, find, join_properties, split_properties

SIZE = re.compile(r"\d+(?:\.\d+)?")
NEW_VOLUME = re.compile(rf"([^:\s]+):({SIZE.pattern})")

_PRIVILEGE = {
    **dict.fromkeys(("cores", "cpulimit", "cpuunits"), "VM.Config.CPU"),
    **dict.fromkeys(("memory", "swap"), "VM.Config.Memory"),
    **dict.fromkeys(("hostname", "nameserver", "searchdomain"), "VM.Config.Network"),
}


def is_option(name: str, *, release: tuple[int, int] = NEWEST) -> bool:
    return find(OPTIONS, name, release=release) is not None


def check_rights(
    context: Context,
    vmid: int,
    options: Mapping[str, str],
    *,
    pool: str | None = None,
    delete: Iterable[str] = (),
    old: Mapping[str, str] | None = None,
    unprivileged: bool = True,
) -> None:
    """Refuse what the caller may not set. Rights on the pool count where one is given, except for tags."""
    if context.is_root:
        return
    old = old or {}
    for name in sorted({*options, *delete}):
        value = options.get(name)
        if name == "rootfs" or name.startswith("mp"):
            need(context, vmid, pool, "VM.Config.Disk")
            _check_volume(context, value)
        elif re.fullmatch(r"net\d+", name):
            need(context, vmid, pool, "VM.Config.Network")
            check_bridges(context, old.get(name), value)
        elif name == "features":
            _check_features(context, vmid, pool, old.get(name), value, unprivileged=unprivileged)
        elif name == "hookscript":
            context.root_only("changing the hookscript")
        elif name.startswith("dev"):
            context.root_only("configuring device passthrough")
        elif name == "tags":
            tags.check_rights(context, vmid, old.get(name, ""), value or "")
        else:
            need(context, vmid, pool, _PRIVILEGE.get(name, "VM.Config.Options"))


def need(context: Context, vmid: int, pool: str | None, privilege: str) -> None:
    """A right on the pool or on the guest; the refusal names the guest."""
    if not (pool and context.may(f"/pool/{pool}", privilege)):
        context.need(f"/vms/{vmid}", privilege)


def check_bridges(context: Context, *nets: str | None) -> None:
    for net in nets:
        parts = split_properties(net or "")
        if "bridge" not in parts or context.is_root:
            continue
        path = f"/sdn/zones/localnetwork/{parts['bridge']}"
        vlans = [*filter(None, [parts.get("tag")]), *_vlans(parts.get("trunks", ""))]
        for place in [f"{path}/{vlan}" for vlan in vlans] or [path]:
            context.need(place, "SDN.Use")


def _vlans(trunks: str) -> list[str]:
    """Sorted as texts, as Perl sorts them."""
    ranges = [part.partition("-") for part in trunks.split(";") if part]
    return sorted({str(vlan) for first, _, last in ranges for vlan in range(int(first), int(last or first) + 1)})


def _check_volume(context: Context, value: str | None) -> None:
    if value is None:
        return
    volume = split_properties(value, "volume").get("volume", "")
    if volume.startswith("/"):
        kind = "device" if volume.startswith("/dev/") else "bind"
        context.root_only(f"mount point type {kind}")
    storage, colon, _ = volume.partition(":")
    if not colon:
        raise died("Only root can pass arbitrary filesystem paths.")
    context.need(f"/storage/{storage}", "Datastore.AllocateSpace")


def _check_features(
    context: Context, vmid: int, pool: str | None, old: str | None, new: str | None, *, unprivileged: bool
) -> None:
    if not unprivileged:
        context.root_only("changing feature flags for privileged container")
    before, after = split_properties(old or ""), split_properties(new or "")
    changed = {flag for flag in {*before, *after} if before.get(flag) != after.get(flag)}
    if changed - {"nesting"}:
        context.root_only("changing feature flags (except nesting)")
    if changed:
        need(context, vmid, pool, "VM.Allocate")


# what is stored


def apply(context: Context, options: dict[str, str], changes: Mapping[str, str]) -> None:
    """Write changes into a config, each in the form in which Proxmox keeps it."""
    for name, value in changes.items():
        if name == "description" and not value.rstrip("\n"):
            options.pop(name, None)
        else:
            options[name] = stored(context, name, value, options)


def stored(context: Context, name: str, value: str, options: Mapping[str, str]) -> str:
    """The form in which Proxmox keeps a value."""
    if name == "description":
        return value.rstrip("\n")
    if name == "tags":
        return ";".join(context.cluster.datacenter.tidy(split_list(value))) or " "
    if name in ("nameserver", "searchdomain"):
        return " ".join(split_list(value))
    if re.fullmatch(r"net\d+", name):
        parts = split_properties(value)
        known = split_properties(options.get(name, "")).get("hwaddr")
        parts.setdefault("hwaddr", known or context.cluster.new_mac())
        parts["hwaddr"] = parts["hwaddr"].upper()
        return join_properties({"type": "veth"} | parts, first="name")
    param = find(OPTIONS, name)
    return str(int(value)) if param and param.kind == "integer" else value

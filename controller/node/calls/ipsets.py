"""The IP sets of a container's firewall, and what they hold (PVE::API2::Firewall::IPSet). There are no aliases."""

from __future__ import annotations

import ipaddress

from controller.node import firewall_parameters as p
from controller.node.calls.firewall import check_digest, opened, read_only, saved, shown
from controller.node.context import Context
from controller.node.errors import died, invalid
from controller.node.firewall import Entry, Firewall, digest


def list_sets(context: Context) -> list[dict[str, object]]:
    rows = _rows(read_only(context))
    now = digest(rows)
    return [{**row, "digest": now} for row in rows]


def _rows(firewall: Firewall) -> list[Entry]:
    return [
        {"name": name} | ({"comment": firewall.comments[name]} if firewall.comments.get(name) else {})
        for name in sorted(firewall.ipsets)
    ]


def create_set(context: Context) -> None:
    """A new one; or ``rename`` names one that gets this name, or with its own name a comment."""
    firewall, name, old = read_only(context), context.text("name"), context.params.get("rename")
    if old is not None:
        check_digest(context, digest(_rows(firewall)))
        if old not in firewall.ipsets:
            raise invalid({"name": f"IPSet '{old}' does not exist"})
        if name in firewall.ipsets and name != old:
            raise invalid({"name": f"IPSet '{name}' does already exist"})
    elif name in firewall.ipsets:
        raise invalid({"name": f"IPSet '{name}' already exists"})
    firewall = opened(context)
    firewall.ipsets[name] = firewall.ipsets.pop(old, []) if old is not None else []
    comment = context.text("comment", firewall.comments.pop(old, "") if old is not None else "")
    if comment:
        firewall.comments[name] = comment
    saved(context)


def _members(context: Context) -> list[Entry]:
    name = context.text("name")
    if name not in read_only(context).ipsets:
        raise died(f"no such IPSet '{name}'")
    return read_only(context).ipsets[name]


def delete_set(context: Context) -> None:
    if _members(context) and not context.flag("force"):
        raise died(f"IPSet '{context.text('name')}' is not empty")
    firewall = opened(context)
    del firewall.ipsets[context.text("name")]
    firewall.comments.pop(context.text("name"), None)
    saved(context)


def list_members(context: Context) -> list[dict[str, object]]:
    members = _members(context)
    now = digest(members)
    return [shown(member) | {"digest": now} for member in members]


def create_member(context: Context) -> None:
    """Bits that the mask hides are cleared, and a single address loses its mask."""
    members, text = _members(context), context.text("cidr")
    if p.ALIAS.fullmatch(text):
        raise died(f"no such alias '{text.rpartition('/')[2]}'")
    network = ipaddress.ip_network(text, strict=False)
    cidr = str(network.network_address) if network.num_addresses == 1 else str(network)
    if any(member["cidr"] == cidr for member in members):
        raise invalid({"cidr": f"address '{cidr}' already exists"})
    if network.prefixlen == 0:
        raise invalid({"cidr": "a zero prefix is not allowed in ipset entries"})
    opened(context).ipsets[context.text("name")].insert(0, {"cidr": cidr} | _attributes(context))
    saved(context)


def _attributes(context: Context) -> Entry:
    found = {"nomatch": "1"} if context.flag("nomatch") else {}
    return found | ({"comment": context.text("comment")} if context.text("comment") else {})


def _find(context: Context) -> int:
    for position, member in enumerate(_members(context)):
        if member["cidr"] == context.text("cidr"):
            return position
    raise invalid({"cidr": "no such IP/Network"})


def read_member(context: Context) -> dict[str, object]:
    return list_members(context)[_find(context)]


def update_member(context: Context) -> None:
    """What is not given is taken away."""
    check_digest(context, digest(_members(context)))
    position = _find(context)
    opened(context).ipsets[context.text("name")][position] = {"cidr": context.text("cidr")} | _attributes(context)
    saved(context)


def delete_member(context: Context) -> None:
    """Also of an address that is not there."""
    check_digest(context, digest(_members(context)))
    kept = [member for member in _members(context) if member["cidr"] != context.text("cidr")]
    opened(context).ipsets[context.text("name")] = kept
    saved(context)

"""``POST /access/ticket``: log in with a password, or renew with the old ticket in its place."""

from __future__ import annotations

from controller.node.access import Identity
from controller.node.context import Context
from controller.node.formats import split_list

_CAPABILITIES = ("access", "dc", "nodes", "sdn", "storage", "vms", "mapping")
_PREFIXES = {"vms": ("VM.",), "storage": ("Datastore.",), "sdn": ("SDN.",), "mapping": ("Mapping.",)}


def create(context: Context) -> dict[str, object]:
    """The ticket, the CSRF token that writes need with it, and the user's rights by area."""
    name = context.text("username")
    if "realm" in context.params:
        name = f"{name}@{context.text('realm')}"
    now = context.cluster.schedule.wall()
    authentication = context.cluster.authentication
    who = authentication.log_in(name, context.text("password"), now)
    return {
        "username": who.user,
        "ticket": authentication.ticket(who.user, now),
        "CSRFPreventionToken": authentication.csrf(who.user, now),
        "cap": {area: _capabilities(context, who, area) for area in _CAPABILITIES},
    }


def _capabilities(context: Context, who: Identity, area: str) -> dict[str, int]:
    path = "/" if area == "dc" else f"/{area}"
    prefixes = _PREFIXES.get(area, tuple(split_list("Sys. User. Group. Realm. Permissions. Pool.")))
    held = context.cluster.access.permissions(who, path)
    return {name: 1 for name in sorted(held) if name.startswith(prefixes)}

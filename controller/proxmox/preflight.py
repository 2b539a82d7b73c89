"""Can this controller work with that Proxmox VE? Asks everything it will rely on, and changes nothing.

Each answer is a sentence for people, with what to do about it. Which rights those are: ``controller.proxmox.rights``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TypeVar

from controller.api.quantities import format_instant
from controller.proxmox.netconfig import parse_net
from controller.proxmox.port import Forbidden, Proxmox, ProxmoxError, ResourceRow, Unauthorized, Untrusted
from controller.proxmox.rights import (
    Bridge,
    Needs,
    Permissions,
    Right,
    can_observe,
    check_rights,
    holds,
    needed_rights,
    paths_to_observe,
)

__all__ = [
    "OLDEST",
    "Bridge",
    "Check",
    "Needs",
    "Report",
    "Right",
    "Verdict",
    "can_observe",
    "check_rights",
    "paths_to_observe",
    "run_checks",
]

OLDEST = (8, 2)
"""The first release with all that the port asks for: a token may read its own rights, guests tell their addresses."""

_READ_ITS_END = (
    "pveum group add winux; pveum user modify USER@REALM --groups winux --append 1; "
    "pveum role add WinuxSelf --privs Sys.Audit; "
    "pveum acl modify /access/groups/winux --users USER@REALM --roles WinuxSelf"
)

_T = TypeVar("_T")


class Verdict(StrEnum):
    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. ``name`` is short and stable, such as ``storage local on pve1``."""

    name: str
    verdict: Verdict
    sentence: str
    todo: str | None = None
    """What to do about it; for a right, the shell lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    checks: tuple[Check, ...]
    rights: tuple[Right, ...] = ()
    """Empty where the token's rights could not be read."""

    @property
    def ok(self) -> bool:
        """Nothing failed; what could not be seen may still be wrong."""
        return all(check.verdict is not Verdict.FAIL for check in self.checks)


def run_checks(
    port: Proxmox, needs: Needs, *, token_id: str, nodes: Sequence[str] = (), privsep: bool | None = None
) -> Report:
    """Look at everything. Without ``nodes`` those that are online count. Raises nothing of Proxmox's."""
    reached = tuple(_reached(port))
    if reached[-1].verdict is Verdict.FAIL:
        return Report(checks=reached)
    needs = _with_what_templates_use(port, needs)
    wanted = needed_rights(needs, token_id=token_id, privsep=privsep)
    try:
        permissions = port.permissions(tuple(dict.fromkeys(right.path for right in wanted)))
    except ProxmoxError as error:
        blind = _unknown("rights", error)
        return Report(checks=(*reached, blind, *_places(port, needs, {}, nodes)))
    rights = check_rights(permissions, needs, token_id=token_id, privsep=privsep)
    return Report(
        checks=(*reached, *map(_right_check, rights), *_places(port, needs, permissions, nodes)), rights=rights
    )


def _with_what_templates_use(port: Proxmox, needs: Needs) -> Needs:
    """A clone needs rights on the storage and the bridge of its template; where the token sees it, they are known."""
    if not needs.templates:
        return needs
    storages, bridges = list(needs.storages), list(needs.bridges)
    try:
        for row in port.resources():
            if row.vmid in needs.templates and row.kind == "lxc":
                config = port.config(row.node, row.vmid)
                storages.append(str(config.raw.get("rootfs", "")).partition(":")[0])
                net = parse_net(config.net0) if config.net0 else {}
                bridges.append(Bridge(name=net.get("bridge", ""), vlan=int(net["tag"]) if "tag" in net else None))
    except ProxmoxError:
        return needs  # the check of the templates says so
    return replace(
        needs,
        storages=tuple(dict.fromkeys(filter(None, storages))),
        bridges=tuple(dict.fromkeys(bridge for bridge in bridges if bridge.name)),
    )


def _reached(port: Proxmox) -> Iterator[Check]:
    try:
        release = port.version()
    except Untrusted as error:
        yield _ok("connection", "The server answers")
        yield _fail(
            "certificate", str(error), "set the CA file (/etc/pve/pve-root-ca.pem of the cluster) or a fingerprint"
        )
        return
    except Unauthorized as error:
        yield _ok("connection", "The server answers")
        yield _ok("certificate", "Its certificate is trusted")
        yield _fail("token", str(error), "make a token with: pveum user token add USER@REALM ID")
        return
    except ProxmoxError as error:
        yield _fail("connection", str(error), "check the URL, the network and that pveproxy runs")
        return
    yield _ok("connection", "The server answers")
    yield _ok("certificate", "Its certificate is trusted")
    yield _ok("token", "The token is accepted")
    yield _token_end(port)
    found = re.match(r"(\d+)\.(\d+)", release)
    if found is None or (int(found[1]), int(found[2])) >= OLDEST:
        yield _ok("version", f"Proxmox VE {release}")
    else:
        oldest = ".".join(map(str, OLDEST))
        yield _fail("version", f"Proxmox VE {release} is too old", f"update to {oldest} or later")


def _token_end(port: Proxmox) -> Check:
    """Its end is told in metrics and watched by an alert, where it may be read."""
    name = "end of the token"
    try:
        ends = port.token_expiry()
    except Forbidden as error:
        return _hidden(name, f"{error}; without it nobody is warned before the token expires", _READ_ITS_END)
    except ProxmoxError as error:
        return _unknown(name, error)
    said = "does not expire" if ends is None else f"expires at {format_instant(int(ends))}"
    return _ok(name, f"The token {said}")


def _right_check(right: Right) -> Check:
    name = f"right {right.privilege} on {right.path}"
    if right.held:
        return _ok(name, f"The token has {right.privilege} on {right.path}, for {right.needed_for}")
    sentence = f"The token lacks {right.privilege} on {right.path}, for {right.needed_for}"
    if right.optional:
        return Check(name=name, verdict=Verdict.OK, sentence=f"{sentence}; it is optional", todo=right.pveum)
    return _fail(name, sentence, right.pveum)


def _places(port: Proxmox, needs: Needs, permissions: Permissions, nodes: Sequence[str]) -> Iterator[Check]:
    yield _pool(port, needs, permissions)
    if needs.firewall:
        yield _datacenter_firewall()
    if needs.templates:
        yield from _templates(port, needs)
    online, checks = _nodes(port, nodes)
    yield from checks
    for node in online:
        yield from _storages(port, needs, permissions, node)
        yield from _archives(port, needs, node)
        yield from _bridges(port, needs, permissions, node)


def _pool(port: Proxmox, needs: Needs, permissions: Permissions) -> Check:
    name = f"pool {needs.pool}"
    pools = _ask(name, port.pools)
    if isinstance(pools, Check):
        return pools
    if needs.pool in pools:
        return _ok(name, f"Pool {needs.pool} exists")
    make = f"pveum pool add {needs.pool}"
    if holds(permissions, f"/pool/{needs.pool}", "Pool.Audit"):
        return _fail(name, f"There is no pool {needs.pool}", make)
    return _hidden(name, f"Whether pool {needs.pool} exists cannot be seen without Pool.Audit on it", make)


def _datacenter_firewall() -> Check:
    """Reading it takes Sys.Audit on /, which lets a token see too much for an answer that an administrator has."""
    return _hidden(
        "firewall of the datacenter",
        "A template limits where desktops connect to: that is in force only where the datacenter's firewall is on, "
        "which cannot be seen without Sys.Audit on /",
        "look: pvesh get /cluster/firewall/options; switch it on: pvesh set /cluster/firewall/options --enable 1 "
        "(first allow yourself in: it filters the nodes, too)",
    )


def _templates(port: Proxmox, needs: Needs) -> Iterator[Check]:
    guests = _ask("templates", port.resources)
    if isinstance(guests, Check):
        yield guests
        return
    by_vmid = {guest.vmid: guest for guest in guests}
    for vmid in needs.templates:
        yield _template(vmid, by_vmid.get(vmid))


def _template(vmid: int, guest: ResourceRow | None) -> Check:
    name = f"template {vmid}"
    if guest is None:
        return _hidden(name, f"Template {vmid} cannot be seen", f"grant VM.Audit on /vms/{vmid}, or make it")
    if guest.kind != "lxc":
        return _fail(name, f"{vmid} on {guest.node} is a virtual machine", "choose a container template")
    if not guest.template and guest.status != "unknown":
        return _fail(name, f"Container {vmid} on {guest.node} is no template", f"make it one with: pct template {vmid}")
    return _ok(name, f"Template {vmid} is on {guest.node}")


def _nodes(port: Proxmox, wanted: Sequence[str]) -> tuple[tuple[str, ...], tuple[Check, ...]]:
    rows = _ask("nodes", port.nodes)
    if isinstance(rows, Check):
        return (), (rows,)
    online = {row.name: row.online for row in rows}
    checks = []
    for node in wanted or online:
        name = f"node {node}"
        if node not in online:
            known = ", ".join(online) or "none"
            checks.append(_fail(name, f"There is no node {node}; there are: {known}", "correct the node's name"))
        elif not online[node]:
            checks.append(_fail(name, f"Node {node} is offline", "start it, or leave it out"))
        else:
            checks.append(_ok(name, f"Node {node} is online"))
    return tuple(node for node in wanted or online if online.get(node)), tuple(checks)


def _storages(port: Proxmox, needs: Needs, permissions: Permissions, node: str) -> Iterator[Check]:
    rows = _ask(f"storages on {node}", partial(port.storages, node))
    if isinstance(rows, Check):
        yield rows
        return
    by_name = {row.name: row for row in rows}
    for storage in needs.storages:
        name = f"storage {storage} on {node}"
        row = by_name.get(storage)
        if row is None and holds(permissions, f"/storage/{storage}", "Datastore.AllocateSpace"):
            seen = ", ".join(by_name) or "none"
            yield _fail(name, f"Node {node} has no enabled storage {storage}; it has: {seen}", "correct its name")
        elif row is None:
            yield _hidden(name, f"Storage {storage} on {node} cannot be seen", "grant Datastore.AllocateSpace on it")
        elif "rootdir" not in row.content:
            todo = f"pvesm set {storage} --content {','.join(sorted({*row.content, 'rootdir'}))}"
            yield _fail(name, f"Storage {storage} on {node} does not take containers (content rootdir)", todo)
        elif not row.active:
            yield _fail(name, f"Storage {storage} on {node} is not active", "see: pvesm status")
        else:
            yield _ok(name, f"Storage {storage} on {node} takes containers")


def _archives(port: Proxmox, needs: Needs, node: str) -> Iterator[Check]:
    for storage in needs.archive_storages:
        wanted = tuple(volume for volume in needs.archives if volume.startswith(f"{storage}:"))
        found = _ask(f"archives in {storage} on {node}", partial(port.archives, node, storage))
        if isinstance(found, Check):
            yield found
            continue
        for volume in wanted:
            name = f"archive {volume} on {node}"
            if volume in found:
                yield _ok(name, f"Archive {volume} is on {node}")
            else:
                there = ", ".join(found) or "none"
                yield _fail(
                    name, f"Node {node} has no archive {volume}; it has: {there}", "upload it, or correct its name"
                )


def _bridges(port: Proxmox, needs: Needs, permissions: Permissions, node: str) -> Iterator[Check]:
    names = _ask(f"bridges on {node}", partial(port.bridges, node))
    if isinstance(names, Check):
        yield names
        return
    for bridge in needs.bridges:
        name = f"bridge {bridge.name} on {node}"
        if bridge.name in names:
            yield _ok(name, f"Bridge {bridge.name} is on {node}")
        elif holds(permissions, bridge.path, "SDN.Use"):
            there = ", ".join(names) or "none"
            yield _fail(name, f"Node {node} has no bridge {bridge.name}; it has: {there}", "correct its name")
        else:
            yield _hidden(name, f"Bridge {bridge.name} on {node} cannot be seen", f"grant SDN.Use on {bridge.path}")


def _ask(name: str, question: Callable[[], _T]) -> _T | Check:
    try:
        return question()
    except ProxmoxError as error:
        return _unknown(name, error)


def _ok(name: str, sentence: str) -> Check:
    return Check(name=name, verdict=Verdict.OK, sentence=sentence)


def _fail(name: str, sentence: str, todo: str) -> Check:
    return Check(name=name, verdict=Verdict.FAIL, sentence=sentence, todo=todo)


def _hidden(name: str, sentence: str, todo: str) -> Check:
    return Check(name=name, verdict=Verdict.UNKNOWN, sentence=sentence, todo=todo)


def _unknown(name: str, error: ProxmoxError) -> Check:
    return Check(name=name, verdict=Verdict.UNKNOWN, sentence=f"This could not be looked at: {error}")

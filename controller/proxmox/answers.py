"""Reads Proxmox's answers into the rows of the port. Pure; raises ``Malformed`` for what Proxmox would not say."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TypeVar

from controller.core.egress import Rule
from controller.proxmox.port import ContainerConfig, ContainerStatus, NodeRow, ResourceRow, StorageRow, TaskRow
from controller.proxmox.transport import Malformed
from controller.proxmox.upid import Upid

_MIB = 1024 * 1024
_SIZE = re.compile(r"(?:^|,)size=(?P<number>\d+(?:\.\d+)?)(?P<unit>[KMGT]?)(?:,|$)")
_UNITS_IN_GIB = {"": 1 / 1024**3, "K": 1 / 1024**2, "M": 1 / 1024, "G": 1.0, "T": 1024.0}
_NO_LOG = ("unable to open file - No such file or directory", "no content")

Row = Mapping[str, object]
_T = TypeVar("_T")


def row(data: object) -> Row:
    if not isinstance(data, dict):
        raise Malformed(f"an object was expected, not {type(data).__name__}")
    return data


def rows(data: object) -> tuple[Row, ...]:
    if not isinstance(data, list):
        raise Malformed(f"a list was expected, not {type(data).__name__}")
    return tuple(row(item) for item in data)


def text(source: Row, key: str) -> str:
    value = source.get(key)
    if value is None or isinstance(value, (dict, list)):
        raise Malformed(f"{key!r} is missing")
    return str(value)


def text_or_none(source: Row, key: str) -> str | None:
    value = source.get(key)
    return None if value is None else str(value)


def number(source: Row, key: str) -> int:
    value = number_or_none(source, key)
    if value is None:
        raise Malformed(f"{key!r} is missing")
    return value


def number_or_none(source: Row, key: str) -> int | None:
    """Proxmox tells numbers as such or as text, depending on where they come from."""
    value = source.get(key)
    if value is None:
        return None
    if not isinstance(value, (int, float, str)):
        raise Malformed(f"{key!r} is not a number")
    try:
        return int(float(value))
    except (ValueError, OverflowError):
        raise Malformed(f"{key!r} is not a number: {str(value)[:40]!r}") from None


def flag(source: Row, key: str) -> bool:
    return str(source.get(key) or "0") not in {"0", "False"}


def each(read: Callable[[Row], _T]) -> Callable[[object], tuple[_T, ...]]:
    """Reads a list by its rows."""
    return lambda data: tuple(read(source) for source in rows(data))


def nothing(data: object) -> None:
    """For answers whose success says it all."""
    del data


def release(data: object) -> str:
    """``9.2`` of ``/version``."""
    return text(row(data), "release")


def upid(data: object) -> str:
    """The UPID that a write returns."""
    try:
        return Upid.parse(str(data)).text
    except ValueError as error:
        raise Malformed(str(error)) from None


def inherited_rights(data: object) -> dict[str, frozenset[str]]:
    """By path, of ``/access/permissions``: only what deeper paths inherit (the flag 1)."""
    return {path: frozenset(p for p in row(privs) if flag(row(privs), p)) for path, privs in row(data).items()}


def rights_on(path: str, data: object) -> frozenset[str]:
    """Of ``/access/permissions?path=``: whatever is there is held on this path; the flag only tells of deeper ones."""
    return frozenset(row(row(data).get(path, {})))


def node_row(source: Row) -> NodeRow:
    return NodeRow(name=text(source, "node"), online=source.get("status") == "online")


def token_expiry(data: object, *, user: str, token_name: str) -> tuple[float, ...] | None:
    """Of ``/access/users?full=1``: the ends of the user and of its token, those that have one; None for one not told.

    Absent or 0 is never (PVE::AccessControl, check_user_enabled and verify_token).
    """
    for account in rows(data):
        for token in rows(account.get("tokens") or []) if account.get("userid") == user else ():
            if token.get("tokenid") == token_name:
                ends = (number_or_none(account, "expire"), number_or_none(token, "expire"))
                return tuple(float(end) for end in ends if end)
    return None


def storage_row(source: Row) -> StorageRow:
    content = frozenset(re.split(r"[,;\s]+", str(source.get("content") or ""))) - {""}
    return StorageRow(name=text(source, "storage"), content=content, active=flag(source, "active"))


def resource_row(source: Row) -> ResourceRow:
    memory = number_or_none(source, "maxmem")
    return ResourceRow(
        vmid=number(source, "vmid"),
        node=text(source, "node"),
        kind=text(source, "type"),
        status=text_or_none(source, "status") or "unknown",
        name=text_or_none(source, "name"),
        pool=text_or_none(source, "pool"),
        lock=text_or_none(source, "lock"),
        template=flag(source, "template"),
        maxcpu=number_or_none(source, "maxcpu"),
        maxmem_mib=None if memory is None else memory // _MIB,
    )


def listed_tasks(data: object, *, token_id: str) -> tuple[TaskRow, ...]:
    """The token's own tasks of a list: running rows say RUNNING and have no end, others tell their exit status."""
    found = []
    for source in rows(data):
        identity = _identity(source)
        if identity.user != token_id:
            continue
        status = text_or_none(source, "status")
        found.append(_task(identity, None if status in {None, "RUNNING"} else status))
    return tuple(found)


def task_status(data: object) -> TaskRow:
    source = row(data)
    running = text(source, "status") == "running"
    return _task(_identity(source), None if running else text_or_none(source, "exitstatus") or "unexpected status")


def _identity(source: Row) -> Upid:
    try:
        return Upid.parse(text(source, "upid"))
    except ValueError as error:
        raise Malformed(str(error)) from None


def _task(identity: Upid, exit_status: str | None) -> TaskRow:
    return TaskRow(
        upid=identity.text,
        node=identity.node,
        kind=identity.kind,
        id=identity.id,
        started=identity.started,
        exit_status=exit_status,
    )


def log_lines(data: object, *, last: int) -> tuple[str, ...]:
    """The last lines of a task's log, none for a task that is not known."""
    lines = tuple(str(item.get("t") or "") for item in rows(data))
    return () if len(lines) == 1 and lines[0] in _NO_LOG else lines[-last:]


def container_config(data: object, *, node: str, vmid: int) -> ContainerConfig:
    source = row(data)
    return ContainerConfig(
        node=node,
        vmid=vmid,
        digest=text(source, "digest"),
        description=(text_or_none(source, "description") or "").removesuffix("\n"),
        hostname=text_or_none(source, "hostname"),
        cores=number_or_none(source, "cores"),
        memory_mib=number_or_none(source, "memory"),
        disk_gib=disk_gib(text_or_none(source, "rootfs")),
        protection=flag(source, "protection"),
        lock=text_or_none(source, "lock"),
        template=flag(source, "template"),
        net0=text_or_none(source, "net0"),
        raw=dict(source),
    )


def disk_gib(rootfs: str | None) -> int | None:
    """Whole GiB of ``local:100/vm-100-disk-0.raw,size=10G``, rounded down."""
    found = _SIZE.search(rootfs or "")
    return int(float(found["number"]) * _UNITS_IN_GIB[found["unit"]]) if found else None


def container_status(data: object) -> ContainerStatus:
    return ContainerStatus(status=text(row(data), "status"), lock=text_or_none(row(data), "lock"))


def firewall_options(data: object) -> dict[str, str]:
    """Flags as 0 and 1, whether told as numbers, text or truth values."""
    return {name: str(int(value)) if isinstance(value, bool) else str(value) for name, value in row(data).items()}


def firewall_rules(data: object) -> tuple[Rule, ...]:
    """By their position; what is no plain rule of ours tells what else it has."""
    listed = sorted(rows(data), key=lambda source: number(source, "pos"))
    return tuple(_rule(source) for source in listed)


_OF_A_RULE = frozenset({"type", "action", "dest", "proto", "dport", "pos", "digest", "ipversion", "comment", "enable"})


def _rule(source: Row) -> Rule:
    other = [f"{name}={value}" for name, value in sorted(source.items()) if name not in _OF_A_RULE]
    if not flag(source, "enable"):
        other.append("enable=0")
    destination = text_or_none(source, "dest") or ""
    with suppress(ValueError):  # an alias, a set, a range or a list: none of ours
        destination = str(ipaddress.ip_network(destination, strict=False))
    return Rule(
        direction=text(source, "type"),
        action=text(source, "action"),
        destination=destination,
        protocol=text_or_none(source, "proto") or "",
        ports=text_or_none(source, "dport") or "",
        other=",".join(other),
    )


def guest_addresses(data: object) -> tuple[str, ...]:
    """Usable addresses of a guest's interfaces, IPv4 first, otherwise in the guest's order; null while stopped."""
    if data is None:
        return ()
    addresses: dict[ipaddress.IPv4Address | ipaddress.IPv6Address, None] = {}
    for interface in rows(data):
        if interface.get("name") == "lo":
            continue  # by its name, not by 127.0.0.0/8: on a laptop's node the guests' own addresses lie in there
        for told in _told_addresses(interface):
            address = _address(told.partition("/")[0].partition("%")[0])
            if not (address.is_link_local or address.is_unspecified or address.is_multicast):
                addresses[address] = None
    return tuple(str(address) for address in sorted(addresses, key=lambda address: address.version))


def _address(told: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(told)
    except ValueError as error:
        raise Malformed(str(error)) from None


def _told_addresses(interface: Row) -> Iterable[str]:
    """``ip-addresses`` has all of them since PVE 8.4; before, ``inet`` and ``inet6`` told one each."""
    listed = interface.get("ip-addresses")
    if isinstance(listed, list):
        return [text(row(item), "ip-address") for item in listed]
    return [str(interface[key]) for key in ("inet", "inet6") if interface.get(key)]

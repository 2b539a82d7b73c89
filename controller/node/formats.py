"""The named formats of Proxmox's parameters, each a function that raises ``FormatError`` with Proxmox's text.

Sources: PVE::JSONSchema, PVE::AccessControl and PVE::LXC::Config. Schemas that use them live in ``parameters``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from controller.node.schema import FormatError

_LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?"
_DNS_NAME = re.compile(rf"({_LABEL}\.)*{_LABEL}")
_NODE = re.compile(_LABEL)
_CONFIG_ID = re.compile(r"[a-z][a-z0-9_-]+", re.IGNORECASE)
_STORAGE_ID = re.compile(r"[a-z][a-z0-9\-_.]*[a-z0-9]", re.IGNORECASE)
_TAG = re.compile(r"[a-z0-9_][a-z0-9_\-+.]*", re.IGNORECASE | re.ASCII)
_POOL_ID = re.compile(r"[A-Za-z0-9.\-_]+(/[A-Za-z0-9.\-_]+){0,2}")
_IFACE = re.compile(r"[a-z][a-z0-9_]{1,20}([:.]\d+)?", re.IGNORECASE)
_MAC = re.compile(r"[a-f0-9][02468ace](:[a-f0-9]{2}){5}", re.IGNORECASE)
_DISK_SIZE = re.compile(r"\d+(\.\d+)?([KMGT](iB)?)?")
_VOLUME_ID = re.compile(r"[a-z][a-z0-9\-_.]*[a-z0-9]:.+", re.IGNORECASE)
_USER_ID = re.compile(r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+")
_TOKEN_ID = re.compile(r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+![A-Za-z][A-Za-z0-9.\-_]+")
_NAME = re.compile(r"[A-Za-z0-9.\-_]+")
_STARTUP = re.compile(r"(order=)?\d+|(up|down)=\d+")
_SEPARATORS = re.compile(r"[,;\s\0]+")

Format = Callable[[str], None]


def split_list(text: str) -> list[str]:
    """The parts of a list: separators are comma, semicolon, blank and NUL (PVE::ParseUtils::split_list)."""
    return [part for part in _SEPARATORS.split(text) if part]


def matching(pattern: re.Pattern[str], message: str) -> Format:
    """A format that is a pattern; ``{}`` in the message stands for the value."""

    def refuse(value: str) -> None:
        if not pattern.fullmatch(value):
            raise FormatError(message.format(value) + "\n")

    return refuse


def each(one: Format) -> Format:
    """The format of a list of things; it may be empty."""

    def refuse(value: str) -> None:
        for part in split_list(value):
            one(part)

    return refuse


dns_name = matching(_DNS_NAME, "value does not look like a valid DNS name")
node = matching(_NODE, "value does not look like a valid node name")
config_id = matching(_CONFIG_ID, "invalid configuration ID '{}'")
storage_id = matching(_STORAGE_ID, "storage ID '{}' contains illegal characters")
tag = matching(_TAG, "invalid characters in tag")
pool_id = matching(_POOL_ID, "pool name '{}' contains invalid characters")
iface = matching(_IFACE, "invalid network interface name '{}'")
mac = matching(_MAC, "value does not look like a valid unicast MAC address")
disk_size = matching(_DISK_SIZE, "value does not look like a valid disk size: '{}'")
volume_id = matching(_VOLUME_ID, "invalid volume ID '{}'")
user_id = matching(_USER_ID, "value '{}' does not look like a valid user name")
token_id = matching(_TOKEN_ID, "value '{}' does not look like a valid token ID")
role_id = matching(_NAME, "role name '{}' contains invalid characters")
group_id = matching(_NAME, "group name '{}' contains invalid characters")
realm = matching(re.compile(r"[A-Za-z][A-Za-z0-9.\-_]+"), "value does not look like a valid realm")


def vmid(value: str) -> None:
    if not re.fullmatch(r"[1-9]\d{2,8}", value):
        raise FormatError("value does not look like a valid VM ID\n")


def ipv4(value: str) -> None:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        raise FormatError("value does not look like a valid ipv4 address\n") from None


def ipv6(value: str) -> None:
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        raise FormatError("value does not look like a valid ipv6 address\n") from None


def ip(value: str) -> None:
    try:
        ipaddress.ip_address(value.partition("%")[0])
    except ValueError:
        raise FormatError("value does not look like a valid ip address\n") from None


def ipv4_config(value: str) -> None:
    """``dhcp``, ``manual`` or address/prefix."""
    if value not in ("dhcp", "manual") and not _is_cidr(value, version=4):
        raise FormatError("value does not look like a valid ipv4 network configuration\n")


def ipv6_config(value: str) -> None:
    if value not in ("auto", "dhcp", "manual") and not _is_cidr(value, version=6):
        raise FormatError("value does not look like a valid ipv6 network configuration\n")


def _is_cidr(value: str, *, version: int) -> bool:
    address, slash, prefix = value.partition("/")
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return bool(slash) and prefix.isdecimal() and parsed.version == version and 7 < int(prefix) <= parsed.max_prefixlen


def startup(value: str) -> None:
    for part in value.split(","):
        if not _STARTUP.fullmatch(part.strip()):
            raise FormatError("unable to parse startup options\n")


def mount_point(value: str) -> None:
    """A volume, device or directory without dot segments."""
    if re.search(r"(^|/)\.\.?(/|$)", value):
        raise FormatError("value contains illegal path components\n")


def task_statuses(value: str) -> None:
    for part in split_list(value):
        if not re.fullmatch(r"ok|error|warning|unknown", part, re.IGNORECASE):
            raise FormatError(f"'{part}' is not a valid task status\n")

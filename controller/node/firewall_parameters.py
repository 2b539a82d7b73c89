"""The parameters of firewall calls, with the formats of addresses, ports and protocols (PVE::Firewall).

Names of services, protocols and ICMP types are those that people use; a rule that needs another one takes its number.
What a rule may combine is checked in ``calls.firewall``.
"""

from __future__ import annotations

import ipaddress
import re

from controller.node import formats
from controller.node.formats import config_id, each
from controller.node.parameters import BOOLEAN, COUNT, GUEST, TEXT
from controller.node.schema import FormatError, Param, Schema

NAME = r"[A-Za-z][A-Za-z0-9\-_]+"
ALIAS = re.compile(rf"(dc/|guest/)?({NAME})")
_PORTS = {"domain", "ftp", "http", "https", "imap", "imaps", "ldap", "ms-wbt-server", "ntp", "smtp", "ssh", "telnet"}
_PROTOCOLS = {
    "ah",
    "dccp",
    "esp",
    "gre",
    "icmp",
    "icmpv6",
    "igmp",
    "ipv6-icmp",
    "ospf",
    "sctp",
    "tcp",
    "udp",
    "udplite",
}
WITH_PORTS = {"dccp", "sctp", "tcp", "udp", "udplite", "6", "17", "33", "132", "136"}
ICMP = {"any", "echo-reply", "echo-request", "destination-unreachable", "redirect", "time-exceeded", "ttl-exceeded"}
ICMP6 = {"destination-unreachable", "echo-reply", "echo-request", "packet-too-big", "redirect", "time-exceeded"}
_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog")


def version_of(text: str) -> int | None:
    """4 or 6 for a list of addresses; None for a reference to an IP set or an alias. Raises FormatError."""
    if text.startswith("+"):
        if len(text) > 65:
            raise FormatError("ipset name too long\n")
        return None
    if ALIAS.fullmatch(text):
        if len(text) > 64:
            raise FormatError("alias name too long\n")
        return None
    parts = text.split(",")
    if "" in parts:
        raise FormatError("extraneous commas in list\n")
    versions = {_version(part) for part in parts}
    if len(versions) > 1:
        raise FormatError(f"detected mixed ipv4/ipv6 addresses in address list '{text}'\n")
    if len(parts) > 1 and any("-" in part for part in parts):
        raise FormatError("you can't use a range in a list\n")
    return versions.pop()


def _version(part: str) -> int:
    """Of an address, a network or a range. The texts of Perl's Net::IP are not measured."""
    first, dash, last = part.partition("-")
    try:
        if dash:
            return _same(ipaddress.ip_address(first).version, ipaddress.ip_address(last).version)
        return ipaddress.ip_network(part).version
    except ValueError as error:
        raise FormatError(f"invalid IP address: {error}\n") from None


def _same(one: int, other: int) -> int:
    if one != other:
        raise ValueError("both ends of a range need one family")
    return one


def address(value: str) -> None:
    version_of(value)


def port(value: str) -> None:
    _check_ports(value, names=_PORTS)


def destination_port(value: str) -> None:
    """Types of ICMP used to be written here."""
    _check_ports(value, names=_PORTS | ICMP | ICMP6)


def _check_ports(value: str, *, names: set[str]) -> None:
    parts, count = value.split(","), 0
    if "" in parts:
        raise FormatError("extraneous commas in list\n")
    for part in parts:
        numbers = part.split(":") if re.fullmatch(r"\d+(:\d+)?", part) else []
        if not numbers and part not in names:
            raise FormatError(f"invalid port '{part}'\n")
        for number in numbers:
            if int(number) > 65535:
                raise FormatError(f"invalid port '{number}'\n")
        if len(numbers) == 2 and int(numbers[0]) > int(numbers[1]):
            back = f"{numbers[1]}:{numbers[0]}"
            raise FormatError(f"backwards range '{part}' not allowed, did you mean '{back}'?\n")
        count += len(numbers)
    if count > 15:
        raise FormatError("too many entries in port list (> 15 numbers)\n")


def protocol(value: str) -> None:
    known = value in _PROTOCOLS or (value.isdecimal() and int(value) <= 255)
    if value and not known:
        raise FormatError(f"unknown protocol '{value}'\n")


def icmp_type(value: str) -> None:
    if value and value not in ICMP | ICMP6:
        raise FormatError(f"invalid icmp-type value '{value}'\n")


def member(value: str) -> None:
    """What an IP set may hold: an address, a network or an alias."""
    if ALIAS.fullmatch(value):
        return
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise FormatError("value does not look like a valid IP address or CIDR network\n") from None


_DIGEST = Param(max_length=64)
_DELETE = Param(format=each(config_id))
_LEVEL = Param(choices=_LEVELS)
_POLICY = Param(choices=("ACCEPT", "REJECT", "DROP"))
_ACTION = Param(pattern=NAME, min_length=2, max_length=20)
_TYPE = Param(choices=("in", "out", "forward", "group"))
_SET = Param(pattern=NAME, min_length=2, max_length=64)

SETTINGS: Schema = {
    **dict.fromkeys(("dhcp", "enable", "ipfilter", "macfilter", "ndp", "radv"), BOOLEAN),
    **dict.fromkeys(("log_level_in", "log_level_out"), _LEVEL),
    **dict.fromkeys(("policy_in", "policy_out"), _POLICY),
}
"""The options of a container's firewall."""
SET_OPTIONS: Schema = {**GUEST, **SETTINGS, "delete": _DELETE, "digest": _DIGEST}

RULE: Schema = {
    "action": _ACTION,
    "comment": TEXT,
    "dest": Param(format=address, max_length=512),
    "dport": Param(format=destination_port),
    "enable": COUNT,
    "icmp-type": Param(format=icmp_type),
    "iface": Param(format=formats.iface, min_length=2, max_length=20),
    "log": _LEVEL,
    "macro": Param(max_length=128),
    "proto": Param(format=protocol),
    "source": Param(format=address, max_length=512),
    "sport": Param(format=port),
    "type": _TYPE,
}
_REQUIRED: Schema = {
    "action": Param(pattern=NAME, min_length=2, max_length=20, required=True),
    "type": Param(choices=("in", "out", "forward", "group"), required=True),
}
ONE_RULE: Schema = {**GUEST, "pos": COUNT}
CREATE_RULE: Schema = {**ONE_RULE, **RULE, **_REQUIRED, "digest": _DIGEST}
UPDATE_RULE: Schema = {**ONE_RULE, **RULE, "delete": _DELETE, "digest": _DIGEST, "moveto": COUNT}
DELETE_RULE: Schema = {**ONE_RULE, "digest": _DIGEST}

_NAME = Param(pattern=NAME, min_length=2, max_length=64, required=True)
_MEMBER = Param(format=member, required=True)
CREATE_SET: Schema = {**GUEST, "name": _NAME, "comment": TEXT, "digest": _DIGEST, "rename": _SET}
ONE_SET: Schema = {**GUEST, "name": _NAME}
DELETE_SET: Schema = {**ONE_SET, "force": BOOLEAN}
CREATE_MEMBER: Schema = {**ONE_SET, "cidr": _MEMBER, "comment": TEXT, "nomatch": BOOLEAN}
ONE_MEMBER: Schema = {**ONE_SET, "cidr": _MEMBER}
UPDATE_MEMBER: Schema = {**CREATE_MEMBER, "digest": _DIGEST}
DELETE_MEMBER: Schema = {**ONE_MEMBER, "digest": _DIGEST}

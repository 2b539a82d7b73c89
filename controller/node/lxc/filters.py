"""A container's firewall in the words of nftables. Pure: the rules are put in place by ``network``.

Only IPv4 is spoken on the bridge, so rules of IPv6 alone match nothing. What cannot be said in nftables never opens
anything: such an ACCEPT admits nothing, and such a DROP or REJECT takes all that goes in its direction.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controller.node.firewall import Entry, Firewall

_PROTOCOLS = {
    "icmp": 1,
    "igmp": 2,
    "tcp": 6,
    "udp": 17,
    "dccp": 33,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "ipv6-icmp": 58,
    "ospf": 89,
    "sctp": 132,
    "udplite": 136,
}
_SERVICES = {
    "ftp": 21,
    "ssh": 22,
    "telnet": 23,
    "smtp": 25,
    "domain": 53,
    "http": 80,
    "ntp": 123,
    "imap": 143,
    "ldap": 389,
    "https": 443,
    "imaps": 993,
    "ms-wbt-server": 3389,
}
_ICMP = {
    **{name: f"icmp type {name}" for name in ("echo-reply", "echo-request", "destination-unreachable", "redirect")},
    "time-exceeded": "icmp type time-exceeded",
    "ttl-exceeded": "icmp type time-exceeded icmp code 0",
    "any": "",
}
_MACROS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "FTP": (("tcp", "21"),),
    "SSH": (("tcp", "22"),),
    "Telnet": (("tcp", "23"),),
    "SMTP": (("tcp", "25"),),
    "DNS": (("udp", "53"), ("tcp", "53")),
    "HTTP": (("tcp", "80"),),
    "NTP": (("udp", "123"),),
    "HTTPS": (("tcp", "443"),),
    "Web": (("tcp", "80,443"),),
    "SMTPS": (("tcp", "465"),),
    "POP3": (("tcp", "110"),),
    "POP3S": (("tcp", "995"),),
    "IMAP": (("tcp", "143"),),
    "IMAPS": (("tcp", "993"),),
    "LDAP": (("tcp", "389"),),
    "LDAPS": (("tcp", "636"),),
    "Submission": (("tcp", "587"),),
    "MySQL": (("tcp", "3306"),),
    "PostgreSQL": (("tcp", "5432"),),
    "Squid": (("tcp", "3128"),),
    "RDP": (("tcp", "3389"),),
    "VNC": (("tcp", "5900:5999"),),
    "Ping": (("icmp", "echo-request"),),
    "Git": (("tcp", "9418"),),
    "Rsync": (("tcp", "873"),),
    "Whois": (("tcp", "43"),),
}
"""Macro → protocol and ports of each of its rules, from PVE::Firewall; of the others no rule can be made."""
_WAYS = {"in": "DROP", "out": "ACCEPT"}
"""Direction → the policy that it has by default."""
_ACTIONS = {"ACCEPT": "return", "DROP": "drop", "REJECT": "reject"}


class Unsayable(Exception):
    """``str()`` says what it is that has no words here."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Rules of two chains, which return with what may pass."""

    inwards: tuple[str, ...] = ()
    outwards: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = field(default=(), compare=False)
    """What could not be said, and was closed instead."""


OPEN = Filter()


def compiled(firewall: Firewall | None, *, interface: str) -> Filter:
    """What a container's firewall does on one of its interfaces, such as ``net0``.

    Defaults of PVE::Firewall: it is off unless enabled; then nothing comes in, and everything goes out.
    """
    if firewall is None or firewall.options.get("enable") != "1":
        return OPEN
    first = ("ct state established,related return", "ct state invalid drop")
    chains = {way: [*first] for way in _WAYS}
    unsaid: list[str] = []
    for position, rule in enumerate(firewall.rules):
        if rule.get("enable", "0") == "0" or rule.get("iface", interface) != interface:
            continue
        ways = (rule["type"],) if rule["type"] in _WAYS else _WAYS
        try:
            lines = _lines(rule, firewall.ipsets)
        except Unsayable as what:
            lines = [] if rule["action"] == "ACCEPT" else [_ACTIONS.get(rule["action"], "drop")]
            unsaid.append(f"rule {position} ({rule['type']} {rule['action']}): {what}")
        for way in ways:
            chains[way] += lines
    for way, policy in _WAYS.items():
        action = _ACTIONS[firewall.options.get(f"policy_{way}", policy)]
        chains[way] += [] if action == "return" else [action]
    return Filter(tuple(chains["in"]), tuple(chains["out"]), tuple(unsaid))


def _lines(rule: Entry, ipsets: Mapping[str, list[Entry]]) -> list[str]:
    """The nftables rules of one; none where it can match nothing that is spoken here."""
    if rule["action"] not in _ACTIONS:
        raise Unsayable(f"security groups, such as {rule['action']}, are not known here")
    ends = [_end(rule[name], word, ipsets) for name, word in (("source", "saddr"), ("dest", "daddr")) if name in rule]
    services = _services(rule)
    if None in ends:
        return []
    words = [end for end in ends if end]
    return [" ".join([*words, *service, _ACTIONS[rule["action"]]]) for service in services]


def _services(rule: Entry) -> list[list[str]]:
    """Alternatives, each with its matches: of a macro one for each of its protocols."""
    if "macro" not in rule:
        service = _service(rule)
        return [] if service is None else [service]
    if rule["macro"] not in _MACROS:
        raise Unsayable(f"macro {rule['macro']} is not known here")
    if {"proto", "dport", "sport", "icmp-type"} & rule.keys():
        raise Unsayable(f"macro {rule['macro']} with a protocol or ports of its own")
    found = [_service({"proto": protocol, "dport": ports}) for protocol, ports in _MACROS[rule["macro"]]]
    return [service for service in found if service is not None]


def _service(rule: Mapping[str, str]) -> list[str] | None:
    """Protocol and ports; None for what is never spoken here."""
    protocol = rule.get("proto")
    if protocol is None:
        return []
    number = _PROTOCOLS.get(protocol) or (int(protocol) if protocol.isdecimal() else None)
    if number is None:
        raise Unsayable(f"protocol {protocol} is not known here")
    if number == _PROTOCOLS["icmpv6"]:
        return None
    words = [f"meta l4proto {number}"]
    if number == _PROTOCOLS["icmp"]:
        kind = rule.get("icmp-type", rule.get("dport", "any"))
        if kind not in _ICMP:
            raise Unsayable(f"ICMP type {kind} is not known here")
        return [*words, *([_ICMP[kind]] if _ICMP[kind] else [])]
    return words + [f"th {name} {_ports(rule[name])}" for name in ("sport", "dport") if name in rule]


def _ports(text: str) -> str:
    """``22,80:90`` as a set, in which nothing may overlap."""
    ranges = []
    for part in text.split(","):
        numbers = [_SERVICES.get(one) or (int(one) if one.isdecimal() else None) for one in part.split(":")]
        if None in numbers:
            raise Unsayable(f"port {part} is not known here")
        found = [number for number in numbers if number is not None]
        ranges.append((found[0], found[-1]))
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return f"{{ {', '.join(str(a) if a == b else f'{a}-{b}' for a, b in merged)} }}"


def _end(text: str, word: str, ipsets: Mapping[str, list[Entry]]) -> str | None:
    """The match of a source or a destination; None where no IPv4 address can match."""
    if reference := re.fullmatch(r"\+(?:guest/)?([A-Za-z][\w-]+)", text):
        if reference[1] not in ipsets:
            raise Unsayable(f"IP set {text} is not known here")
        members = ipsets[reference[1]]
        inside = [one["cidr"] for one in members if one.get("nomatch", "0") == "0"]
        outside = [one["cidr"] for one in members if one.get("nomatch", "0") != "0"]
    else:
        inside, outside = text.split(","), []
    if not (among := _set(inside)):
        return None
    but = _set(outside)
    return f"ip {word} {among}" + (f" ip {word} != {but}" if but else "")


def _set(texts: Iterable[str]) -> str:
    """The IPv4 addresses among them as a set, in which nothing overlaps; empty if there are none."""
    networks: list[ipaddress.IPv4Network] = []
    for text in texts:
        first, dash, last = text.partition("-")
        try:
            if dash:
                ends = ipaddress.ip_address(first), ipaddress.ip_address(last)
                if isinstance(ends[0], ipaddress.IPv4Address) and isinstance(ends[1], ipaddress.IPv4Address):
                    networks += ipaddress.summarize_address_range(ends[0], ends[1])
            elif isinstance(network := ipaddress.ip_network(text, strict=False), ipaddress.IPv4Network):
                networks.append(network)
        except ValueError as error:
            raise Unsayable(f"address {text} is not known here") from error
    collapsed = [*ipaddress.collapse_addresses(networks)]
    return f"{{ {', '.join(str(one) for one in collapsed)} }}" if collapsed else ""

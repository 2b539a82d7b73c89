"""A container's firewall: its options and its rules (PVE::API2::Firewall::VM, ::Rules).

None of these calls looks whether the container is there: one that is not has an empty firewall, which can be written.
"""

from __future__ import annotations

import re

from controller.node import firewall_parameters as p
from controller.node.context import Context
from controller.node.errors import died, invalid
from controller.node.firewall import Entry, Firewall, digest
from controller.node.formats import split_list
from controller.node.schema import FormatError

_WHOLE = frozenset(
    {"enable", "ipversion", "nomatch", *(name for name, one in p.SETTINGS.items() if one.kind == "boolean")}
)
_MACROS = frozenset(
    {
        *("DHCPfwd", "DNS", "FTP", "Git", "HTTP", "HTTPS", "IMAP", "IMAPS", "LDAP", "LDAPS", "MySQL", "NTP", "OpenVPN"),
        *("POP3", "POP3S", "Ping", "PostgreSQL", "RDP", "Rsync", "SMB", "SMTP", "SMTPS", "SNMP", "SPICEproxy", "SSH"),
        *("Squid", "Submission", "Syslog", "Telnet", "Trcrt", "VNC", "Web", "Webcache", "Whois"),
    }
)
"""The ones that people use; Proxmox VE knows some fifty more."""


def read_only(context: Context) -> Firewall:
    return context.cluster.firewalls.get(context.vmid) or Firewall()


def opened(context: Context) -> Firewall:
    """To be written; call ``saved`` afterwards."""
    context.cluster.check_writable(context.node, context.vmid)
    return context.cluster.firewalls.setdefault(context.vmid, Firewall())


def saved(context: Context) -> None:
    context.cluster.firewall_changed(context.vmid)


def check_digest(context: Context, now: str) -> None:
    if context.text("digest", now) != now:
        raise died("detected modified configuration - file changed by other user? Try again.")


def shown(entry: Entry) -> dict[str, object]:
    """Flags and versions as numbers."""
    return {name: int(value) if name in _WHOLE else value for name, value in entry.items()}


# options


def read_options(context: Context) -> dict[str, object]:
    options = read_only(context).options
    return shown(options) | {"digest": digest([options])}


def set_options(context: Context) -> None:
    options = dict(read_only(context).options)
    check_digest(context, digest([options]))
    for name in split_list(context.text("delete")):
        if name not in p.SETTINGS:
            raise invalid({"delete": f"no such option '{name}'"})
        options.pop(name, None)
    opened(context).options = options | {name: context.text(name) for name in p.SETTINGS if name in context.params}
    saved(context)


# rules


def list_rules(context: Context) -> list[dict[str, object]]:
    rules = read_only(context).rules
    now = digest(rules)
    return [shown(rule) | {"pos": position, "digest": now} for position, rule in enumerate(rules)]


def read_rule(context: Context) -> dict[str, object]:
    return list_rules(context)[_position(context)]


def _position(context: Context) -> int:
    position = context.number("pos", 0)
    if position >= len(read_only(context).rules):
        raise died(f"no rule at position {position}")
    return position


def create_rule(context: Context) -> None:
    """The new rule is the first one, whatever ``pos`` says; without ``enable`` it is off."""
    rule = _verified(context, _given(context, {}))
    opened(context).rules.insert(0, rule | {"enable": context.text("enable", "0")})
    saved(context)


def update_rule(context: Context) -> None:
    """With ``moveto`` it is moved and nothing else."""
    rules = read_only(context).rules
    check_digest(context, digest(rules))
    position = _position(context)
    target = context.number("moveto", position)
    if target != position:
        opened(context).rules = _moved(rules, position, target)
    else:
        rule = _given(context, rules[position])
        for name in split_list(context.text("delete")):
            if name not in p.RULE:
                raise invalid({"delete": f"no such property ('{name}')"})
            if name in ("type", "action"):
                raise invalid({"delete": f"unable to delete required property '{name}'"})
            rule.pop(name, None)
        opened(context).rules[position] = _verified(context, rule)
    saved(context)


def _moved(rules: list[Entry], position: int, target: int) -> list[Entry]:
    """In front of the rule that stands at the target now."""
    marked = [*rules[:position], None, *rules[position + 1 :]]
    marked.insert(min(target, len(rules)), rules[position])
    return [rule for rule in marked if rule is not None]


def delete_rule(context: Context) -> None:
    rules = read_only(context).rules
    check_digest(context, digest(rules))
    position = _position(context)
    del opened(context).rules[position]
    saved(context)


def _given(context: Context, rule: Entry) -> Entry:
    """An empty value, or a dash, takes a property away."""
    given = {name: context.text(name) for name in p.RULE if name in context.params}
    empty = {name for name, value in given.items() if value in ("", "-")}
    return {name: value for name, value in (rule | given).items() if name not in empty and name != "ipversion"}


def _verified(context: Context, rule: Entry) -> Entry:
    """What a rule may combine, with the texts of PVE::Firewall::verify_rule."""
    _verify_kind(rule)
    if "iface" in rule and not re.fullmatch(r"net\d+", rule["iface"]):
        raise invalid({"iface": "value does not match the regex pattern 'net\\d+'"})
    if "macro" in rule:
        known = {name.lower(): name for name in _MACROS}
        if rule["macro"].lower() not in known:
            raise invalid({"macro": f"unknown macro '{rule['macro']}'"})
        rule = rule | {"macro": known[rule["macro"].lower()]}
    _verify_ports(rule)
    versions = {"icmp": 4, "icmpv6": 6, "ipv6-icmp": 6}
    version = versions.get(rule.get("proto", ""))
    for name in ("source", "dest"):
        if name in rule:
            version = _verify_address(context, name, rule[name], version)
    return rule | ({"ipversion": str(version)} if version else {})


def _verify_kind(rule: Entry) -> None:
    kind, action = rule["type"], rule["action"]
    if kind == "forward":
        raise invalid({"type": "invalid rule type 'forward' for rule_env 'ct'"})
    if kind in ("in", "out") and action not in ("ACCEPT", "DROP", "REJECT"):
        raise invalid({"action": f"unknown action '{action}'"})


def _verify_ports(rule: Entry) -> None:
    protocol = rule.get("proto")
    icmp = protocol in ("icmp", "icmpv6", "ipv6-icmp")
    for name in ("dport", "sport"):
        if name not in rule:
            continue
        if protocol is None:
            raise invalid({"proto": f"missing property - '{name}' requires this property"})
        if protocol not in p.WITH_PORTS and not (icmp and name == "dport"):
            raise invalid({name: f"protocol '{protocol}' does not support ports"})
    if "icmp-type" not in rule:
        return
    if not icmp:
        raise invalid({"proto": "missing property - 'icmp-type' requires this property"})
    if "dport" in rule:
        raise invalid({"icmp-type": "'icmp-type' cannot be specified together with 'dport'"})
    if rule["icmp-type"] not in (p.ICMP if protocol == "icmp" else p.ICMP6):
        raise invalid({"icmp-type": f"invalid icmp-type '{rule['icmp-type']}' for proto '{protocol}'"})


def _verify_address(context: Context, name: str, value: str, version: int | None) -> int | None:
    try:
        found = p.version_of(value)
    except FormatError as error:
        raise invalid({name: str(error).rstrip("\n")}) from None
    if found and version and found != version:
        raise invalid({name: "detected mixed ipv4/ipv6 addresses in rule"})
    if reference := re.fullmatch(rf"\+(guest/|dc/|sdn/)?({p.NAME})", value):
        if reference[2] not in read_only(context).ipsets:
            raise invalid({name: f"no such ipset '{reference[2]}'"})
    elif value.startswith("+"):
        raise invalid({name: f"invalid ipset name '{value}'"})
    elif found is None:
        raise invalid({name: f"no such alias '{value}'"})
    return version or found

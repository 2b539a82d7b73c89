"""From a template's egress policy to the firewall of a container, and from the firewall that is there to what is to do.

Pure. Proxmox's firewall accepts what belongs to connections that are there already; all rules here accept, and what
none accepts is dropped (in) or rejected (out, so that programs in the desktop fail at once instead of hanging). So
their order means nothing. Name servers may be asked where anything at all may be reached: with ``none`` not even those,
since questions can carry data out. Containers on the same bridge are outside like all else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from controller.core.model import Destination, SessionSpec

SSH_PORT = 22
PORTS_IN_A_RULE = 7
"""Proxmox takes 15 numbers in a list of ports, and a range counts as two (PVE::Firewall)."""

Options = Mapping[str, str]
"""Options of a firewall as Proxmox takes them, by name."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Rule:
    """A rule that is on."""

    direction: str
    """``in`` or ``out``."""
    action: str = "ACCEPT"
    destination: str = ""
    """A network with its prefix; empty: any."""
    protocol: str = ""
    ports: str = ""
    """As Proxmox takes them: ``443,8000:8010``."""
    other: str = ""
    """What else was found in a rule that is there, or that it is off; no rule of ours has any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """What a container's firewall has to be."""

    options: Options
    rules: frozenset[Rule]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a container's firewall is. A rule's place is its position, the first one's 0."""

    options: Options
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What makes the one the other; empty where nothing is to do."""

    options: Options
    surplus: tuple[int, ...]
    """Positions of rules that go, the last one first: each removal moves those behind it."""
    missing: tuple[Rule, ...]

    @property
    def done(self) -> bool:
        return not (self.options or self.surplus or self.missing)


def firewall_of(spec: SessionSpec) -> Firewall | None:
    """None where nothing is filtered and the firewall is left alone."""
    network = spec.network
    if network.egress is None:
        return None
    options = {
        "enable": "1",
        "policy_in": "DROP",
        "policy_out": "REJECT",
        "macfilter": "1",
        # Proxmox knows a container's fixed addresses, and none that DHCP gave: with those the filter would stop it.
        "ipfilter": "1" if network.addresses is not None else "0",
        "dhcp": "0" if network.addresses is not None else "1",
    }
    rules = {
        Rule(direction="in", protocol="tcp", ports=str(spec.readiness.port)),
        Rule(direction="in", protocol="tcp", ports=str(SSH_PORT)),
    }
    for destination in network.egress:
        rules.update(_out(destination))
    if network.egress:
        for server in network.nameservers:
            rules.update(_out(Destination(cidr=str(ip_network(server)), ports=("53/udp", "53/tcp"))))
    return Firewall(options=options, rules=frozenset(rules))


def repair(wanted: Firewall, found: Found) -> Repair:
    """Every wanted rule once, no other rule, and the wanted options; options that nobody asked for stay."""
    kept: set[Rule] = set()
    surplus = []
    for position, rule in enumerate(found.rules):
        if rule in wanted.rules and rule not in kept:
            kept.add(rule)
        else:
            surplus.append(position)
    return Repair(
        options={name: value for name, value in wanted.options.items() if found.options.get(name, "") != value},
        surplus=tuple(reversed(surplus)),
        missing=tuple(sorted(wanted.rules - kept)),
    )


def _out(destination: Destination) -> Iterator[Rule]:
    if not destination.ports:
        yield Rule(direction="out", destination=destination.cidr)
        return
    for protocol in ("tcp", "udp"):
        ports = [
            port.partition("/")[0].replace("-", ":") for port in destination.ports if port.endswith(f"/{protocol}")
        ]
        for start in range(0, len(ports), PORTS_IN_A_RULE):
            listed = ",".join(ports[start : start + PORTS_IN_A_RULE])
            yield Rule(direction="out", destination=destination.cidr, protocol=protocol, ports=listed)

"""A container's firewall in nftables: what passes, and that what has no words there opens nothing."""

from __future__ import annotations

import pytest

from controller.node.firewall import Firewall
from controller.node.lxc.filters import OPEN, compiled

FIRST = ("ct state established,related return", "ct state invalid drop")
ON = {"enable": "1"}
SETS = {"office": [{"cidr": "10.0.0.0/8"}, {"cidr": "10.1.0.0/16"}, {"cidr": "10.2.0.0/16", "nomatch": "1"}]}


def _rule(kind: str = "in", action: str = "ACCEPT", **more: str) -> dict[str, str]:
    return {"type": kind, "action": action, "enable": "1"} | {name.replace("_", "-"): more[name] for name in more}


@pytest.mark.parametrize("firewall", [None, Firewall(), Firewall({"enable": "0", "policy_in": "DROP"}, [_rule()])])
def test_a_firewall_that_is_not_enabled_filters_nothing(firewall: Firewall | None) -> None:
    assert compiled(firewall, interface="net0") == OPEN


@pytest.mark.parametrize(
    ("options", "inwards", "outwards"),
    [
        ({}, ("drop",), ()),
        ({"policy_in": "ACCEPT"}, (), ()),
        ({"policy_in": "REJECT", "policy_out": "DROP"}, ("reject",), ("drop",)),
    ],
)
def test_the_policy_comes_last(options: dict[str, str], inwards: tuple[str, ...], outwards: tuple[str, ...]) -> None:
    filtered = compiled(Firewall(ON | options), interface="net0")

    assert filtered.inwards == FIRST + inwards
    assert filtered.outwards == FIRST + outwards


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (_rule(), ["return"]),
        (_rule(action="REJECT"), ["reject"]),
        (_rule(proto="tcp", dport="22"), ["meta l4proto 6 th dport { 22 } return"]),
        (
            _rule(proto="udp", dport="80:90,85:99,ssh", sport="1"),
            ["meta l4proto 17 th sport { 1 } th dport { 22, 80-99 } return"],
        ),
        (_rule(proto="47"), ["meta l4proto 47 return"]),
        (_rule(proto="icmp", icmp_type="echo-request"), ["meta l4proto 1 icmp type echo-request return"]),
        (_rule(proto="icmp", dport="any"), ["meta l4proto 1 return"]),
        (_rule(macro="RDP"), ["meta l4proto 6 th dport { 3389 } return"]),
        (_rule(macro="DNS"), [f"meta l4proto {number} th dport {{ 53 }} return" for number in (17, 6)]),
        (_rule(source="10.0.0.1,10.0.0.0/24"), ["ip saddr { 10.0.0.0/24 } return"]),
        (_rule(dest="10.0.0.0-10.0.0.2"), ["ip daddr { 10.0.0.0/31, 10.0.0.2/32 } return"]),
        (_rule(source="+office"), ["ip saddr { 10.0.0.0/8 } ip saddr != { 10.2.0.0/16 } return"]),
        (_rule(source="fe80::1"), []),
        (_rule(proto="ipv6-icmp"), []),
        (_rule(iface="net1"), []),
        (_rule(enable="0"), []),
    ],
)
def test_a_rule_in_words_of_nftables(rule: dict[str, str], expected: list[str]) -> None:
    filtered = compiled(Firewall(ON, [rule], SETS), interface="net0")

    assert filtered.inwards == (*FIRST, *expected, "drop")
    assert filtered.outwards == FIRST
    assert filtered.unsaid == ()


@pytest.mark.parametrize(
    "what",
    [{"macro": "SMB"}, {"macro": "RDP", "proto": "udp"}, {"source": "+dc/office"}, {"source": "+nobody"}],
)
def test_what_cannot_be_said_admits_nothing_and_keeps_out_everything(what: dict[str, str]) -> None:
    accept = compiled(Firewall(ON, [_rule(**what)], SETS), interface="net0")
    drop = compiled(Firewall(ON | {"policy_in": "ACCEPT"}, [_rule(action="DROP", **what)], SETS), interface="net0")

    assert accept.inwards == (*FIRST, "drop")
    assert drop.inwards == (*FIRST, "drop")
    assert accept.unsaid
    assert drop.unsaid


def test_a_security_group_closes_both_ways() -> None:
    filtered = compiled(Firewall(ON | {"policy_in": "ACCEPT"}, [_rule("group", "webservers")]), interface="net0")

    assert filtered.inwards == filtered.outwards == (*FIRST, "drop")
    assert filtered.unsaid == ("rule 0 (group webservers): security groups, such as webservers, are not known here",)

"""From an egress policy to the rules of a firewall, and from the firewall that is there to what is to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.api.load import parse
from controller.core.egress import Firewall, Found, Repair, Rule, firewall_of, repair
from controller.core.model import AddressRange, Destination, Network, Readiness
from controller.core.offer import Offer, TemplateDefaults, settle
from tests.unit.core.given import spec

RDP, SSH = Rule(direction="in", protocol="tcp", ports="3389"), Rule(direction="in", protocol="tcp", ports="22")
BY_DHCP = {
    "enable": "1", "policy_in": "DROP", "policy_out": "REJECT", "macfilter": "1", "ipfilter": "0", "dhcp": "1",
}  # fmt: skip
RANGE = AddressRange(first="10.0.0.10", last="10.0.0.99", prefix=24)
TO_DNS = {
    Rule(direction="out", destination="10.0.0.53/32", protocol="tcp", ports="53"),
    Rule(direction="out", destination="10.0.0.53/32", protocol="udp", ports="53"),
}


def firewall(*egress: Destination, **network: object) -> Firewall | None:
    given = replace(Network(bridge="vmbr0", egress=egress), **network)  # type: ignore[arg-type]
    return firewall_of(spec(network=given))


def out(**given: str) -> Rule:
    return Rule(direction="out", **given)


def test_the_internet_asks_for_no_firewall() -> None:
    assert firewall_of(spec(network=Network(bridge="vmbr0"))) is None


@pytest.mark.parametrize(
    ("egress", "network", "rules"),
    [
        pytest.param((), {}, set(), id="none: nothing goes out"),
        pytest.param((), {"nameservers": ("10.0.0.53",)}, set(), id="none: not even questions to name servers"),
        pytest.param(
            (Destination(cidr="10.0.0.0/8"),), {}, {out(destination="10.0.0.0/8")}, id="a network by every protocol"
        ),
        pytest.param(
            (Destination(cidr="2001:db8::/32"),), {}, {out(destination="2001:db8::/32")}, id="an IPv6 network"
        ),
        pytest.param(
            (Destination(cidr="192.0.2.7/32", ports=("443/tcp", "8000-8010/tcp", "53/udp")),),
            {},
            {
                out(destination="192.0.2.7/32", protocol="tcp", ports="443,8000:8010"),
                out(destination="192.0.2.7/32", protocol="udp", ports="53"),
            },
            id="ports by their protocols, ranges as Proxmox writes them",
        ),
        pytest.param(
            (Destination(cidr="192.0.2.7/32", ports=tuple(f"{port}/tcp" for port in range(1, 10))),),
            {},
            {
                out(destination="192.0.2.7/32", protocol="tcp", ports="1,2,3,4,5,6,7"),
                out(destination="192.0.2.7/32", protocol="tcp", ports="8,9"),
            },
            id="more ports than fit into a rule",
        ),
        pytest.param(
            (Destination(cidr="192.0.2.7/32"),),
            {"nameservers": ("10.0.0.53",)},
            {out(destination="192.0.2.7/32"), *TO_DNS},
            id="a list adds the name servers that the template gives",
        ),
    ],
)
def test_what_goes_out(egress: tuple[Destination, ...], network: dict[str, object], rules: set[Rule]) -> None:
    wanted = firewall(*egress, **network)
    assert wanted is not None
    assert wanted.rules == {RDP, SSH, *rules}
    assert wanted.options == BY_DHCP


def test_fixed_addresses_are_held_to_and_need_no_dhcp() -> None:
    wanted = firewall(addresses=RANGE)
    assert wanted is not None
    assert wanted.options == {**BY_DHCP, "ipfilter": "1", "dhcp": "0"}


def test_rdp_comes_in_where_it_listens() -> None:
    wanted = firewall_of(spec(network=Network(bridge="vmbr0", egress=()), readiness=Readiness(port=13389)))
    assert wanted is not None
    assert wanted.rules == {Rule(direction="in", protocol="tcp", ports="13389"), SSH}


# -- what is to do ---------------------------------------------------------------------------------------------

WANTED = Firewall(options=BY_DHCP, rules=frozenset({RDP, SSH}))
AS_WANTED = Found(options=BY_DHCP, rules=(SSH, RDP))
NOTHING = Repair(options={}, surplus=(), missing=())
OPEN = Rule(direction="out")


@pytest.mark.parametrize(
    ("found", "todo"),
    [
        pytest.param(AS_WANTED, NOTHING, id="as wanted, in any order"),
        pytest.param(
            replace(AS_WANTED, options={**BY_DHCP, "log_level_in": "info"}),
            NOTHING,
            id="an option that nobody asked for",
        ),
        pytest.param(
            Found(options={}, rules=()), Repair(options=BY_DHCP, surplus=(), missing=(SSH, RDP)), id="nothing yet"
        ),
        pytest.param(
            replace(AS_WANTED, options={**BY_DHCP, "policy_out": "ACCEPT"}),
            replace(NOTHING, options={"policy_out": "REJECT"}),
            id="an option that is another one",
        ),
        pytest.param(
            replace(AS_WANTED, rules=(OPEN, SSH, RDP, OPEN)),
            replace(NOTHING, surplus=(3, 0)),
            id="rules that a clone has from its template go, the last one first",
        ),
        pytest.param(
            replace(AS_WANTED, rules=(SSH, RDP, SSH)), replace(NOTHING, surplus=(2,)), id="a rule that was added twice"
        ),
        pytest.param(
            replace(AS_WANTED, rules=(replace(SSH, other="enable=0"), RDP)),
            replace(NOTHING, surplus=(0,), missing=(SSH,)),
            id="a rule that is off is none",
        ),
    ],
)
def test_what_makes_it_as_wanted(found: Found, todo: Repair) -> None:
    assert repair(WANTED, found) == todo
    assert todo.done == (todo == NOTHING)


# -- from the manifest -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "egress"),
    [
        ("{}", None),
        ("{egress: internet}", None),
        ("{egress: none}", ()),
        ("{egress: [10.0.0.0/8, 192.0.2.7]}", (Destination(cidr="10.0.0.0/8"), Destination(cidr="192.0.2.7/32"))),
        (
            "{egress: [{cidr: 2001:db8::/32, ports: [443/tcp, 53/udp]}]}",
            (Destination(cidr="2001:db8::/32", ports=("443/tcp", "53/udp")),),
        ),
    ],
)
def test_a_template_says_where_its_sessions_may_connect_to(
    written: str, egress: tuple[Destination, ...] | None
) -> None:
    text = f"apiVersion: winux.dev/v1\nkind: SessionTemplate\nmetadata: {{name: a}}\nspec: {{network: {written}}}\n"
    (template,) = parse(text.encode(), "a.yaml").manifests
    offer = settle(template, defaults=TemplateDefaults(archive="local:vztmpl/winux.tar.zst", storage="local"))
    assert isinstance(offer, Offer)
    assert offer.network.egress == egress

"""The firewall of a container over the real calls, with all rights and with rights on a pool only."""

from __future__ import annotations

from typing import Any

import pytest

from controller.core.egress import Found, Rule, firewall_of, repair
from controller.core.model import Destination, Network
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.port import Forbidden
from tests.unit.core.given import spec

NODE = "pve1"
Lab = Any
"""The lab of conftest.py, which tests cannot import."""

WANTED = firewall_of(
    spec(
        network=Network(
            bridge="vmbr0",
            nameservers=("10.0.0.53", "2001:db8::53"),
            egress=(
                Destination(cidr="10.0.0.0/8"),
                Destination(cidr="2001:db8::/32", ports=("443/tcp", "8000-8010/tcp", "53/udp")),
            ),
        )
    )
)


def test_a_firewall_is_made_as_wanted_and_read_as_such(lab: Lab, port: ProxmoxAdapter) -> None:
    assert WANTED is not None
    vmid = lab.vmid()
    lab.done(port, port.create(NODE, lab.request(vmid)))
    assert port.firewall(NODE, vmid) == Found(options=port.firewall(NODE, vmid).options, rules=())

    port.add_firewall_rule(NODE, vmid, Rule(direction="out"))  # as a clone may have it from its template
    todo = repair(WANTED, port.firewall(NODE, vmid))
    assert todo.surplus == (0,)
    port.set_firewall_options(NODE, vmid, todo.options)
    for position in todo.surplus:
        port.remove_firewall_rule(NODE, vmid, position)
    for rule in todo.missing:
        port.add_firewall_rule(NODE, vmid, rule)
    assert repair(WANTED, port.firewall(NODE, vmid)).done


def test_a_container_outside_of_the_pool_keeps_its_firewall(
    lab: Lab, full: ProxmoxAdapter, limited: ProxmoxAdapter
) -> None:
    """What a pool's token may not touch, whoever took the VMID."""
    vmid = lab.vmid()
    lab.door(lambda door: door.add(vmid, {"hostname": "foreign"}, node=NODE, pool=None, running=False))
    with pytest.raises(Forbidden):
        limited.set_firewall_options(NODE, vmid, {"enable": "1"})
    with pytest.raises(Forbidden):
        limited.add_firewall_rule(NODE, vmid, Rule(direction="out"))
    assert full.firewall(NODE, vmid).rules == ()

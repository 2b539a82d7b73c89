"""Making a container's firewall what its template's egress policy asks for, before anybody can log in.

None of Proxmox's firewall calls knows whose container a VMID is, and none takes the digest of its configuration: what
is written follows upon a reading of the container in the same pass, and a token that has its rights from the pool can
write to no container outside of it. Each call leaves something that the next reading sees, so whoever dies between two
goes on from there.
"""

from __future__ import annotations

from dataclasses import replace

from controller.core.egress import Found, firewall_of, repair
from controller.core.incarnation import Incarnation
from controller.core.view import Live
from controller.engine.failpoints import Failpoint, hit
from controller.ledger.ledger import Note
from controller.proxmox.netconfig import behind_firewall
from controller.proxmox.port import Conflict
from controller.reconcile.tools import Next, Outcome, Tools, Waits, interface


class Filtering:
    """The step SetFirewall."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def set_firewall(self, life: Incarnation, live: Live) -> Outcome:
        """``live`` was read in this pass and found to be ours."""
        tools, placement, wanted = self._tools, life.placement, firewall_of(life.spec)
        assert placement is not None  # noqa: S101 - it was just read
        assert wanted is not None  # noqa: S101 - the step says so
        node, vmid = live.node, placement.vmid
        if not live.filtered and live.net0 is not None:
            try:
                net0 = behind_firewall(live.net0)
            except ValueError:  # edited beyond recognition
                net0 = interface(life.spec.network, placement.address)
            try:
                tools.port.update(node, vmid, {"net0": net0}, digest=live.digest)
            except Conflict as error:
                return Waits("ChangedMeanwhile", f"{error}: it is looked at again", after=0.5)
            return Next()
        found = tools.port.firewall(node, vmid)
        todo = repair(wanted, found)
        if todo.done:
            self._record(life, found)
            return Next(live)
        if todo.options:
            tools.port.set_firewall_options(node, vmid, todo.options)
            hit(Failpoint.FIREWALL_ON)
        for position in todo.surplus:
            tools.port.remove_firewall_rule(node, vmid, position)
        for rule in todo.missing:
            tools.port.add_firewall_rule(node, vmid, rule)
            hit(Failpoint.FIREWALL_RULE_ADDED)
        return Next(live)  # what was written is read before it is believed

    def _record(self, life: Incarnation, found: Found) -> None:
        hit(Failpoint.FIREWALL_SET)
        egress = life.spec.network.egress
        where = f"connections go to {', '.join(one.cidr for one in egress)}" if egress else "nothing goes out"
        message = f"its firewall is on with {len(found.rules)} rules: RDP and SSH come in, {where}"
        self._tools.ledger.change(life, lambda current: replace(current, filtered=True), Note("Filtered", message))

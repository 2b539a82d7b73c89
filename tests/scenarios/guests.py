"""The insides of the node's containers, behind the controller's SSH: a shell that knows its commands, and remembers.

Containers exist for the node only as configurations; what is done inside them is kept here, by the MAC address of each.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from controller.engine.clock import VirtualClock
from controller.guest import commands
from controller.guest.ssh import Answer, Call, Done, Failed
from controller.node.cluster import Cluster
from tests.scenarios.virtual import Killed

CONTROLLERS_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINkR68J3Jhp+989wLFL7CgDLxbITBMByl2Qn6gqUjJrj winux"
"""A line that ssh-keygen made, for the node looks at it."""
TEMPLATES_HOST_KEY = "ssh-ed25519 TEMPLATE"


@dataclass
class Inside:
    """One container."""

    host_key: str
    next_host_key: str | None = None
    passwords: dict[str, str] = field(default_factory=dict)
    sudoers: set[str] = field(default_factory=set)
    notices: list[tuple[float, str]] = field(default_factory=list)
    """When, and the text."""
    log: str = "xrdp.service: Failed to start\nthe password was \x1b[31mwrong\n"
    down: bool = False

    def told(self, password: str | None) -> Iterator[str]:
        """What is worth telling of it at the end of a story; ``password`` is what the ledger has."""
        users = [
            f"{user} ({'as' if own == password else 'NOT as'} in the ledger)" for user, own in self.passwords.items()
        ]
        yield f"    host key {self.host_key.split()[1]}; passwords set: {', '.join(users) or 'none'}"
        if self.sudoers:
            yield f"    sudo: {', '.join(sorted(self.sudoers))}"
        yield from (f"    notice at {at:.1f}: {text}" for at, text in self.notices)


class Guests:
    """All of them; called as ``controller.guest.ssh.SshRunner`` is."""

    def __init__(self, cluster: Cluster, clock: VirtualClock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._insides: dict[str, Inside] = {}
        self._made = 0
        self.deadly: list[str] = []
        """Names that calls begin with: after the next one of each the caller is killed."""
        self.calls: list[Call] = []

    def of(self, vmid: int) -> Inside:
        options = self._cluster.guests[vmid].options
        mac = next(part for part in options["net0"].split(",") if part.startswith("hwaddr="))
        return self._inside(mac.removeprefix("hwaddr="), clone="base-" in options["rootfs"])

    def __call__(self, call: Call) -> Answer:
        self.calls.append(call)
        vmid = next((vmid for vmid, guest in self._cluster.guests.items() if self._is_at(vmid, call.address)), None)
        inside = self.of(vmid) if vmid is not None and self._cluster.guests[vmid].running else None
        if inside is None or inside.down:
            return Failed(
                reason="Unreachable", message=f"{call.address} port 22: no SSH connection: connection refused"
            )
        if call.host_keys and inside.host_key not in call.host_keys:
            return Failed(reason="HostKeyChanged", message=f"{call.address} port 22: its SSH host key is another one")
        shown = inside.host_key
        status, output = self._run(inside, call)
        if (deadly := next((name for name in self.deadly if call.name.startswith(name)), None)) is not None:
            self.deadly.remove(deadly)
            raise Killed(f"{deadly} had run in a guest")
        return Done(status=status, output=output, host_key=shown)

    def _is_at(self, vmid: int, address: str) -> bool:
        interfaces = self._cluster.engine.interfaces(vmid).result()
        return any(one.address == address for interface in interfaces for one in interface.addresses)

    def _inside(self, mac: str, *, clone: bool) -> Inside:
        if mac not in self._insides:
            self._made += 1
            self._insides[mac] = Inside(TEMPLATES_HOST_KEY if clone else f"ssh-ed25519 OWN{self._made}")
        return self._insides[mac]

    def _run(self, inside: Inside, call: Call) -> tuple[int, str]:
        output = ""
        if call.command == commands.READ_LOG:
            return 0, inside.log
        if call.command == commands.TAKE_HOST_KEY:
            inside.host_key, inside.next_host_key = inside.next_host_key or inside.host_key, None
        for line in call.command.splitlines():
            words = shlex.split(line)
            match words:
                case ["chpasswd"] | ["exec", "chpasswd"]:
                    assert call.stdin is not None
                    user, _, password = call.stdin.reveal().rstrip("\n").partition(":")
                    inside.passwords[user] = password
                case ["usermod", "-aG", "sudo", user]:
                    inside.sudoers.add(user)
                case ["cat", "winux_next_key.pub"]:
                    if inside.next_host_key is None:
                        self._made += 1
                        inside.next_host_key = f"ssh-ed25519 RENEWED{self._made}"
                    output += f"host-key {inside.next_host_key} root@guest\n"
                case ["/usr/lib/winux/notify", _, text]:
                    inside.notices.append((self._clock.monotonic(), text))
        return 0, output

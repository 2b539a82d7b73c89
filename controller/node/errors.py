"""How a call or a task fails, in Proxmox's own terms: a status code, a reason phrase and, for bad parameters, a map.

Texts are those measured on PVE 9.2. What is checked, and in which order, lives with the calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Refusal(Exception):
    """An answer that is not 200. ``str()`` is the reason phrase, one line; inside a task it is the exit status."""

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        errors: Mapping[str, str] | None = None,
        body: bool = True,
        log: Sequence[str] = (),
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.errors = errors
        self.body = body
        """Errors that pveproxy itself raises before any API code (401, 595, 501 for content) have an empty body."""
        self.log = log
        """What the log of a task says before the reason."""


def died(text: str) -> Refusal:
    """A plain ``die`` of Perl: 500 with that text."""
    return Refusal(500, text)


def invalid(errors: Mapping[str, str]) -> Refusal:
    """Parameters were refused; ``errors`` maps each to its text."""
    return Refusal(400, "Parameter verification failed.", errors=errors)


def forbidden(what: str = "") -> Refusal:
    """A right is missing; ``what`` is such as ``/vms/100, VM.Audit`` and is absent where Proxmox evaluates or-trees."""
    return Refusal(403, f"Permission check failed ({what})" if what else "Permission check failed")


def no_config(node: str, vmid: int) -> Refusal:
    return died(f"Configuration file 'nodes/{node}/lxc/{vmid}.conf' does not exist")


def lock_timeout(vmid: int) -> Refusal:
    """The node-local flock on a container's config was not to be had within its 10 seconds."""
    return died(f"can't lock file '/run/lock/lxc/pve-config-{vmid}.lock' - got timeout")

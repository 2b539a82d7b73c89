"""The picture of Proxmox: one bulk call a tick, and whether it may be believed.

``/cluster/resources`` filters silently: a token that lost its rights gets 200 and an empty list. So whenever a known
container vanishes from the list the token's rights are asked for as well, and a list that was made without the right
to audit our pools is not a picture at all: the last good one stays, with a sentence why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from controller.core.model import Timestamp
from controller.engine.clock import Clock
from controller.proxmox.port import Proxmox, ProxmoxError, ResourceRow
from controller.proxmox.rights import can_observe, paths_to_observe

NODES_LAST = 10.0
"""Seconds for which the list of online nodes is used again."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Every guest that the token may see, by VMID."""

    rows: Mapping[int, ResourceRow] = field(default_factory=dict)
    asked_at: Timestamp = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """What one more look showed."""

    vmids: frozenset[int]
    """Containers that appeared, vanished, or whose row changed."""
    problem_changed: bool
    """The picture became believable, or ceased to be."""


class Inventory:
    """Observes; one thread calls ``observe``, any may read ``observation`` and ``problem``."""

    def __init__(
        self, port: Proxmox, *, clock: Clock, pools: Callable[[], frozenset[str]], stale_after: float = 60.0
    ) -> None:
        """``stale_after``: seconds after which a picture that nothing has replaced is no picture any more."""
        self._port = port
        self._clock = clock
        self._pools = pools
        self._nodes: tuple[Timestamp, frozenset[str]] | None = None
        self._rights_proven = False
        self._stale_after = stale_after
        self._seen_at = clock.monotonic()
        self._problem: str | None = "Proxmox was not asked yet"
        self.observation: Observation | None = None

    @property
    def problem(self) -> str | None:
        """Why the picture is not to be believed now, in one sentence; None when it is."""
        if self._problem is None and self._clock.monotonic() - self._seen_at > self._stale_after:
            return f"Proxmox has not told of all containers for more than {self._stale_after:.0f} s: it may hang"
        return self._problem

    def observe(self) -> Change:
        """One bulk call; a second one for the token's rights only when containers vanished or it never was sure.

        Without Pool.Audit they are all still there, in no pool.
        """
        asked_at, problem_before = self._clock.now(), self.problem
        before = self.observation.rows if self.observation is not None else {}
        try:
            rows = {row.vmid: row for row in self._port.resources()}
            vanished = before.keys() - rows.keys()
            poolless = {vmid for vmid, row in before.items() if row.pool and vmid in rows and rows[vmid].pool is None}
            if vanished or poolless or not self._rights_proven:
                self._prove_rights()
        except ProxmoxError as error:
            self._problem = f"Proxmox cannot be observed: {error}"
            return Change(frozenset(), self.problem != problem_before)
        if self._problem is not None and not self._rights_proven:
            return Change(frozenset(), self.problem != problem_before)
        changed = frozenset(vanished | {vmid for vmid, row in rows.items() if before.get(vmid) != row})
        self.observation = Observation(rows, asked_at)
        self._problem, self._seen_at = None, self._clock.monotonic()
        return Change(changed, problem_before is not None)

    def online_nodes(self) -> frozenset[str]:
        """Names of the nodes that answer; asked anew when the last answer is older than 10 s."""
        now = self._clock.monotonic()
        if self._nodes is None or now - self._nodes[0] > NODES_LAST:
            self._nodes = (now, frozenset(node.name for node in self._port.nodes() if node.online))
        return self._nodes[1]

    def _prove_rights(self) -> None:
        pools = sorted(self._pools())
        permissions = self._port.permissions([path for pool in pools for path in paths_to_observe(pool)])
        blind = [pool for pool in pools if not can_observe(permissions, pool)]
        self._rights_proven = not blind
        if blind:
            self._problem = (
                f"the token has no right to see the containers of pool {', '.join(blind)} (VM.Audit and Pool.Audit): "
                f"its lists prove nothing; `winux check` says what to grant"
            )

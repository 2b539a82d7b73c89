"""Containers in our pools that no life in the ledger accounts for: foreign, to be taken over, or orphans.

After a lost ledger they are all there is to tell what was made. One that carries the marker of a session that a
manifest asks for, and that has no life, is offered to that session; any other of ours becomes a life without a
manifest, so that it goes the way of every orphan: grace, guards, safe destroy. Once all that a new ledger found is
accounted for, it knows every uid that was ever ours, and a marker with another one makes nothing ours.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from controller.core.incarnation import Incarnation, Placement, Stage
from controller.core.model import ArchiveSource, DesiredSnapshot, Network, Resources, SessionSpec
from controller.core.ownership import Marker, is_ours
from controller.core.view import Claimed
from controller.ledger.ledger import Note
from controller.proxmox.netconfig import static_address
from controller.proxmox.port import ContainerConfig, Forbidden, NotFound, ResourceRow
from controller.reconcile.look import UNMARKED_LOCKS
from controller.reconcile.tools import Tools

LONGEST_LIFE = 86_400.0
"""Seconds from acceptance until an orphan whose template nobody knows is due, like the built-in template's maximum."""


ALL_KNOWN = "all-known"
"""The ledger's setting that everything which was there when it was new is accounted for."""


class Foundlings:
    """Looks at unaccounted containers once each and remembers whose they are."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._lock = threading.Lock()
        self._foreign: dict[int, ResourceRow] = {}
        self._left_alone: set[int] = set()
        """Those of the foreign that carry our marker."""
        self._claimed: dict[str, Claimed] = {}
        self._silent: set[int] = set()
        """Looked at, and nothing to be done about them now."""
        self._all_known = tools.ledger.setting(ALL_KNOWN) is not None

    def unaccounted(self, rows: Mapping[int, ResourceRow], pools: frozenset[str]) -> list[ResourceRow]:
        """Containers in our pools whose VMID no life has and of which it is not known whose they are."""
        session_at = self._tools.ledger.session_at
        with self._lock:
            self._foreign = {vmid: row for vmid, row in self._foreign.items() if vmid in rows}
            self._left_alone &= rows.keys()
            self._silent &= rows.keys()
            # One that was taken over is no claim any more: it would be taken over again when its life is over.
            self._claimed = {
                name: claim
                for name, claim in self._claimed.items()
                if claim.vmid in rows and session_at(claim.vmid) is None
            }
            known = set(self._foreign) | {claim.vmid for claim in self._claimed.values()}
        return [
            row
            for vmid, row in rows.items()
            if row.kind == "lxc"
            and row.pool in pools
            and not row.template
            and vmid not in known
            and session_at(vmid) is None
        ]

    def all_accounted(self) -> None:
        """Nothing is left to look at; while something waits to be taken over that does not count yet."""
        with self._lock:
            if self._all_known or self._claimed:
                return
        self._tools.ledger.set_setting(ALL_KNOWN, "yes")
        with self._lock:
            # Only once it is written: else the next start would take strangers for what a lost ledger knew.
            self._all_known = True

    def told_nothing(self, vmid: int) -> bool:
        """Whether it was looked at and nothing came of it: it is looked at again, but waited for no more.

        Such as one that is being made or destroyed: a container of ours is in a pool only once it is complete.
        """
        with self._lock:
            return vmid in self._silent

    def claimed(self, session: str) -> Claimed | None:
        with self._lock:
            return self._claimed.get(session)

    def foreign(self) -> int:
        """How many containers in our pools are not ours."""
        with self._lock:
            return len(self._foreign)

    def left_alone(self) -> int:
        """How many of them carry our marker, with the uid of a life that never was."""
        with self._lock:
            return len(self._left_alone)

    def look_at(self, row: ResourceRow, desired: DesiredSnapshot | None) -> str | None:
        """Read one; returns the name of the session that is concerned, if any.

        Raises:
            ProxmoxError: it could not be read: it stays unaccounted.
        """
        try:
            config = self._tools.port.config(row.node, row.vmid)
        except (NotFound, Forbidden):
            if not self._tools.port.vmid_is_free(row.vmid):
                raise  # a refusal is no proof of its absence, and what it is has to be known before anything is made
            config = None
        if config is None or config.lock in UNMARKED_LOCKS:
            with self._lock:
                self._silent.add(row.vmid)
            return None
        marker = is_ours(config.description, controller=self._tools.policy.controller, vmid=row.vmid)
        if marker is None:
            with self._lock:
                self._foreign[row.vmid] = row
            return None
        life = self._tools.ledger.life(marker.session)
        if (self._all_known or life is not None) and not self._tools.ledger.knows(marker.uid):
            self._leave_alone(row, marker)
            return None
        wanted = desired is not None and marker.session in desired.sessions
        if life is None and wanted and self.claimed(marker.session) is None:
            claim = Claimed(
                node=row.node,
                vmid=row.vmid,
                uid=marker.uid,
                accepted_at=marker.accepted_at,
                address=_address(config),
            )
            with self._lock:
                self._claimed[marker.session] = claim
            return marker.session
        return self._take_in(row, config, marker)

    def _leave_alone(self, row: ResourceRow, marker: Marker) -> None:
        """The ledger would know this uid if it had been ours: a copy, or a backup of another time."""
        with self._lock:
            self._foreign[row.vmid] = row
            self._left_alone.add(row.vmid)
        note = Note(
            "UnknownUid",
            f"container {row.vmid} on {row.node} carries our marker for session {marker.session}, but the uid of a "
            f"life that never was: it counts as foreign and is left alone; remove it by hand if nobody needs it",
            warning=True,
        )
        self._tools.ledger.note("", "", note)

    def _take_in(self, row: ResourceRow, config: ContainerConfig, marker: Marker) -> str | None:
        """A life without a manifest. The dot keeps its name apart from every name that a manifest can have."""
        name = f"{marker.session}.{marker.uid[:8]}"
        if self._tools.ledger.life(name) is not None:
            # Another container of the same life, out of a backup: its turn comes when the first one is gone.
            with self._lock:
                self._silent.add(row.vmid)
            return name
        life = Incarnation(
            uid=marker.uid,
            session=name,
            spec=_spec(row, config),
            generation="",
            revision="",
            origin_file="",
            accepted_at=marker.accepted_at,
            stage=Stage.READY,
            placement=Placement(node=row.node, vmid=row.vmid, intended_at=marker.accepted_at, address=_address(config)),
            ready_at=marker.accepted_at,
        )
        note = Note(
            "UnknownOrphan",
            f"container {row.vmid} on {row.node} carries our marker for session {marker.session}, "
            f"but no life accounts for it",
            warning=True,
        )
        self._tools.ledger.begin(life, None, note)
        return name


def _address(config: ContainerConfig) -> str | None:
    """The fixed address that it has; one that was edited beyond recognition is none that could be handed out twice."""
    try:
        return static_address(config.net0) if config.net0 is not None else None
    except ValueError:
        return None


def _spec(row: ResourceRow, config: ContainerConfig) -> SessionSpec:
    """Just enough of a spec for a life that only waits for its end."""
    resources = Resources(cores=config.cores or 1, memory_mib=config.memory_mib or 512, disk_gib=config.disk_gib or 1)
    return SessionSpec(
        template="unknown",
        owner=None,
        source=ArchiveSource(volume="unknown"),
        storage="unknown",
        pool=row.pool or "",
        nodes=(),
        resources=resources,
        network=Network(bridge="unknown"),
        desktop_user="unknown",
        nesting=False,
        ttl=LONGEST_LIFE,
        max_ttl=LONGEST_LIFE,
    )

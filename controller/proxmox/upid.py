"""The unique process id that names a task, ``UPID:node:pid:pstart:starttime:type:id:user[!token]:`` (PVE::UPID)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_UPID = re.compile(
    r"UPID:(?P<node>[^:\s/]+):[0-9A-Fa-f]{8}:[0-9A-Fa-f]{8,9}:(?P<started>[0-9A-Fa-f]{8})"
    r":(?P<kind>[^:\s/]+):(?P<id>[^:\s/]*):(?P<user>[^:\s/]+):"
)


@dataclass(frozen=True, slots=True)
class Upid:
    """What a UPID tells by itself."""

    text: str
    node: str
    started: int
    """Unix seconds by the node's clock."""
    kind: str
    id: str
    user: str
    """Who started it: ``user@realm!id`` for a token."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ``ValueError`` for what is no UPID."""
        found = _UPID.fullmatch(text)
        if found is None:
            raise ValueError(f"{text[:80]!r} is not the id of a Proxmox task")
        return cls(
            text=text,
            node=found["node"],
            started=int(found["started"], 16),
            kind=found["kind"],
            id=found["id"],
            user=found["user"],
        )

"""A container's firewall as /etc/pve/firewall/ID.fw keeps it (PVE::Firewall). What filters by it is an engine.

It is kept by VMID, not with the container: a file may be there before its guest. The calls are in ``calls.firewall``
and ``calls.ipset``, the formats of addresses and ports in ``firewall_formats``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Entry = dict[str, str]
"""A rule, or an address of an IP set, by the names of the API."""


@dataclass(slots=True)
class Firewall:
    options: Entry = field(default_factory=dict)
    rules: list[Entry] = field(default_factory=list)
    """The first one counts first; a new one is put in front."""
    ipsets: dict[str, list[Entry]] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    """Of IP sets."""


def digest(entries: Iterable[Mapping[str, str]]) -> str:
    """A hash of the content: equal lists have equal digests, and so have all empty ones."""
    lines = [f"{name}:{entry[name]}\n" for entry in entries for name in sorted(entry)]
    return hashlib.sha1("".join(lines).encode(), usedforsecurity=False).hexdigest()

"""The marker: what a container's description says about whose it is. Pure text in, text out.

The marker names the controller, the session, the uid and the VMID itself. The VMID is in it because a clone that
somebody makes of one of our containers copies the description: with another VMID it is theirs, not ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from controller.core.model import Timestamp

_LINE = re.compile(r"^winux\.dev/(?P<key>[a-z-]+): (?P<value>\S+)$", re.MULTILINE)
_WRITTEN_BY_US = re.compile(r"[!-~]{1,80}", re.ASCII)
"""Every value that ``describe`` writes. Others could move a terminal's cursor when an event repeats them."""
_KEYS = ("controller", "session", "uid", "vmid", "accepted-at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    controller: str
    session: str
    uid: str
    vmid: int
    accepted_at: Timestamp


def describe(marker: Marker, *, owner: str | None) -> str:
    """The description of a container: a sentence for people, then the marker, one ``key: value`` a line."""
    name = _one_line(owner or "")
    who = f" for {name}" if name else ""
    accepted = datetime.fromtimestamp(marker.accepted_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = (marker.controller, marker.session, marker.uid, str(marker.vmid), accepted)
    lines = [f"winux.dev/{key}: {value}" for key, value in zip(_KEYS, values, strict=True)]
    return "\n".join(
        [
            f"Winux session {marker.session}{who}, made by winux-controller and destroyed when its time is up.",
            "The lines below say whose it is; a container without them is left alone for ever.",
            "",
            *lines,
        ]
    )


def read(description: str) -> Marker | None:
    """The marker in a description, or None where there is none, or one that is incomplete, doubled or unreadable."""
    pairs = _LINE.findall(description)
    found = dict(pairs)
    if len(found) != len(pairs) or any(not _WRITTEN_BY_US.fullmatch(found.get(key, "")) for key in _KEYS):
        return None
    try:
        accepted = datetime.strptime(found["accepted-at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return Marker(
            controller=found["controller"],
            session=found["session"],
            uid=found["uid"],
            vmid=int(found["vmid"]),
            accepted_at=accepted.timestamp(),
        )
    except ValueError:
        return None


def is_ours(description: str, *, controller: str, vmid: int) -> Marker | None:
    """The marker if it names this controller and this very VMID."""
    marker = read(description)
    if marker is None or marker.controller != controller or marker.vmid != vmid:
        return None
    return marker


def _one_line(text: str) -> str:
    """Free text of a user's, made unable to look like a marker line."""
    return " ".join(text.split())[:200]

"""When the absence of a manifest counts: after two clean scans and a grace, never after one look.

Pure bookkeeping over snapshots; lives in memory only, so that a restart starts counting anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.core.model import DesiredSnapshot, Timestamp


@dataclass(frozen=True, slots=True)
class Missing:
    """A session that was not in the last clean scans."""

    since: Timestamp
    scans: int

    def confirmed_at(self, grace: float) -> Timestamp:
        return self.since + grace

    def confirmed(self, *, now: Timestamp, grace: float) -> bool:
        return self.scans >= 2 and now >= self.confirmed_at(grace)


def note(missing: Mapping[str, Missing], snapshot: DesiredSnapshot, lives: Mapping[str, str]) -> dict[str, Missing]:
    """The absences after one more scan. ``lives`` maps names of known sessions to the files they came from.

    A scan that is incomplete, or that has a file which may still hold the session, starts the count anew.
    """
    if not snapshot.complete:
        return {}
    after = {}
    for name, file in lives.items():
        if name in snapshot.sessions or snapshot.may_hold(name, file):
            continue
        before = missing.get(name)
        if before is None:
            after[name] = Missing(since=snapshot.scanned_at, scans=1)
        else:
            # A clock that was set back meanwhile would else make the grace last as long as the jump.
            after[name] = Missing(since=min(before.since, snapshot.scanned_at), scans=before.scans + 1)
    return after

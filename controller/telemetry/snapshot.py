"""What metrics show of the controller's state at the moment of a scrape, as plain numbers.

The daemon fills it in; ``collector`` turns it into samples. What happened, unlike what is, is counted in ``metrics``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.core.model import Phase, Timestamp
from controller.engine.workqueue import QueueStats

GUARDS = (
    "ClockJumped",
    "LedgerFailing",
    "ManifestsIncomplete",
    "MassDelete",
    "NoQuorum",
    "NotObserved",
    "NotSynced",
    "Paused",
)
"""All that holds the controller back, by its reason code. Others are shown as they come."""

HELD_REASONS = ("NoRoom", "PausedByManifest", *GUARDS)
"""Why sessions wait. Others are counted together as ``Other``, so that the label stays bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySnapshot:
    """One moment. Times are Unix seconds, 0 for what has not happened yet."""

    sessions: Mapping[Phase, int] = field(default_factory=dict)
    sessions_held: Mapping[str, int] = field(default_factory=dict)
    """Sessions that wait, by reason code."""
    sessions_orphaned: int = 0
    """Containers of ours that no manifest wants and that are still there."""
    destroys_failing: int = 0
    """Sessions whose container could not be destroyed at the last attempt."""
    guards: Mapping[str, bool] = field(default_factory=dict)
    """Whether a brake is engaged, by its reason code."""
    queue: QueueStats = field(default_factory=QueueStats)
    operations_in_flight: Mapping[str, int] = field(default_factory=dict)
    """By node."""
    last_observation: Timestamp = 0.0
    """When Proxmox was last seen whole."""
    last_good_scan: Timestamp = 0.0
    """When the manifests were last read whole."""
    manifest_files: int = 0
    manifest_problems: int = 0
    watcher_restarts: int = 0
    """Since the start."""

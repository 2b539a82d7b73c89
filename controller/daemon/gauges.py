"""Counts the controller's state for a scrape: numbers by phase, reason, guard and node. No calls, no writes."""

from __future__ import annotations

from collections import Counter

from controller.core.model import Phase
from controller.engine.workqueue import WorkQueue
from controller.reconcile.picture import Picture
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.tools import Tools
from controller.sources.loop import ScanLoop
from controller.telemetry.snapshot import TelemetrySnapshot


def take_snapshot(
    tools: Tools, picture: Picture, reconciler: Reconciler, queue: WorkQueue, scans: ScanLoop
) -> TelemetrySnapshot:
    """The controller as of now."""
    statuses = reconciler.statuses()
    phases = Counter(status.phase for status in statuses.values())
    held = Counter(status.reason for status in statuses.values() if status.phase is Phase.HELD)
    missing, desired = picture.missing(), picture.desired
    lives = [life for life in tools.ledger.lives() if life.placement is not None]
    failing = {name for name, status in statuses.items() if status.failing}
    observation = tools.inventory.observation
    return TelemetrySnapshot(
        sessions=phases,
        sessions_held=held,
        sessions_orphaned=sum(1 for life in lives if life.session in missing),
        destroys_failing=sum(1 for life in lives if life.ending is not None and life.session in failing),
        guards=dict.fromkeys(picture.sentences(), True),
        queue=queue.stats(),
        operations_in_flight=tools.slots.in_use_by_node(),
        last_observation=observation.asked_at if observation is not None else 0.0,
        last_good_scan=scans.last_good_scan or 0.0,
        manifest_files=desired.files if desired is not None else 0,
        manifest_problems=len(desired.problems) if desired is not None else 0,
        watcher_restarts=scans.watch_restarts,
    )

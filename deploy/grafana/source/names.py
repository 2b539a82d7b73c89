"""Colours and words that mean the same on every dashboard, and the dashboards' names."""

from __future__ import annotations

from controller.core.model import Phase
from deploy.grafana.source.panels import BAD, GOOD, ODD, Words

OVERVIEW_UID, TEMPLATES_UID, NODES_UID, RUNBOOK_UID = (
    "winux-overview",
    "winux-templates",
    "winux-nodes",
    "winux-runbook",
)

SLO_SECONDS, SLO_SHARE = 30, 0.95
"""So many sessions are to be ready within so many seconds of their acceptance: what WinuxReadySlow watches."""
OBSERVED = ((15.0, ODD), (120.0, BAD))
"""Ages of the last look at Proxmox, which is taken every 2 s."""
GUARDED: Words = {0.0: ("free", GOOD), 1.0: ("holds back", BAD)}
ONLINE: Words = {0.0: ("offline", BAD), 1.0: ("online", GOOD)}
TRUE: Words = {0.0: ("no", BAD), 1.0: ("yes", GOOD)}

ON_THE_WAY = (Phase.PENDING, Phase.CREATING, Phase.STARTING)

READY_COLOURS = {
    "archive p50": "light-blue",
    "archive p95": "semi-dark-blue",
    "clone p50": "light-orange",
    "clone p95": "dark-orange",
}
END_COLOURS = {
    "began": "semi-dark-blue",
    "Expired": "light-purple",
    "ManifestRemoved": "purple",
    "Deleted": "super-light-purple",
    "Replaced": "yellow",
    "NeverReady": "dark-red",
    "UnknownOrphan": "orange",
}
PHASE_COLOURS = {
    # Told apart by those who do not tell red from green: blues on the way to Ready, warm ones where something is wrong.
    Phase.READY: "semi-dark-blue",
    Phase.STARTING: "light-blue",
    Phase.CREATING: "super-light-blue",
    Phase.PENDING: "super-light-yellow",
    Phase.HELD: "orange",
    Phase.FAILED: "dark-red",
    Phase.TERMINATING: "purple",
    Phase.EXPIRED: "light-purple",
}

"""Every query of every panel of the dashboards, as it is asked while everything is chosen at the top."""

from __future__ import annotations

from tests.dashboards.written import dashboards, filled_in


def panel_queries(*, interval: str = "1m", over: str = "1h") -> dict[str, str]:
    """By "dashboard / panel / letter". ``interval`` stands for ``$__rate_interval``, ``over`` for ``$__range``."""
    return {
        f"{dashboard.title} / {panel.title} / {target.letter}": filled_in(target.expr, interval=interval, over=over)
        for dashboard in dashboards()
        for panel in dashboard.panels
        for target in panel.targets
    }

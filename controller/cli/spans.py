"""Times for people: how long, how long ago, and when, by the clock on the wall."""

from __future__ import annotations

from datetime import datetime

NOTHING = "-"


def span(seconds: float | None) -> str:
    """``45s``, ``29m12s``, ``4h03m``, ``2d5h``: two units at most."""
    if seconds is None:
        return NOTHING
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if not minutes:
        return f"{whole}s"
    if not hours:
        return f"{minutes}m{whole % 60:02d}s"
    if not days:
        return f"{hours}h{minutes % 60:02d}m"
    return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"


def age(since: datetime | None, now: datetime) -> str:
    return NOTHING if since is None else span((now - since).total_seconds())


def when(time: datetime | None, now: datetime) -> str:
    """``2030-06-01 18:00:00 CEST (in 26m10s)``, in the zone of this machine."""
    if time is None:
        return NOTHING
    seconds = (time - now).total_seconds()
    relative = f"in {span(seconds)}" if seconds > 0 else f"{span(-seconds)} ago"
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S %Z} ({relative})"


def clock(time: datetime, now: datetime) -> str:
    """``18:00:00`` today, with the date on other days."""
    local = time.astimezone()
    return f"{local:%H:%M:%S}" if local.date() == now.astimezone().date() else f"{local:%Y-%m-%d %H:%M:%S}"


def short(seconds: float | None) -> str:
    """``12ms``, ``4.2s``, and from ten seconds on as ``span``: for times that are mostly less than a second."""
    if seconds is None:
        return NOTHING
    if seconds < 0.9995:
        return f"{max(0.0, seconds) * 1000:.0f}ms"
    return f"{seconds:.1f}s" if seconds < 9.95 else span(seconds)

"""Levels of the log as the admin API says and takes them."""

from __future__ import annotations

from pydantic import Field

from controller.admin.models import Order, Time, View


class LevelView(View):
    """What is heard of one component."""

    component: str
    level: str
    by: str | None = None
    """Who ordered it at runtime; None: it is as the settings say."""
    until: Time | None = None
    """When it is as the settings say again; None: not before the daemon restarts."""


class LevelList(View):
    items: tuple[LevelView, ...]


class LevelOrder(Order):
    level: str | None
    """None: as the settings say."""
    seconds: float | None = Field(default=None, gt=0, le=7 * 86_400)
    """How long; None: until the daemon restarts."""

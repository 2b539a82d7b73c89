"""The levels of the log, shown and ordered while the daemon runs.

An order is a log line and no event: it has to work while the ledger does not.
"""

from __future__ import annotations

import structlog

from controller.admin.level_models import LevelList, LevelOrder, LevelView
from controller.admin.models import Outcome, moment_or_none
from controller.admin.refusals import Invalid, Unknown
from controller.api.quantities import format_duration
from controller.telemetry.loglevels import Component, InForce, LogLevel, LogLevels

_LOG = structlog.get_logger("winux.admin")


def level_list(levels: LogLevels) -> LevelList:
    return LevelList(items=tuple(_view(one) for one in levels.in_force()))


def order_level(levels: LogLevels, name: str, order: LevelOrder, *, by: str) -> Outcome:
    """Refuses with a ``Refusal``: one sentence."""
    if name not in set(Component):
        raise Unknown(f"there is no component {name!a}; write one of {', '.join(Component)}")
    if order.level is not None and order.level not in set(LogLevel):
        raise Invalid(f"{order.level!a} is not a level; write one of {', '.join(LogLevel)}, or none for the settings'")
    level = LogLevel(order.level) if order.level is not None else None
    if level is None and order.seconds is not None:
        raise Invalid("what the settings say has no end: leave out how long")
    now = levels.order(Component(name), level, by=by, seconds=order.seconds)
    span = format_duration(order.seconds) if order.seconds is not None else None
    _LOG.warning("log.level-ordered", of=name, level=str(now.level), by=by, span=span or "until a restart")
    if level is None:
        return Outcome(messages=(f"{name} is heard from {now.level} on, as the settings say",))
    return Outcome(messages=(f"{name} is heard from {now.level} on {f'for {span}' if span else 'until a restart'}",))


def _view(one: InForce) -> LevelView:
    return LevelView(component=one.component, level=one.level, by=one.by, until=moment_or_none(one.until))

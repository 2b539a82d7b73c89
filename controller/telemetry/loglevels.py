"""Which lines of the log are heard: a level for each component, from the settings and from orders at runtime.

A component is what people call a part of the program; its logger is ``winux.`` and that name. How lines look is in
``logs``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from controller.core.model import Timestamp
from controller.engine.clock import Clock

OWN = "winux"
"""The logger above those of all components but the libraries."""


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def number(self) -> int:
        """As the standard library counts."""
        return logging.getLevelNamesMapping()[self.name]


class Component(StrEnum):
    """What has a level of its own."""

    DAEMON = "daemon"
    """Start and stop, settings, threads."""
    RECONCILE = "reconcile"
    """Passes over sessions: what they wait for, what went wrong."""
    PROXMOX = "proxmox"
    """Calls to Proxmox, at debug, and its tasks."""
    MANIFESTS = "manifests"
    """Scans of the directory, at debug, and its watch."""
    GUEST = "guest"
    """Questions to desktops and guests, at debug."""
    LEDGER = "ledger"
    """Writes, at debug."""
    EVENTS = "events"
    """Every event when it is recorded, and how events are sent on."""
    ADMIN = "admin"
    """Orders about the daemon itself."""
    WEB = "web"
    """Launches, logins, and who was refused what."""
    TELEMETRY = "telemetry"
    """Sockets, systemd, traces."""
    LIBRARIES = "libraries"
    """What the program is built from; heard from warnings on unless a level is set."""

    @property
    def logger(self) -> str:
        return "" if self is Component.LIBRARIES else f"{OWN}.{self}"


SILENT = ("paramiko", "proxmoxer", "sqlalchemy")
"""Libraries that log request bodies, commands and statements, passwords included, below WARNING: never heard there."""


def component_of(logger: str) -> str:
    """The component that a logger's name belongs to."""
    top, _, below = logger.partition(".")
    return below.partition(".")[0] if top == OWN and below else Component.DAEMON if top == OWN else Component.LIBRARIES


class NoBodies(logging.Filter):
    """Lets nothing of the ``SILENT`` libraries through below WARNING, whatever level their loggers have."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in SILENT


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The level of a component. ``by``: who ordered it, None: the settings. ``until``: None where it does not end."""

    component: Component
    level: LogLevel
    by: str | None = None
    until: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class _Order:
    level: LogLevel
    by: str
    ends: float | None
    """On the monotonic clock."""


class LogLevels:
    """The levels of this process. Orders at runtime outlast a reload of the settings. Safe to use from several threads.

    Nothing is changed before ``apply``, which every other change calls.
    """

    def __init__(
        self, *, clock: Clock, level: LogLevel = LogLevel.INFO, components: Mapping[Component, LogLevel] | None = None
    ) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._level = level
        self._components = dict(components or {})
        self._orders: dict[Component, _Order] = {}

    def settle(self, *, level: LogLevel, components: Mapping[Component, LogLevel]) -> None:
        """What the settings say now."""
        with self._lock:
            self._level, self._components = level, dict(components)
            self.apply()

    def order(self, component: Component, level: LogLevel | None, *, by: str, seconds: float | None = None) -> InForce:
        """Set a level at once, for ``seconds`` or until the process ends; None: as the settings say."""
        with self._lock:
            self._orders.pop(component, None)
            if level is not None:
                ends = self._clock.monotonic() + seconds if seconds is not None else None
                self._orders[component] = _Order(level, by, ends)
            self.apply()
            return self._in_force(component)

    def expire(self) -> list[InForce]:
        """To be called now and then: end the orders whose time is over; returns what is in force instead."""
        with self._lock:
            now = self._clock.monotonic()
            over = [one for one, order in self._orders.items() if order.ends is not None and order.ends <= now]
            return [self.order(one, None, by="") for one in over]

    def in_force(self) -> tuple[InForce, ...]:
        """Of every component."""
        with self._lock:
            return tuple(self._in_force(component) for component in Component)

    def apply(self) -> None:
        """Tell the loggers."""
        with self._lock:
            logging.getLogger(OWN).setLevel(self._level.number)
            for component in Component:
                logging.getLogger(component.logger).setLevel(self._in_force(component).level.number)
        for name in SILENT:
            quiet = logging.getLogger(name)
            quiet.setLevel(max(quiet.level, logging.WARNING))

    def _in_force(self, component: Component) -> InForce:
        order = self._orders.get(component)
        if order is None:
            return InForce(component=component, level=self._settled(component))
        left = order.ends - self._clock.monotonic() if order.ends is not None else None
        until = self._clock.now() + left if left is not None else None
        return InForce(component=component, level=order.level, by=order.by, until=until)

    def _settled(self, component: Component) -> LogLevel:
        if component is not Component.LIBRARIES or component in self._components:
            return self._components.get(component, self._level)
        return max(self._level, LogLevel.WARNING, key=lambda level: level.number)

"""``winux run``: the daemon until SIGTERM or SIGINT; SIGHUP reads the settings anew. The service manager is told."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path

import structlog

from controller.daemon.daemon import Daemon
from controller.daemon.settings import Settings, SettingsError, load
from controller.engine.clock import SystemClock
from controller.ledger.database import LedgerError
from controller.telemetry.httpserver import CannotListen
from controller.telemetry.loglevels import LogLevels
from controller.telemetry.logs import configure
from controller.telemetry.systemd import Systemd

_LOG = structlog.get_logger("winux.daemon")
_STANDARD_ERROR = 2
_ROUND = 0.5
"""Seconds between two looks at what has to be tended."""


def run_daemon(config: Path | None, overrides: Mapping[str, str] | None = None) -> int:
    """Returns the exit status: 1 where work in progress did not come to an end.

    ``overrides`` are settings by the names of their variables, over all others, also when they are read anew.

    Raises:
        SettingsError, LedgerError, CannotListen: it cannot begin; one sentence each.
    """
    clock = SystemClock()
    systemd = Systemd.from_environment(os.environ, clock=clock, pid=os.getpid())

    def read() -> Settings:
        return load(config, {**os.environ, **(overrides or {})})

    settings = read()
    levels = LogLevels(clock=clock, level=settings.log.level, components=settings.log.levels)
    configure(clock=clock, log_format=settings.log.format, levels=levels)
    for sentence in settings.notes:
        _LOG.warning("settings.deprecated", sentence=sentence)
    daemon = Daemon(settings, clock=clock, log_levels=levels)
    stop, reload = threading.Event(), threading.Event()

    def on_signal(number: int, _frame: object) -> None:
        if number == signal.SIGHUP:
            reload.set()
        else:
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    # systemd's watchdog ends what hangs by SIGABRT: where each thread was is then in the log.
    faulthandler.enable(file=_STANDARD_ERROR)
    daemon.start()
    # It serves; whether it sees everything is another question: without Proxmox nobody is to restart it for ever.
    systemd.ready()
    while not clock.wait(stop, min(_ROUND, systemd.ping_every or _ROUND)):
        daemon.tend()
        systemd.tend(stuck=daemon.stuck(), status=daemon.standing)
        if reload.is_set():
            reload.clear()
            systemd.reloading()
            try:
                daemon.reload(read())
            except SettingsError as error:
                _LOG.error("settings.not-reloaded", error=str(error))
            systemd.ready()
    systemd.stopping(drain=settings.drain)
    return 1 if daemon.stop() else 0


__all__ = ["CannotListen", "LedgerError", "SettingsError", "run_daemon"]

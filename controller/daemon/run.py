"""``winux run``: the daemon until SIGTERM or SIGINT; SIGHUP reads the settings anew."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import structlog

from controller.daemon.daemon import Daemon
from controller.daemon.settings import SettingsError, load
from controller.engine.clock import SystemClock
from controller.ledger.database import LedgerError
from controller.telemetry.httpserver import CannotListen
from controller.telemetry.logs import configure

_LOG = structlog.get_logger("winux")


def run_daemon(config: Path | None) -> int:
    """Returns the exit status: 1 where work in progress did not come to an end.

    Raises:
        SettingsError, LedgerError, CannotListen: it cannot begin; one sentence each.
    """
    clock = SystemClock()
    settings = load(config, os.environ)
    configure(clock=clock, log_format=settings.log.format, level=settings.log.level)
    for sentence in settings.notes:
        _LOG.warning("settings.deprecated", sentence=sentence)
    daemon = Daemon(settings, clock=clock)
    stop, reload = threading.Event(), threading.Event()

    def on_signal(number: int, _frame: object) -> None:
        if number == signal.SIGHUP:
            reload.set()
        else:
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    daemon.start()
    while not clock.wait(stop, 0.5):
        daemon.tend()
        if reload.is_set():
            reload.clear()
            try:
                daemon.reload(load(config, os.environ))
            except SettingsError as error:
                _LOG.error("settings.not-reloaded", error=str(error))
    return 1 if daemon.stop() else 0


__all__ = ["CannotListen", "LedgerError", "SettingsError", "run_daemon"]

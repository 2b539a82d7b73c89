"""``winux web``: the page and its APIs beside the daemon, until SIGTERM or SIGINT. SIGHUP reads the settings anew."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import structlog

from controller.admin.client import AdminClient
from controller.daemon.settings import Settings, SettingsError, load
from controller.daemon.web import Web
from controller.engine.clock import SystemClock
from controller.engine.workers import Threads
from controller.telemetry.httpserver import CannotListen
from controller.telemetry.loglevels import LogLevels
from controller.telemetry.logs import configure

_LOG = structlog.get_logger("winux.web")
_ROUND = 0.5
"""Seconds between two looks at what was asked for."""
_DRAIN = 5.0
_NOT_READ = {"WINUX_PROXMOX__TOKEN_SECRET": "not-read"}
"""It never talks to Proxmox: the token's secret may be beyond its reach, and is better there."""


def run_web(config: Path | None, overrides: Mapping[str, str], *, socket: Path | None = None) -> int:
    """Returns the exit status. ``socket``: the daemon's, where it is another than the settings say.

    Raises:
        SettingsError, CannotListen: it cannot begin; one sentence each.
    """
    clock = SystemClock()

    def read() -> Settings:
        return load(config, {**os.environ, **overrides, **_NOT_READ})

    settings = read()
    if settings.web.listen is None:
        raise SettingsError(["web.listen is missing; say where the page is to be served, such as 127.0.0.1:8080"])
    levels = LogLevels(clock=clock, level=settings.log.level, components=settings.log.levels)
    configure(clock=clock, log_format=settings.log.format, levels=levels)
    random = Random()  # noqa: S311 - names and jitter, no secrets
    threads = Threads(clock, random=random)
    stop, reload = threading.Event(), threading.Event()

    def on_signal(number: int, _frame: object) -> None:
        (reload if number == signal.SIGHUP else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    with AdminClient(socket or settings.admin.socket) as client:
        web = Web(settings, settings.web.listen, client, clock=clock, random=random, beat=threads.beat)
        web.start()
        threads.start("web", web.janitor.run)
        _LOG.info("web.started", url=web.url, mode=settings.web.mode.value, socket=str(socket or settings.admin.socket))
        while not clock.wait(stop, _ROUND):
            if reload.is_set():
                reload.clear()
                _follow(web, read)
        web.stop()
        late = threads.stop(_DRAIN)
    _LOG.info("web.stopped", unfinished=late)
    return 1 if late else 0


def _follow(web: Web, read: Callable[[], Settings]) -> None:
    try:
        web.follow(read())
    except SettingsError as error:
        _LOG.error("settings.not-reloaded", error=str(error))
    else:
        _LOG.info("settings.reloaded")


__all__ = ["CannotListen", "SettingsError", "run_web"]

"""The daemon: every part built from the settings, the threads that run them, and an orderly stop.

Nothing is decided here. What the reconciler works with is in ``equipment``, signals and the exit status in ``run``.
"""

from __future__ import annotations

from random import Random

import structlog

from controller import __version__
from controller.admin.app import make_app as make_admin_app
from controller.admin.service import AdminService
from controller.admin.site import template_defaults
from controller.core.guards import ClockJump, MassDelete
from controller.core.model import DesiredSnapshot
from controller.daemon.equipment import Line, make_tools, policy_of
from controller.daemon.gauges import take_snapshot
from controller.daemon.lockfile import LedgerLock
from controller.daemon.settings import Settings, reloadable_changes, reloaded
from controller.engine.backoff import Backoff
from controller.engine.clock import Clock, SystemClock
from controller.engine.workers import Threads
from controller.engine.workqueue import WorkQueue
from controller.ledger.events import Event, EventType
from controller.ledger.ledger import Ledger, Note
from controller.reconcile.loops import Loops
from controller.reconcile.picture import Picture
from controller.reconcile.reconciler import Reconciler, Result
from controller.reconcile.tools import key_of
from controller.sources.directory import DirectorySource
from controller.sources.loop import ScanLoop
from controller.telemetry.health import make_app as make_health_app
from controller.telemetry.httpserver import CannotListen, HttpServer
from controller.telemetry.logs import set_level
from controller.telemetry.metrics import Metrics, ReconcileResult
from controller.telemetry.snapshot import TelemetrySnapshot

_LOG = structlog.get_logger("winux")
STUCK_AFTER = 90.0
"""Seconds without a sign of life after which a thread counts as stuck; the longest call times out before."""
RETRY_BASE, RETRY_CAP = 0.5, 60.0
"""Seconds of the backoff after a call that failed: the first, and the longest."""


class Daemon:
    """Everything that runs, wired together."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, random: Random | None = None) -> None:
        """Opens the ledger; talks to nobody yet.

        Raises:
            LedgerError, SettingsError: one sentence each.
        """
        self.settings = settings
        self.clock = clock or SystemClock()
        self._random = random or Random()  # noqa: S311 - jitter and VMIDs, no secrets
        self._lock = LedgerLock(settings.ledger.url)
        self.metrics = Metrics(version=__version__, snapshot=self._snapshot)
        self.queue = WorkQueue(
            self.clock, Backoff(base=RETRY_BASE, cap=RETRY_CAP, random=self._random), observer=self.metrics
        )
        self.line = Line(settings, clock=self.clock, metrics=self.metrics)
        self.tools = make_tools(
            settings,
            clock=self.clock,
            random=self._random,
            metrics=self.metrics,
            line=self.line,
            ledger=Ledger(settings.ledger.url, clock=self.clock, on_event=_log_event),
            wake=self.queue.add,
            pools=self._pools,
        )
        self.picture = Picture(
            self.tools,
            mass_delete=MassDelete(
                minimum=settings.guards.mass_delete.min, percent=settings.guards.mass_delete.percent
            ),
            clock_jump=ClockJump(tolerance=settings.guards.clock_jump),
            pools=frozenset({settings.proxmox.pool}),
        )
        self.reconciler = Reconciler(self.tools, self.picture, log=structlog.get_logger("reconcile"))
        self.threads = Threads(self.clock, random=self._random)
        self.source = DirectorySource(settings.manifests.path, defaults=template_defaults(settings), clock=self.clock)
        self.scans = ScanLoop(
            self.source,
            clock=self.clock,
            on_snapshot=self._scanned,
            period=settings.manifests.rescan,
            quiet=settings.manifests.debounce,
            beat=self.threads.beat,
        )
        self.loops = Loops(
            self.tools,
            self.picture,
            self.reconciler,
            self.queue,
            rescan=self.scans.hint,
            beat=self.threads.beat,
            worked=self._worked,
            tick=settings.proxmox.tick,
            task_poll=settings.proxmox.task_poll,
        )
        self.health = HttpServer(
            make_health_app(
                registry=self.metrics.registry,
                alive=lambda: self.threads.stuck(STUCK_AFTER),
                ready=lambda: list(self.picture.sentences().values()),
            ),
            name="telemetry",
            listen=settings.telemetry.listen,
        )
        self.service = AdminService(
            self.tools,
            self.picture,
            self.reconciler,
            settings=settings,
            enqueue=lambda session: self.queue.add(key_of(session)),
            rescan=self.scans.hint,
            accept_empty=self.source.accept_empty,
            started_at=self.clock.now(),
            queue_depth=self.queue.__len__,
        )
        self.admin = HttpServer(
            make_admin_app(self.service), name="the admin API", listen=f"unix:{settings.admin.socket}"
        )
        self._unreachable: set[str] = set()
        """What was said about sockets that were removed and cannot be restored."""

    # -- life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Serve and reconcile.

        Raises:
            CannotListen: an address or a socket is taken; one sentence.
        """
        self.health.start()
        self.admin.start()
        self.reconciler.resume()
        self.threads.start("scan", self.scans.run)
        self.threads.start("observe", self.loops.observe)
        self.threads.start("tasks", self.loops.poll_tasks)
        for number in range(self.settings.workers):
            self.threads.start(f"worker-{number}", self.loops.work)
        said = f"version {__version__} began to reconcile as controller {self.settings.controller.id}"
        self.tools.ledger.note("", "", Note("ControllerStarted", said))
        _LOG.info(
            "winux.started",
            version=__version__,
            controller=self.settings.controller.id,
            proxmox=self.settings.proxmox.url,
            manifests=str(self.settings.manifests.path),
            telemetry=self.health.url,
        )

    def stop(self) -> list[str]:
        """Begin nothing new, let passes that run come to an end, close; returns threads that did not end."""
        _LOG.info("winux.stopping", drain=self.settings.drain)
        self.queue.shutdown(drain=False)
        self.scans.hint()
        late = self.threads.stop(self.settings.drain)
        self.tools.prober.close()
        self.tools.guests.close()
        self.admin.stop()
        self.health.stop()
        if not late:
            self.tools.ledger.close()
        self._lock.release()
        _LOG.info("winux.stopped", unfinished=late)
        return late

    def tend(self) -> None:
        """To be called now and then: listen anew where the file of a socket was removed; say once why not."""
        for server in (self.admin, self.health):
            try:
                if server.restore():
                    _LOG.warning("socket.restored", listen=server.url)
                    self._unreachable.clear()
            except CannotListen as error:
                if str(error) not in self._unreachable:
                    _LOG.error("socket.not-restored", error=str(error))
                self._unreachable.add(str(error))

    def reload(self, settings: Settings) -> None:
        """Take over what can change while running; say what needs a restart."""
        changed, restart = reloadable_changes(self.settings, settings)
        if restart:
            _LOG.warning("settings.need-restart", fields=sorted(restart))
        if not changed:
            _LOG.info("settings.unchanged")
            return
        # The rest must not be taken over by halves: under another controller.id every container would be foreign.
        settings = reloaded(self.settings, settings)
        self.line.reload(settings)
        set_level(settings.log.level)
        guards = settings.guards
        self.picture.set_limits(
            minimum=guards.mass_delete.min, percent=guards.mass_delete.percent, tolerance=guards.clock_jump
        )
        self.tools.policy = policy_of(settings)
        self.tools.slots.set_limit(settings.proxmox.in_flight_per_node)
        self.source.set_defaults(template_defaults(settings))
        self.scans.set_pace(period=settings.manifests.rescan, quiet=settings.manifests.debounce)
        self.service.settings = settings
        self.loops.tick, self.loops.task_poll = settings.proxmox.tick, settings.proxmox.task_poll
        self.settings = settings
        self.scans.hint()
        _LOG.info("settings.reloaded", fields=sorted(changed))

    # -- wiring ------------------------------------------------------------------------------------------------

    def _pools(self) -> frozenset[str]:
        return self.picture.pools()  # which is made from the tools

    def _scanned(self, snapshot: DesiredSnapshot) -> None:
        self.loops.scanned(snapshot)

    def _worked(self, result: Result | None, seconds: float) -> None:
        if result is None:
            outcome = ReconcileResult.PANIC
        elif result.failed:
            outcome = ReconcileResult.ERROR
        else:
            outcome = ReconcileResult.AGAIN if result.again_in is not None else ReconcileResult.DONE
        self.metrics.observe_reconcile(outcome, seconds)

    def _snapshot(self) -> TelemetrySnapshot:
        return take_snapshot(self.tools, self.picture, self.reconciler, self.queue, self.scans)


def _log_event(event: Event) -> None:
    """Every event is a log line too; repeats only count."""
    if event.count > 1:
        return
    log = _LOG.warning if event.type is EventType.WARNING else _LOG.info
    log("event", reason=event.reason, session=event.session or None, message=event.message)

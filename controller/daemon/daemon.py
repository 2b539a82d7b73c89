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
from controller.admin.vitals import Dials
from controller.core.guards import ClockJump, MassDelete
from controller.core.incarnation import Incarnation
from controller.core.model import DesiredSnapshot
from controller.daemon import loglines
from controller.daemon.equipment import Line, make_tools, policy_of
from controller.daemon.gauges import Gauges
from controller.daemon.lockfile import LedgerLock
from controller.daemon.sending import SECRET_FILE, delivery_plan
from controller.daemon.settings import Settings, reloadable_changes, reloaded
from controller.daemon.standing import standing
from controller.daemon.tracing import tracing
from controller.daemon.web import Web
from controller.deliveries.deliveries import Deliveries
from controller.engine.backoff import Backoff
from controller.engine.clock import Clock, SystemClock
from controller.engine.workers import Threads
from controller.engine.workqueue import WorkQueue
from controller.ledger.events import Event
from controller.ledger.ledger import Ledger, Note
from controller.proxmox.outlook import Outlook
from controller.reconcile.loops import Loops
from controller.reconcile.picture import Picture
from controller.reconcile.reconciler import Reconciler, Result
from controller.reconcile.tools import key_of
from controller.sources.directory import DirectorySource
from controller.sources.loop import ScanLoop
from controller.telemetry.families import ReconcileResult
from controller.telemetry.health import make_app as make_health_app
from controller.telemetry.httpserver import CannotListen, HttpServer
from controller.telemetry.loglevels import LogLevels
from controller.telemetry.metrics import Metrics
from controller.telemetry.snapshot import TelemetrySnapshot

_LOG = structlog.get_logger("winux.daemon")
_TELEMETRY = structlog.get_logger("winux.telemetry")
STUCK_AFTER = 90.0
"""Seconds without a sign of life after which a thread counts as stuck, or more where calls may take longer."""
CALL_MARGIN = 30.0
"""Seconds beyond ``proxmox.timeout`` that a call may take: to connect, and to be woken on a busy machine."""
RETRY_BASE, RETRY_CAP = 0.5, 60.0
"""Seconds of the backoff after a call that failed: the first, and the longest."""


class Daemon:
    """Everything that runs, wired together."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        log_levels: LogLevels | None = None,
    ) -> None:
        """Opens the ledger; talks to nobody yet.

        Raises:
            LedgerError, SettingsError: one sentence each.
        """
        self.settings = settings
        self.clock = clock or SystemClock()
        self.log_levels = log_levels or LogLevels(
            clock=self.clock, level=settings.log.level, components=settings.log.levels
        )
        self._random = random or Random()  # noqa: S311 - jitter and VMIDs, no secrets
        self._lock = LedgerLock(settings.ledger.url)
        self.metrics = Metrics(version=__version__, snapshot=self._state)
        self.queue = WorkQueue(
            self.clock, Backoff(base=RETRY_BASE, cap=RETRY_CAP, random=self._random), observer=self.metrics
        )
        self.threads = Threads(self.clock, random=self._random)
        self.tracing = tracing(settings, life_of=self._life_of, clock=self.clock)
        self.line = Line(
            settings, clock=self.clock, metrics=self.metrics, beat=self.threads.beat, traced=self.tracing.called
        )
        self.tools = make_tools(
            settings,
            clock=self.clock,
            random=self._random,
            metrics=self.metrics,
            line=self.line,
            ledger=Ledger(
                settings.ledger.url,
                clock=self.clock,
                on_event=self._noted,
                on_write=self._written,
            ),
            wake=self.queue.add,
            pools=self._pools,
        )
        self.outlook = Outlook(
            self.tools.port, clock=self.clock, certificate=self.line.certificate_expiry, beat=self.threads.beat
        )
        self.deliveries = Deliveries(
            self.tools.ledger,
            delivery_plan(settings, clock=self.clock),
            clock=self.clock,
            random=self._random,
            observe_delivery=self.metrics.observe_delivery,
            observe_dropped=self.metrics.observe_dropped,
            clock_right=lambda: "ClockJumped" not in self.picture.sentences(),
            beat=self.threads.beat,
        )
        self.picture = Picture(
            self.tools,
            mass_delete=MassDelete(
                minimum=settings.guards.mass_delete.min, percent=settings.guards.mass_delete.percent
            ),
            clock_jump=ClockJump(tolerance=settings.guards.clock_jump),
            pools=frozenset({settings.proxmox.pool}),
        )
        self.reconciler = Reconciler(self.tools, self.picture, log=structlog.get_logger("winux.reconcile"))
        self.source = DirectorySource(settings.manifests.path, defaults=template_defaults(settings), clock=self.clock)
        self.scans = ScanLoop(
            self.source,
            clock=self.clock,
            on_snapshot=self._scanned,
            period=settings.manifests.rescan,
            quiet=settings.manifests.debounce,
            beat=self.threads.beat,
            on_scan=self.metrics.observe_scan,
        )
        self.loops = Loops(
            self.tools,
            self.picture,
            self.reconciler,
            self.queue,
            rescan=self.scans.hint,
            beat=self.threads.beat,
            worked=self._worked,
            around=self.tracing.around,
            tick=settings.proxmox.tick,
            task_poll=settings.proxmox.task_poll,
        )
        self.gauges = Gauges(
            tools=self.tools,
            picture=self.picture,
            reconciler=self.reconciler,
            queue=self.queue,
            threads=self.threads,
            scans=self.scans,
            calls=self.line.calls,
            outlook=self.outlook,
            backlog=self.deliveries.backlog,
            session_info=settings.telemetry.session_info,
        )
        self.health = HttpServer(
            make_health_app(
                registry=self.metrics.registry,
                alive=self.stuck,
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
            dials=Dials(
                url=settings.proxmox.url,
                queue=self.queue.stats,
                calls=self.line.recent.summary,
                outlook=self.outlook,
                in_flight=lambda: self.line.calls.in_flight,
                waiting=lambda: self.line.calls.waiting,
                backlog=self.deliveries.backlog,
            ),
        )
        self.admin = HttpServer(
            make_admin_app(self.service, self.log_levels),
            name="the admin API",
            listen=f"unix:{settings.admin.socket}",
        )
        listen = settings.web.listen
        self.web: Web | None = None
        if listen is not None:
            self.web = Web(
                settings, listen, self.service, clock=self.clock, random=self._random, beat=self.threads.beat
            )
        self._unreachable: set[str] = set()
        """What was said about sockets that were removed and cannot be restored."""
        self._hanging = 0
        """How many threads were said to be stuck."""

    # -- life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Serve and reconcile.

        Raises:
            CannotListen: an address or a socket is taken; one sentence.
        """
        self.health.start()
        self.admin.start()
        if self.web is not None:
            self.web.start()
            self.service.web = self.web.url
            self.threads.start("web", self.web.janitor.run)
        self.reconciler.resume()
        self.threads.start("scan", self.scans.run)
        self.threads.start("observe", self.loops.observe)
        self.threads.start("tasks", self.loops.poll_tasks)
        self.threads.start("outlook", self.outlook.run)
        self.threads.start("events", self.deliveries.run)
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
            web=self.web.url if self.web is not None else None,
        )

    def stop(self) -> list[str]:
        """Begin nothing new, let passes that run come to an end, close; returns threads that did not end."""
        _LOG.info("winux.stopping", drain=self.settings.drain)
        if self.web is not None:
            self.web.stop()
        self.queue.shutdown(drain=False)
        self.scans.hint()
        late = self.threads.stop(self.settings.drain)
        self.tools.prober.close()
        self.tools.guests.close()
        self.admin.stop()
        self.health.stop()
        self.tracing.close()
        if not late:
            self.tools.ledger.close()
        self._lock.release()
        _LOG.info("winux.stopped", unfinished=late)
        return late

    def tend(self) -> None:
        """To be called now and then: sockets that were removed, threads that hang, levels of the log that are over."""
        self._tend_sockets()
        self._tend_threads()
        for level in self.log_levels.expire():
            _LOG.info("log.level-over", of=str(level.component), level=str(level.level))

    def stuck(self) -> list[str]:
        """One sentence for every thread that gave no sign of life for longer than a call to Proxmox may take."""
        return self.threads.stuck(max(STUCK_AFTER, self.settings.proxmox.timeout + CALL_MARGIN))

    def standing(self) -> str:
        """How everything stands, in one line."""
        phases = (status.phase for status in self.reconciler.statuses().values())
        return standing(phases, self.picture.sentences())

    def _tend_threads(self) -> None:
        stuck = self.stuck()
        if len(stuck) > self._hanging:
            _LOG.error("threads.stuck", threads=stuck)
        self._hanging = len(stuck)

    def _tend_sockets(self) -> None:
        """Listen anew where the file of a socket was removed; say once why not."""
        for server in (self.admin, self.health, *([self.web.server] if self.web is not None else [])):
            try:
                if server.restore():
                    _TELEMETRY.warning("socket.restored", listen=server.url)
                    self._unreachable.clear()
            except CannotListen as error:
                if str(error) not in self._unreachable:
                    _TELEMETRY.error("socket.not-restored", error=str(error))
                self._unreachable.add(str(error))

    def reload(self, settings: Settings) -> None:
        """Take over what can change while running; say what needs a restart.

        Raises:
            SettingsError: a file that they name cannot be used; nothing is taken over.
        """
        plan = delivery_plan(reloaded(self.settings, settings), clock=self.clock)
        changed, restart = reloadable_changes(self.settings, settings)
        if plan != self.deliveries.plan and not any(key.startswith("events.") for key in changed):
            changed = (*changed, SECRET_FILE)  # it has the same name, and another secret in it
        self.deliveries.follow(plan)
        if restart:
            _LOG.warning("settings.need-restart", fields=sorted(restart))
        if not changed:
            _LOG.info("settings.unchanged")
            return
        # The rest must not be taken over by halves: under another controller.id every container would be foreign.
        settings = reloaded(self.settings, settings)
        self.line.reload(settings)
        self.log_levels.settle(level=settings.log.level, components=settings.log.levels)
        guards = settings.guards
        self.picture.set_limits(
            minimum=guards.mass_delete.min, percent=guards.mass_delete.percent, tolerance=guards.clock_jump
        )
        self.tools.policy = policy_of(settings)
        self.tools.slots.set_limit(settings.proxmox.in_flight_per_node)
        self.source.set_defaults(template_defaults(settings))
        self.scans.set_pace(period=settings.manifests.rescan, quiet=settings.manifests.debounce)
        self.service.settings = settings
        if self.web is not None:
            self.web.follow(settings)
        self.loops.tick, self.loops.task_poll = settings.proxmox.tick, settings.proxmox.task_poll
        self.settings = settings
        self.scans.hint()
        _LOG.info("settings.reloaded", fields=sorted(changed))

    # -- wiring ------------------------------------------------------------------------------------------------

    def _pools(self) -> frozenset[str]:
        return self.picture.pools()  # which is made from the tools

    def _life_of(self, session: str) -> Incarnation | None:
        return self.tools.ledger.life(session)  # which is opened later

    def _scanned(self, snapshot: DesiredSnapshot) -> None:
        loglines.scanned(snapshot)
        self.loops.scanned(snapshot)

    def _worked(self, result: Result | None, seconds: float) -> None:
        if result is None:
            outcome = ReconcileResult.PANIC
        elif result.failed:
            outcome = ReconcileResult.ERROR
        else:
            outcome = ReconcileResult.AGAIN if result.again_in is not None else ReconcileResult.DONE
        self.metrics.observe_reconcile(outcome, seconds)

    def _state(self) -> TelemetrySnapshot:
        return self.gauges.read()  # of what counts into the metrics

    def _noted(self, event: Event) -> None:
        self.metrics.observe_event(event)
        self.deliveries.told(event)
        loglines.recorded(event)

    def _written(self, seconds: float) -> None:
        self.metrics.observe_write(seconds)
        loglines.written(seconds)

"""One controller without threads: the parts of the daemon, and the rounds of its loops when they are due.

Wiring as in ``controller.daemon``, with a clock that is turned by hand. The world around it is in ``world``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import structlog

from controller.admin.orders import Orders, Removal
from controller.core.guards import ClockJump, MassDelete
from controller.core.offer import TemplateDefaults
from controller.engine.backoff import Backoff
from controller.engine.clock import VirtualClock
from controller.engine.slots import Slots
from controller.engine.workqueue import WorkQueue
from controller.guest.prober import InlineProber
from controller.guest.rdp import Negotiate
from controller.guest.reach import NoWay, Reaching
from controller.ledger.events import Event
from controller.ledger.ledger import Ledger
from controller.proxmox.inventory import Inventory
from controller.proxmox.port import Proxmox
from controller.proxmox.taskboard import TaskBoard
from controller.reconcile.loops import Loops
from controller.reconcile.picture import Picture
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.tools import Policy, Tools, key_of
from controller.sources.directory import DirectorySource
from controller.sources.writer import remove_session


class Killed(BaseException):
    """The controller's process died here; nothing may catch it on the way."""


TICK, TASK_POLL, RESCAN, DEBOUNCE = 2.0, 0.15, 30.0, 0.2
IN_FLIGHT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What one controller was told: who it is, what it watches, where its ledger is, what it makes desktops from."""

    name: str
    manifests: Path
    ledger: Path
    policy: Policy
    defaults: TemplateDefaults


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a controller finds around it, whatever life of the process it is."""

    clock: VirtualClock
    port: Proxmox
    negotiate: Negotiate
    told: Callable[[Event], None]
    reach: Reaching = field(default_factory=NoWay)
    made_password: Callable[[str], None] = lambda _password: None
    open_ledger: Callable[..., Ledger] = Ledger
    """Takes what ``Ledger`` takes."""
    scanned: Callable[[], None] = lambda: None
    """The directory was just read, and nothing was concluded from it yet."""


@dataclass(kw_only=True)
class Controller:
    """One life of the daemon's process."""

    site: Site
    around: Surroundings
    seed: str
    next_tick: float = 0.0
    next_poll: float = 0.0
    next_scan: float = 0.0
    _asked: set[str] = field(default_factory=set)
    _busy: set[str] = field(default_factory=set)
    """Loops that are in the middle of a round; each is one thread of the daemon."""

    def __post_init__(self) -> None:
        clock = self.around.clock
        self.queue = WorkQueue(clock, Backoff(base=0.5, cap=60.0, random=self._random("backoff")))
        self.tools = self._tools()
        self.picture = Picture(
            self.tools,
            mass_delete=MassDelete(),
            clock_jump=ClockJump(),
            pools=frozenset({self.site.defaults.pool}),
        )
        self.reconciler = Reconciler(self.tools, self.picture, log=structlog.get_logger("reconcile"))
        self.source = DirectorySource(self.site.manifests, defaults=self.site.defaults, clock=clock)
        self.loops = Loops(self.tools, self.picture, self.reconciler, self.queue, rescan=self.rescan)
        self.orders = Orders(
            self.tools,
            self.picture,
            enqueue=self._asked.add,
            rescan=self.hint,
            accept_empty=self.source.accept_empty,
            remove_manifest=self._remove_manifest,
        )
        self.reconciler.resume()
        self.next_tick = self.next_poll = self.next_scan = clock.monotonic()

    def close(self) -> None:
        self.tools.ledger.close()

    # -- rounds ------------------------------------------------------------------------------------------------

    def due(self) -> float:
        """The monotonic time of the next round."""
        if len(self.queue):
            return self.around.clock.monotonic()
        times = [self.next_tick, self.next_scan]
        if self.tools.board.nodes():
            times.append(self.next_poll)
        if (later := self.queue.next_due()) is not None:
            times.append(later)
        return min(times)

    def round(self) -> bool:
        """One round that is due now; False when none is.

        It may be called again from inside a round, as other threads go on while one waits for an answer: a loop that
        is in the middle of its own round then has none.
        """
        now = self.around.clock.monotonic()
        if now >= self.next_scan and "scan" not in self._busy:
            self._run("scan", self._scan)
        elif now >= self.next_tick and "observe" not in self._busy:
            self._run("observe", self._observe)
        elif now >= self.next_poll and "poll" not in self._busy and self.tools.board.nodes():
            self._run("poll", self._poll)
        elif (key := self.queue.get_nowait()) is not None:
            self.loops.work_once(key)
        else:
            return False
        return True

    def _run(self, loop: str, body: Callable[[], None]) -> None:
        self._busy.add(loop)
        body()
        self._busy.remove(loop)

    def _scan(self) -> None:
        self.next_scan = self.around.clock.monotonic() + RESCAN
        snapshot = self.source.scan()
        self.around.scanned()
        self.loops.scanned(snapshot)

    def _observe(self) -> None:
        self.next_tick = self.around.clock.monotonic() + TICK
        self.loops.observe_once()

    def _poll(self) -> None:
        self.loops.poll_tasks_once()
        self.next_poll = self.around.clock.monotonic() + TASK_POLL

    def hint(self) -> None:
        """What inotify would say: a scan after the debounce."""
        self.next_scan = min(self.next_scan, self.around.clock.monotonic() + DEBOUNCE)

    def rescan(self) -> None:
        self.next_scan = self.around.clock.monotonic()

    def order(self, what: Callable[[Orders], object]) -> None:
        """Something an administrator tells it. Sessions concerned are queued by name, so that histories repeat."""
        what(self.orders)
        for name in sorted(self._asked):
            self.queue.add(key_of(name))
        self._asked.clear()

    # -- wiring ------------------------------------------------------------------------------------------------

    def _random(self, what: str) -> Random:
        """One for each purpose, so that one retry more does not change every VMID."""
        return Random(f"{self.seed} {what}")

    def _tools(self) -> Tools:
        around, clock, add = self.around, self.around.clock, self.queue.add
        uids, passwords = self._random("uids"), self._random("passwords")

        def new_password() -> str:
            password = f"pw-{passwords.getrandbits(64):016x}"
            around.made_password(password)
            return password

        return Tools(
            port=around.port,
            ledger=around.open_ledger(f"sqlite:///{self.site.ledger}", clock=clock, on_event=around.told),
            clock=clock,
            board=TaskBoard(around.port, clock=clock),
            inventory=Inventory(around.port, clock=clock, pools=lambda: self.picture.pools()),  # noqa: PLW0108
            slots=Slots(IN_FLIGHT, add, clock=clock),
            clone_turns=Slots(1, add, clock=clock),
            prober=InlineProber(around.negotiate),
            guests=around.reach,
            random=self._random("vmids"),
            new_uid=lambda: f"{uids.getrandbits(128):032x}",
            new_password=new_password,
            policy=self.site.policy,
        )

    def _remove_manifest(self, session: str, _by: str) -> Removal:
        path = remove_session(self.site.manifests, session)
        return Removal(path is not None, f"its manifest was removed from {path.name if path else 'nowhere'}")

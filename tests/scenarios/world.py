"""A world in virtual time: the real controller and the real state machine of the node, in one thread.

Nothing is patched: the scanner reads a real directory, the ledger is a real SQLite file, the adapter speaks to the
node through a transport without sockets. Only the clock is turned by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import structlog

from controller.core.guards import ClockJump, MassDelete
from controller.core.model import DesiredSnapshot
from controller.core.offer import TemplateDefaults
from controller.engine.backoff import Backoff
from controller.engine.clock import VirtualClock
from controller.engine.slots import Slots
from controller.engine.workqueue import WorkQueue
from controller.guest.prober import InlineProber
from controller.guest.rdp import Negotiated, NotListening, ProbeResult, Security
from controller.ledger.events import Event
from controller.ledger.ledger import Ledger
from controller.node.bootstrap import Furniture, furnish
from controller.node.cluster import Cluster
from controller.node.dispatch import Dispatcher
from controller.node.inprocess import InProcessTransport
from controller.node.profile import PROFILES
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.inventory import Inventory
from controller.proxmox.taskboard import TaskBoard
from controller.reconcile.loops import Loops
from controller.reconcile.picture import Picture
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.tools import Policy, Tools
from controller.sources.directory import DirectorySource

FULL, LIMITED = "full", "limited"
_SECRET = "5ec4e700-0000-4000-8000-00000000000"
TICK, TASK_POLL, RESCAN, DEBOUNCE = 2.0, 0.15, 30.0, 0.2
STEPS_AT_MOST = 2_000_000


@dataclass
class Controller:
    """One life of the daemon, without threads."""

    tools: Tools
    picture: Picture
    reconciler: Reconciler
    queue: WorkQueue
    loops: Loops
    source: DirectorySource
    next_tick: float
    next_poll: float
    next_scan: float


@dataclass
class World:
    """A node, a directory, and a controller that can be restarted."""

    directory: Path
    seed: int = 1
    profile: str = "real"
    nodes: tuple[str, ...] = ("pve1",)
    controller_id: str = "default"
    policy: dict[str, float] = field(default_factory=dict)
    pool: str = "winux"
    on_event: Callable[[float, Event], None] = lambda _at, _event: None

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.began = self.clock.now()
        self.cluster = Cluster(self.clock, nodes=self.nodes, profile=PROFILES[self.profile], seed=self.seed)
        self.furniture: Furniture = furnish(
            self.cluster,
            pool=self.pool,
            first_template=9000,
            full_secret=_SECRET + "1",
            pool_secret=_SECRET + "2",
            root_password=None,
        )
        self.dispatcher = Dispatcher(self.cluster)
        self.transport = InProcessTransport(self.dispatcher, self.clock)
        self.admin = self._adapter("root@pam!winux", _SECRET + "1")
        self.manifests = self.directory / "manifests"
        self.manifests.mkdir(parents=True, exist_ok=True)
        self.controller: Controller = self._boot()

    # -- time --------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds since the world began."""
        return self.clock.now() - self.began

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        end = self.clock.monotonic() + seconds
        for _ in range(STEPS_AT_MOST):
            self.work()
            due = min(self._next(), end)
            if due >= end and self.clock.monotonic() >= end:
                return
            self.clock.advance(max(0.0, due - self.clock.monotonic()))
            self.cluster.schedule.settle()
        raise AssertionError("the world does not come to rest")

    def work(self) -> None:
        """Everything that is due now."""
        control, now = self.controller, self.clock.monotonic()
        if now >= control.next_scan:
            control.next_scan = now + RESCAN
            control.loops.scanned(control.source.scan())
        if now >= control.next_tick:
            control.next_tick = now + TICK
            control.loops.observe_once()
        if now >= control.next_poll and control.tools.board.nodes():
            control.loops.poll_tasks_once()
            control.next_poll = self.clock.monotonic() + TASK_POLL
        while (key := control.queue.get_nowait()) is not None:
            control.loops.work_once(key)

    def hint(self) -> None:
        """What inotify would say: a scan after the debounce."""
        self.controller.next_scan = min(self.controller.next_scan, self.clock.monotonic() + DEBOUNCE)

    def until(self, what: str, condition: Callable[[], bool], *, within: float = 120.0) -> float:
        """Let time pass until the condition holds; returns the seconds that took."""
        began = self.clock.monotonic()
        while not condition():
            if self.clock.monotonic() - began > within:
                raise AssertionError(f"not within {within} s: {what}; {self.controller.reconciler.statuses()}")
            self.run(0.1)
        return self.clock.monotonic() - began

    def _next(self) -> float:
        control = self.controller
        times = [control.next_tick, control.next_scan]
        if control.tools.board.nodes():
            times.append(control.next_poll)
        if (due := control.queue.next_due()) is not None:
            times.append(due)
        return min(times)

    # -- people ------------------------------------------------------------------------------------------------

    def write(self, name: str, text: str) -> None:
        (self.manifests / name).write_text(text, encoding="utf-8")
        self.hint()

    def remove(self, name: str) -> None:
        (self.manifests / name).unlink()
        self.hint()

    def restart(self) -> None:
        """The process is killed and started anew: only the ledger's file and Proxmox are left."""
        self.controller.tools.ledger.close()
        self.controller = self._boot()

    def lose_ledger(self) -> None:
        self.controller.tools.ledger.close()
        for file in self.directory.glob("ledger.db*"):
            file.unlink()
        self.controller = self._boot()

    # -- what is there -----------------------------------------------------------------------------------------

    def phase(self, session: str) -> str:
        status = self.controller.reconciler.status(session)
        return str(status.phase) if status is not None else "(none)"

    def reason(self, session: str) -> str:
        status = self.controller.reconciler.status(session)
        return status.reason if status is not None else "(none)"

    def containers(self) -> dict[int, str]:
        """Containers of our pool's VMID range by VMID: their host names."""
        return {vmid: guest.name for vmid, guest in self.cluster.guests.items() if vmid >= 30000}

    def vmid(self, session: str) -> int:
        life = self.controller.tools.ledger.life(session)
        assert life is not None
        assert life.placement is not None
        return life.placement.vmid

    # -- wiring ------------------------------------------------------------------------------------------------

    def _adapter(self, token: str, secret: str) -> ProxmoxAdapter:
        endpoint = Endpoint(url="https://127.0.0.1:8006", token_id=token, token_secret=secret)
        return ProxmoxAdapter(endpoint, transport=self.transport, clock=self.clock)

    def _boot(self) -> Controller:
        clock, random = self.clock, Random(self.seed)
        queue = WorkQueue(clock, Backoff(base=0.5, cap=60.0, random=random))
        port = self._adapter("winux@pve!controller", _SECRET + "2")
        ledger = Ledger(f"sqlite:///{self.directory}/ledger.db", clock=clock, on_event=self._told)
        uids = Random(f"{self.seed}{clock.now()}")
        tools = Tools(
            port=port,
            ledger=ledger,
            clock=clock,
            board=TaskBoard(port),
            inventory=Inventory(port, clock=clock, pools=lambda: frozenset({self.pool})),
            slots=Slots(4, queue.add, clock=clock),
            clone_turns=Slots(1, queue.add, clock=clock),
            prober=InlineProber(self._negotiate),
            random=random,
            new_uid=lambda: f"{uids.getrandbits(128):032x}",
            new_password=lambda: f"pw-{uids.getrandbits(64):x}",
            policy=Policy(controller=self.controller_id, **self.policy),  # type: ignore[arg-type]
        )
        picture = Picture(tools, mass_delete=MassDelete(), clock_jump=ClockJump(), pools=frozenset({self.pool}))
        reconciler = Reconciler(tools, picture, log=structlog.get_logger("test"))
        defaults = TemplateDefaults(archive=self.furniture.ostemplate, storage="local", pool=self.pool)
        source = DirectorySource(self.manifests, defaults=defaults, clock=clock)
        loops = Loops(tools, picture, reconciler, queue, rescan=self._rescan)
        reconciler.resume()
        now = clock.monotonic()
        return Controller(tools, picture, reconciler, queue, loops, source, now, now, now)

    def _rescan(self) -> None:
        self.controller.next_scan = self.clock.monotonic()

    def _told(self, event: Event) -> None:
        self.on_event(self.now, event)

    def _negotiate(self, address: str, port: int, *, timeout: float, clock: object = None) -> ProbeResult:
        del timeout, clock
        if self.cluster.guest_answers(address, port):
            return Negotiated(protocol=Security.TLS)
        return NotListening(message=f"{address}:{port}")


def snapshot_of(world: World) -> DesiredSnapshot | None:
    return world.controller.picture.desired

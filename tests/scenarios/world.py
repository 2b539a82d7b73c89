"""A world in virtual time: real controllers and the real state machine of the node, in one thread.

Nothing is patched: the scanner reads a real directory, the ledger is a real SQLite file, the adapter speaks to the
node through a transport without sockets. Only the clock is turned by hand.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import requests

from controller.core.model import DesiredSnapshot
from controller.core.offer import TemplateDefaults
from controller.engine.clock import VirtualClock
from controller.guest.rdp import Negotiated, NotListening, NotRdp, ProbeResult, Security
from controller.guest.reach import InlineReach, NoWay
from controller.ledger.events import Event
from controller.ledger.ledger import Ledger
from controller.node.access import AclKey, Pool, Token, User
from controller.node.bootstrap import POOL_TOKEN, furnish
from controller.node.cluster import Cluster
from controller.node.dispatch import Dispatcher
from controller.node.inprocess import InProcessTransport
from controller.node.memory import MemoryEngine
from controller.node.profile import PROFILES, Profile, Spread
from controller.node.release import NEWEST, RELEASES
from controller.node.sidedoor import SideDoor
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.port import Proxmox
from controller.reconcile.tools import Policy
from tests.scenarios.guests import CONTROLLERS_KEY, Guests
from tests.scenarios.virtual import Controller, Killed, Site, Surroundings

URL = "https://127.0.0.1:8006"
FULL_TOKEN = "root@pam!winux"
_SECRET = "5ec4e700-0000-4000-8000-00000000000"
ROUNDS_AT_MOST = 2_000_000
STEADY = Profile(
    name="steady",
    tasks={
        kind: Spread(seconds, seconds)
        for kind, seconds in {
            "vzcreate": 0.4,
            "vzclone": 0.5,
            "vzstart": 1.5,
            "vzdestroy": 0.1,
            "vzdestroy-running": 0.8,
            "resize": 0.3,
        }.items()
    },
    dhcp=0.5,
    rdp=2.5,
)
"""Always the medians of the real thing, and calls take no time: one call more or less then moves nothing else."""
BEGAN = 1_800_000_000


@dataclass
class World:
    """A node, and controllers with their directories; each can be stopped and started anew."""

    directory: Path
    seed: int = 1
    profile: str = "steady"
    """``steady``, or one of the node's."""
    nodes: tuple[str, ...] = ("pve1",)
    version: str = NEWEST.name
    """Of Proxmox VE: a name in the node's ``release.RELEASES``."""
    controller_id: str = "default"
    policy: dict[str, float] = field(default_factory=dict)
    pool: str = "winux"
    hints: bool = True
    """False: inotify says nothing, and only the periodic rescan finds changes."""
    on_event: Callable[[float, Event], None] = lambda _at, _event: None
    """About every event of the first controller; those of others are told by ``add_controller``."""
    on_round: Callable[[], None] = lambda: None
    """After every round of a controller and whenever time has passed."""
    on_killed: Callable[[str], None] = lambda _where: None
    """A controller's process died, and is started again at once."""
    on_started: Callable[[], None] = lambda: None
    """The first controller's process is about to start anew."""
    dress: Callable[[Proxmox], Proxmox] = lambda port: port
    """Puts something between the controllers and their adapters."""
    open_ledger: Callable[..., Ledger] = Ledger
    guests: bool = False
    """Whether the controllers have an SSH key for guests."""
    scanned: Callable[[], None] = lambda: None
    """After every reading of the first controller's directory, before anything is concluded from it."""

    def __post_init__(self) -> None:
        profile = STEADY if self.profile == STEADY.name else PROFILES[self.profile]
        self.clock = VirtualClock(BEGAN)
        release = RELEASES[self.version]
        self.cluster = Cluster(self.clock, nodes=self.nodes, profile=profile, seed=self.seed, release=release)
        self.furniture = furnish(
            self.cluster,
            pool=self.pool,
            first_template=9000,
            full_secret=_SECRET + "1",
            pool_secret=_SECRET + "2",
            root_password=None,
        )
        self.dispatcher = Dispatcher(self.cluster)
        self.door = SideDoor(self.dispatcher)
        self.transport = InProcessTransport(self.dispatcher, self.clock)
        self.inside = Guests(self.cluster, self.clock)
        self.secrets = {_SECRET + "1", _SECRET + "2"}
        """Of the tokens, and every password that was made."""
        self.babbling = False
        """What answers at the desktops' addresses is no RDP server."""
        self.impostor: str | None = None
        """The fingerprint of the certificate that somebody else shows at the desktops' addresses."""
        self.sites: dict[str, Site] = {}
        self._controllers: dict[str, Controller | None] = {}
        self._made: dict[str, Callable[[], Controller]] = {}
        self._boots = 0
        self._writes = 0
        self.manifests = self.directory / "manifests"
        self.controller = self.add_controller(self.controller_id, told=lambda event: self.on_event(self.now, event))

    def add_controller(
        self,
        name: str,
        *,
        told: Callable[[Event], None],
        pool: str | None = None,
        token: str = POOL_TOKEN,
        manifests: Path | None = None,
    ) -> Controller:
        """One more controller, running from now on. A pool of its own and its token are made if need be."""
        pool = pool or self.pool
        self._grant(pool, token)
        first = not self._made
        manifests = manifests or (self.manifests if first else self.directory / f"manifests-{name}")
        manifests.mkdir(parents=True, exist_ok=True)
        port = self.dress(self._adapter(token, _SECRET + "2"))
        site = Site(
            name=name,
            manifests=manifests,
            ledger=self.directory / ("ledger.db" if first else f"ledger-{name}.db"),
            policy=Policy(controller=name, **self.policy),  # type: ignore[arg-type]  # all but the name are numbers
            defaults=TemplateDefaults(
                archive=self.furniture.ostemplate, storage="local", pool=pool, guest_key=self.guests
            ),
        )
        self.sites[name] = site
        around = Surroundings(
            clock=self.clock,
            port=port,
            negotiate=self._negotiate,
            told=told,
            reach=InlineReach(self.inside, public_key=CONTROLLERS_KEY) if self.guests else NoWay(),
            made_password=self.secrets.add,
            open_ledger=self.open_ledger,
            scanned=self.scanned if first else _nothing,
        )

        def boot() -> Controller:
            self._boots += 1
            return Controller(site=site, around=around, seed=f"{self.seed} {name} {self._boots}")

        self._made[name] = boot
        self._controllers[name] = controller = boot()
        return controller

    # -- time --------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds since the world began."""
        return self.clock.monotonic()

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        end = self.clock.monotonic() + seconds
        for _ in range(ROUNDS_AT_MOST):
            soonest = min(self.running(), key=Controller.due, default=None)
            due = soonest.due() if soonest is not None else end
            if soonest is not None and due <= self.clock.monotonic():
                self._round(soonest)
            elif self.clock.monotonic() >= end:
                return
            else:
                self.clock.advance(min(due, end) - self.clock.monotonic())
                self.cluster.schedule.settle()
            self.on_round()
        raise AssertionError("the world does not come to rest")

    def _round(self, controller: Controller) -> None:
        try:
            controller.round()
        except Killed as killed:
            self.on_killed(f"{killed}")
            self.restart(controller.site.name)

    def run_to(self, moment: float) -> None:
        """Let time pass until so many seconds after the beginning."""
        self.run(max(0.0, moment - self.now))

    def until(self, what: str, condition: Callable[[], bool], *, within: float = 120.0) -> float:
        """Let time pass until the condition holds; returns the seconds that took."""
        began = self.clock.monotonic()
        while not condition():
            if self.clock.monotonic() - began > within:
                raise AssertionError(f"not within {within} s: {what}; {self.controller.reconciler.statuses()}")
            self.run(0.1)
        return self.clock.monotonic() - began

    # -- people ------------------------------------------------------------------------------------------------

    def write(self, name: str, text: str | bytes) -> None:
        path = self.manifests / name
        if path.is_symlink():
            path.unlink()
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        self.stamp(path)
        self.hint()

    def stamp(self, path: Path) -> None:
        """Date a file by the virtual clock: many virtual seconds fit into one tick of the real file system's."""
        self._writes += 1
        moment = int(self.clock.now()) * 1_000_000_000 + self._writes
        os.utime(path, ns=(moment, moment), follow_symlinks=False)

    def remove(self, name: str) -> None:
        (self.manifests / name).unlink()
        self.hint()

    def hint(self) -> None:
        """What inotify would say to everybody."""
        for controller in self.running() if self.hints else ():
            controller.hint()

    def stop(self, name: str | None = None) -> None:
        """The process is killed: only the ledger's file and Proxmox are left."""
        name = name or self.controller_id
        controller = self._controllers[name]
        if controller is not None:
            controller.close()
        self._controllers[name] = None

    def start(self, name: str | None = None) -> None:
        name = name or self.controller_id
        if name == self.controller_id:
            self.on_started()
        while True:
            try:
                self._controllers[name] = started = self._made[name]()
                break
            except Killed as killed:
                self.on_killed(f"{killed}, while it started")
        if name == self.controller_id:
            self.controller = started

    def restart(self, name: str | None = None) -> None:
        """The process is killed and started anew."""
        self.stop(name)
        self.start(name)

    def lose_ledger(self) -> None:
        self.stop()
        for file in self.directory.glob("ledger.db*"):
            file.unlink()
        self.start()

    def api(self, method: str, path: str, parameters: dict[str, str] | None = None) -> object:
        """A call of the real API with all rights; returns its ``data``."""
        with requests.Session() as session:
            session.trust_env = False
            session.mount("https://", self.transport)
            answer = session.request(
                method,
                f"{URL}/api2/json{path}",
                data=parameters,
                headers={"Authorization": f"PVEAPIToken={FULL_TOKEN}={_SECRET}1"},
                timeout=30,
            )
        if answer.status_code != requests.codes.ok:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.reason}")
        data: object = answer.json()["data"]
        return data

    @property
    def engine(self) -> MemoryEngine:
        assert isinstance(self.cluster.engine, MemoryEngine)
        return self.cluster.engine

    # -- what is there -----------------------------------------------------------------------------------------

    def running(self) -> list[Controller]:
        return [controller for controller in self._controllers.values() if controller is not None]

    def phase(self, session: str) -> str:
        status = self.controller.reconciler.status(session)
        return str(status.phase) if status is not None else "(none)"

    def reason(self, session: str) -> str:
        status = self.controller.reconciler.status(session)
        return status.reason if status is not None else "(none)"

    def containers(self) -> dict[int, str]:
        """Containers in the VMID range of desktops by VMID: their host names."""
        return {vmid: guest.name for vmid, guest in self.cluster.guests.items() if vmid >= 30000}

    def vmid(self, session: str) -> int:
        life = self.controller.tools.ledger.life(session)
        assert life is not None
        assert life.placement is not None
        return life.placement.vmid

    # -- wiring ------------------------------------------------------------------------------------------------

    def _adapter(self, token: str, secret: str) -> ProxmoxAdapter:
        endpoint = Endpoint(url=URL, token_id=token, token_secret=secret)
        return ProxmoxAdapter(endpoint, transport=self.transport, clock=self.clock)

    def _grant(self, pool: str, token: str) -> None:
        """A second controller's pool and token, with the rights that the first one has on its own."""
        access, user = self.cluster.access, token.partition("!")[0]
        if token not in access.tokens:
            access.users.setdefault(user, User())
            access.tokens[token] = Token(_SECRET + "2", privsep=False)
        access.pools.setdefault(pool, Pool())
        mine, theirs = AclKey("user", user), AclKey("user", POOL_TOKEN.partition("!")[0])
        for path, entries in [*access.acl.items()]:
            if theirs in entries and not path.startswith("/pool/"):
                access.grant(path, mine, entries[theirs])
        access.grant(f"/pool/{pool}", mine, ["WinuxController"])

    def _negotiate(self, address: str, port: int, *, timeout: float, clock: object = None) -> ProbeResult:
        del timeout, clock
        where = f"{address} port {port}"
        if not self.cluster.guest_answers(address, port):
            return NotListening(message=f"{where}: nothing listens there")
        if self.babbling:
            return NotRdp(message=f"{where}: what answers is no RDP server (it begins with 53534820)")
        return Negotiated(protocol=Security.TLS, fingerprint=self.impostor or self._fingerprint(address))

    def _fingerprint(self, address: str) -> str:
        """One for each container, the same whenever it boots."""
        return hashlib.sha256(f"{self.engine.whose(address)}".encode()).digest().hex(":")


def _nothing() -> None:
    """Nobody wants to know."""


def snapshot_of(world: World) -> DesiredSnapshot | None:
    return world.controller.picture.desired
